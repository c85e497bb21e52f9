package email

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"muster/incident"
	"muster/notify"
)

//go:embed ack.html.tmpl
var ackHTML string

//go:embed ack.css
var ackCSS string

var ackPage = template.Must(template.New("ack").Parse(ackHTML))

// ackPolicy lets the page show itself and send its form to us, and nothing else.
var ackPolicy = func() string {
	sum := sha256.Sum256([]byte(ackCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// maxForm bounds a form, in bytes.
const maxForm = 4 << 10

// answer is one page.
type answer struct {
	status int
	Title  string
	Lines  []string
	Proof  string // of the form; empty: there is no button
	Name   string // who would acknowledge
	CSS    template.CSS
}

// ServeHTTP shows the page of a link, and acknowledges when its button is
// pressed.
func (a *AckLinks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	c, ok := a.open(token)
	var page answer
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		page = answer{status: http.StatusMethodNotAllowed, Title: "Open this link in a browser"}
	case !ok:
		page = answer{status: http.StatusNotFound, Title: "This link is not complete", Lines: []string{
			"It is not one of ours, or a part of it was lost. Open it from the mail again, or acknowledge in Slack: /incident ack.",
		}}
	case r.Method == http.MethodPost:
		page = a.act(r, token, c)
	default:
		page = a.show(r, token, c)
	}
	a.write(w, page)
}

// look says what the incident's state already answers; done is false when the
// button still makes sense.
func (a *AckLinks) look(r *http.Request, c claim) (page answer, inc incident.Incident, done bool) {
	now := a.cfg.Now()
	known := false
	if a.cfg.Find != nil {
		found, err := a.cfg.Find(r.Context(), c.Incident)
		if err != nil {
			a.cfg.Log.Warn("an acknowledge page could not look at its incident", "incident", c.Incident, "error", err)
		}
		if known = err == nil && found.Exists(); known {
			inc = found
		}
	}
	mine, acked := acknowledged(inc, c.person())
	switch {
	case known && !inc.ResolvedAt.IsZero():
		page = answer{status: http.StatusGone, Title: c.Incident + " is resolved", Lines: []string{
			inc.Title, "It was resolved " + since(now, inc.ResolvedAt) + by(inc.Resolution.By) + ". There is nothing to acknowledge.",
		}}
	case known && inc.MergedInto != "":
		page = answer{status: http.StatusGone, Title: c.Incident + " is part of " + inc.MergedInto, Lines: []string{
			inc.Title, "Acknowledge that one: /incident ack " + inc.MergedInto + ".",
		}}
	case known && !inc.Open():
		page = answer{status: http.StatusGone, Title: c.Incident + " is closed", Lines: []string{inc.Title}}
	case acked:
		page = answer{status: http.StatusOK, Title: "You have acknowledged " + c.Incident, Lines: []string{
			inc.Title, "That was " + since(now, mine.At) + ". You are not paged for it any more.",
		}}
	case now.Unix() >= c.Until:
		page = answer{status: http.StatusGone, Title: "This link has expired", Lines: []string{
			"It was for " + c.Incident + ". Acknowledge in Slack: /incident ack " + c.Incident + ".",
		}}
	default:
		return page, inc, false
	}
	return page, inc, true
}

func (a *AckLinks) show(r *http.Request, token string, c claim) answer {
	page, inc, done := a.look(r, c)
	if done {
		return page
	}
	page = answer{status: http.StatusOK, Title: "Acknowledge " + c.Incident + "?", Proof: a.proof(token), Name: c.Name}
	if inc.Exists() {
		page.Lines = append(page.Lines, inc.Severity.String()+": "+plainLine(inc.Title), "Status: "+string(inc.Status))
	}
	for _, other := range inc.Acks {
		page.Lines = append(page.Lines, other.By.String()+" has acknowledged it "+since(a.cfg.Now(), other.At)+". You can too.")
	}
	return page
}

func (a *AckLinks) act(r *http.Request, token string, c claim) answer {
	if !a.sameSite(r) {
		return answer{status: http.StatusForbidden, Title: "Nothing was acknowledged", Lines: []string{
			"The request came from another page. Open the link from the mail and press the button there.",
		}}
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || subtle.ConstantTimeCompare([]byte(r.PostForm.Get("proof")), []byte(a.proof(token))) != 1 {
		return answer{status: http.StatusBadRequest, Title: "Nothing was acknowledged", Lines: []string{
			"Open the link from the mail and press the button there.",
		}}
	}
	page, _, done := a.look(r, c)
	if done {
		return page
	}
	err := a.cfg.Listen(r.Context(), notify.Answer{
		Incident: c.Incident, Person: c.person(), Level: c.Level, Kind: notify.Acknowledge, Via: "email",
		Key: answerKey(token), Said: "pressed Acknowledge on the page of the mail's link", At: a.cfg.Now(),
	})
	if refusal, ok := errors.AsType[incident.Refusal](err); ok {
		return answer{status: http.StatusConflict, Title: c.Incident + " was not acknowledged", Lines: []string{refusal.Text, refusal.Hint}}
	}
	if err != nil {
		a.cfg.Log.Error("an acknowledgement by mail link was not recorded", "incident", c.Incident, "error", err)
		return answer{status: http.StatusServiceUnavailable, Title: c.Incident + " was not acknowledged", Lines: []string{
			"It could not be recorded just now. Press the button again.",
		}, Proof: a.proof(token), Name: c.Name}
	}
	return a.after(r, c)
}

// after says what a recorded answer led to: the answer of a link that was used
// before is its first one, and does not acknowledge again.
func (a *AckLinks) after(r *http.Request, c claim) answer {
	_, inc, _ := a.look(r, c)
	if _, acked := acknowledged(inc, c.person()); inc.Open() && !acked {
		return answer{status: http.StatusConflict, Title: "This link was used already", Lines: []string{
			"That acknowledgement does not hold any more. Acknowledge anew in Slack: /incident ack " + c.Incident + ".",
		}}
	}
	return answer{status: http.StatusOK, Title: "You have acknowledged " + c.Incident, Lines: []string{
		inc.Title, "It is recorded, and the others are told. Post an update before long: without one it lapses.",
	}}
}

// sameSite tells whether a form was sent by our own page.
func (a *AckLinks) sameSite(r *http.Request) bool {
	guard := http.NewCrossOriginProtection()
	if scheme, rest, ok := strings.Cut(a.cfg.Public, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		if guard.AddTrustedOrigin(scheme+"://"+host) != nil {
			return false
		}
	}
	return guard.Check(r) == nil
}

func acknowledged(inc incident.Incident, p incident.Person) (incident.Ack, bool) {
	for _, ack := range inc.Acks {
		if ack.By.Is(p) {
			return ack, true
		}
	}
	return incident.Ack{}, false
}

func since(now, at time.Time) string { return span(now.Sub(at)) + " ago" }

func (a *AckLinks) write(w http.ResponseWriter, page answer) {
	var lines []string
	for _, line := range page.Lines {
		if line = plainLine(line); line != "" {
			lines = append(lines, line)
		}
	}
	page.Lines, page.CSS = lines, template.CSS(ackCSS) //nolint:gosec // a file of ours
	var body bytes.Buffer
	if err := ackPage.Execute(&body, page); err != nil {
		a.cfg.Log.Error("an acknowledge page could not be written", "error", err)
		http.Error(w, "The page cannot be shown. Acknowledge in Slack: /incident ack.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Security-Policy", ackPolicy)
	h.Set("Cache-Control", "no-store")
	// Browsers say where a form comes from only with this one or a weaker one.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive, nosnippet")
	w.WriteHeader(page.status)
	_, _ = body.WriteTo(w) // whoever asked has gone; nothing depends on it
}
