package app

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"muster/commands"
	"muster/config"
	"muster/engine"
	"muster/incident"
)

// maxBody is the largest command that is read over HTTP, in bytes.
const maxBody = 64 << 10

// incidentName is what every incident is called.
var incidentName = regexp.MustCompile("^" + engine.IncidentPrefix + "[0-9]{1,18}$")

// maxKey is the longest Idempotency-Key that is remembered, in bytes.
const maxKey = 250

// handler answers HTTP: health, metrics, and the same commands as Slack.
func (p *Program) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", p.healthz)
	mux.HandleFunc("GET /readyz", p.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("POST /v1/commands", p.authorised(p.postCommand))
	mux.HandleFunc("POST /v1/test-page", p.authorised(p.postTestPage))
	mux.HandleFunc("GET /v1/backup", p.authorised(p.getBackup))
	mux.HandleFunc("GET /v1/incidents", p.authorised(p.getIncidents))
	mux.HandleFunc("GET /v1/incidents/{id}", p.authorised(p.getIncident))
	p.mountAlerts(mux)
	p.channels.mount(mux)
	return mux
}

// authorised lets in who brings MUSTER_API_TOKEN. Without a token configured
// nobody is let in.
func (p *Program) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		want := p.opt.Env.MusterAPIToken.Reveal()
		if want == "" {
			answer(w, http.StatusForbidden, problem("not configured", "The HTTP commands are off: set MUSTER_API_TOKEN and start again."))
			return
		}
		got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="muster"`)
			answer(w, http.StatusUnauthorized, problem("unauthorized", "The bearer token is missing or wrong: send MUSTER_API_TOKEN."))
			return
		}
		next(w, r)
	}
}

// Command is the body of POST /v1/commands.
type Command struct {
	// Text is the command without /incident, As the e-mail address of the
	// person who gives it.
	Text string `json:"text"`
	As   string `json:"as"`
}

func (p *Program) postCommand(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answer(w, http.StatusRequestEntityTooLarge, problem("too_long", "The command is longer than 64 KiB."))
		return
	}
	var c Command
	if err := json.Unmarshal(body, &c); err != nil {
		answer(w, http.StatusBadRequest, problem("usage", `The body is not JSON: send {"text": "ack INC-3", "as": "alice@example.com"}.`))
		return
	}
	email, err := config.ParseEmail(c.As)
	if err != nil {
		answer(w, http.StatusBadRequest, problem("usage", `"as" is not an e-mail address: say for whom the command is, such as alice@example.com.`))
		return
	}
	who, err := p.person(r.Context(), email)
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, problem("person", err.Error()))
		return
	}
	via := commands.ViaHTTP
	if r.Header.Get("X-Muster-Via") == commands.ViaCommand {
		via = commands.ViaCommand
	}
	call := commands.Call{Text: c.Text, By: who, Via: via, Now: p.now()}
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		if len(key) > maxKey || len(email) > maxKey || strings.ContainsFunc(key, unicode.IsControl) {
			answer(w, http.StatusBadRequest, problem("usage", "The Idempotency-Key cannot be kept: send at most 250 bytes without control characters, such as a UUID."))
			return
		}
		call.Key = "http:" + email + ":" + key
	}
	reply := counted{p.commands, p.metrics}.Run(r.Context(), call)
	answer(w, statusOf(reply), reply)
}

// statusOf gives the HTTP status of an answer.
func statusOf(r commands.Reply) int {
	switch {
	case r.OK:
		return http.StatusOK
	case r.Code == commands.CodePermission:
		return http.StatusForbidden
	case r.Code == commands.CodeUnknown:
		return http.StatusNotFound
	case r.Code == commands.CodeErased:
		return http.StatusGone
	case r.Code == commands.CodeFault:
		return http.StatusInternalServerError
	default:
		return http.StatusUnprocessableEntity
	}
}

func (p *Program) getIncidents(w http.ResponseWriter, r *http.Request) {
	which := r.URL.Query().Get("state")
	if which != "" && which != "open" && which != "all" {
		answer(w, http.StatusBadRequest, problem("usage", `"state" is open or all.`))
		return
	}
	list, err := reader{p.incidents}.List(r.Context(), which != "open", 1000)
	if err != nil {
		p.fault(w, "list incidents", err)
		return
	}
	by, refused := p.asking(r)
	if refused != nil {
		answer(w, http.StatusUnprocessableEntity, refused)
		return
	}
	seen := []commands.Summary{}
	for _, s := range list {
		if s.Circle.VisibleTo(by) {
			seen = append(seen, s)
		}
	}
	answer(w, http.StatusOK, map[string]any{"incidents": seen})
}

// asking is the person for whom a reader asks, by ?as=alice@example.com; nobody:
// what everybody may see is read.
func (p *Program) asking(r *http.Request) (incident.Person, *commands.Reply) {
	as := r.URL.Query().Get("as")
	if as == "" {
		return incident.Person{}, nil
	}
	email, err := config.ParseEmail(as)
	if err == nil {
		var who incident.Person
		if who, err = p.person(r.Context(), email); err == nil {
			return who, nil
		}
	}
	refused := problem("person", err.Error())
	return incident.Person{}, &refused
}

func (p *Program) getIncident(w http.ResponseWriter, r *http.Request) {
	id := strings.ToUpper(r.PathValue("id"))
	by, refused := p.asking(r)
	if refused != nil {
		answer(w, http.StatusUnprocessableEntity, refused)
		return
	}
	if !incidentName.MatchString(id) { // other histories are kept too
		answer(w, http.StatusNotFound, problem("unknown", "There is no such incident: an incident is called INC-12."))
		return
	}
	s, err := p.incidents.State(r.Context(), id)
	if err == nil && !s.VisibleTo(by) {
		err = incident.Hidden(id)
	}
	err = cmp.Or(err, s.Gone())
	var refusal incident.Refusal
	if errors.As(err, &refusal) {
		refused := problem(refusal.Code, refusal.Error())
		answer(w, statusOf(refused), refused)
		return
	}
	if err != nil {
		p.fault(w, "read "+id, err)
		return
	}
	history, err := p.incidents.History(r.Context(), id)
	if err != nil {
		p.fault(w, "read "+id, err)
		return
	}
	type entry struct {
		Seq  uint64         `json:"seq"`
		At   time.Time      `json:"at"`
		Kind string         `json:"kind"`
		Text string         `json:"text"`
		Data incident.Event `json:"data"`
	}
	records := make([]entry, len(history))
	for i, rec := range history {
		records[i] = entry{rec.Seq, rec.At, incident.EventKind(rec.Event), commands.Line(rec.Event).Plain(), rec.Event}
	}
	answer(w, http.StatusOK, map[string]any{"incident": s, "history": records, "ledger": incident.Ledger(history)})
}

func (p *Program) fault(w http.ResponseWriter, what string, err error) {
	p.log.Error(what, "error", err)
	answer(w, http.StatusInternalServerError, problem(commands.CodeFault, "That failed on our side; the log says why."))
}

func problem(code, text string) commands.Reply { return commands.Reply{Code: code, Text: text} }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// healthz tells whether the process is worth keeping: it is not when the file
// has to be opened again.
func (p *Program) healthz(w http.ResponseWriter, _ *http.Request) {
	if err := p.store.Healthy(); err != nil {
		answer(w, http.StatusServiceUnavailable, map[string]any{"ok": false, "store": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true})
}

// serve answers HTTP until the context ends, then lets running requests end.
func (p *Program) serve(ctx context.Context) error {
	server := &http.Server{
		Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
