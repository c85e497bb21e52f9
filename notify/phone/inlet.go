package phone

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"muster/incident"
	"muster/notify"
)

const (
	// maxForm bounds what Twilio may send, in bytes.
	maxForm = 64 << 10
	// listenFor bounds the recording of an answer; Twilio waits 15 s.
	listenFor = 10 * time.Second
	// mostTries is how often a key is asked for again.
	mostTries = 1
)

// Handler takes what Twilio sends, all by POST and signed over the public
// address: Root + "voice" (what to say), "key" (a key was pressed), "status"
// (what becomes of a call) and "sms" (a text message came in; this one is set
// as the number's messaging webhook at Twilio). Anything that is not signed is
// answered with 403, and without a public address everything is.
func (c *Channel) Handler() http.Handler {
	inlets := map[string]func(http.ResponseWriter, *http.Request, url.Values){
		"voice": c.voice, "key": c.key, "status": c.status, "sms": c.sms,
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		inlet := inlets[name]
		switch {
		case inlet == nil:
			http.Error(rw, "there is no such address", http.StatusNotFound)
			return
		case r.Method != http.MethodPost:
			rw.Header().Set("Allow", http.MethodPost)
			http.Error(rw, "use POST", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxForm))
		if err != nil {
			http.Error(rw, "the form is too long or broke off", http.StatusBadRequest)
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			http.Error(rw, "the form cannot be read", http.StatusBadRequest)
			return
		}
		// The address as Twilio was given it, whatever a proxy made of it.
		address := c.cfg.Public + Root + name
		if r.URL.RawQuery != "" {
			address += "?" + r.URL.RawQuery
		}
		if c.cfg.Public == "" || !genuine(c.cfg.AuthToken, address, form, r.Header.Get(signatureHeader)) || form.Get("AccountSid") != c.cfg.AccountSID {
			c.cfg.Log.Warn("a request to the phone's address is not Twilio's", "inlet", name)
			http.Error(rw, "the signature is missing or wrong", http.StatusForbidden)
			return
		}
		inlet(rw, r, form)
	})
}

// word reads the sealed word of a request; ok is false when it was answered.
func (c *Channel) word(rw http.ResponseWriter, r *http.Request, late string) (w word, ok bool) {
	w, old, err := c.opened(r.URL.Query().Get("p"))
	switch {
	case err != nil:
		http.Error(rw, err.Error(), http.StatusForbidden)
		return w, false
	case old && late != "":
		answer(rw, ending(late))
		return w, false
	}
	return w, true
}

// voice gives the words of a call that was picked up.
func (c *Channel) voice(rw http.ResponseWriter, r *http.Request, form url.Values) {
	w, ok := c.word(rw, r, sayOld)
	if !ok {
		return
	}
	c.known.claim(w.Delivery, form.Get("CallSid"))
	if c.cfg.Listen == nil {
		answer(rw, ending(w.Said+" "+sayNoListen))
		return
	}
	answer(rw, asking(w.Said+" "+choice, c.keyAddress(r, 0)))
}

func (c *Channel) keyAddress(r *http.Request, try int) string {
	return c.cfg.Public + Root + "key?" + url.Values{"n": {strconv.Itoa(try)}, "p": {r.URL.Query().Get("p")}}.Encode()
}

// key takes a pressed key.
func (c *Channel) key(rw http.ResponseWriter, r *http.Request, form url.Values) {
	w, ok := c.word(rw, r, sayOld)
	if !ok {
		return
	}
	digits, sid := form.Get("Digits"), form.Get("CallSid")
	try, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || try < 0 {
		try = mostTries
	}
	kind, known := map[string]notify.Kind{"1": notify.Acknowledge, "2": notify.Escalate}[digits]
	switch {
	case c.cfg.Listen == nil:
		answer(rw, ending(sayNoListen))
		return
	case !known && try < mostTries:
		answer(rw, asking(sayWrong(digits), c.keyAddress(r, try+1)))
		return
	case !known:
		answer(rw, ending(sayGoodbye))
		return
	}
	refusal, err := c.tell(r.Context(), notify.Answer{
		Incident: w.Incident, Person: w.Person, Level: w.Level, Kind: kind, Via: "phone", Key: "phone:" + sid + ":" + digits,
		Said: "pressed " + digits + " after hearing: " + w.Said, At: c.cfg.Now(),
	})
	switch {
	case err != nil && try < mostTries:
		answer(rw, asking(sayLater, c.keyAddress(r, try+1)))
	case err != nil:
		answer(rw, ending(sayNotAtAll))
	case refusal != "":
		answer(rw, ending(sentence(spoken(refusal, maxTitle))))
	default:
		answer(rw, ending(sayTaken(kind, w)))
	}
}

// tell gives an answer to the listener.
func (c *Channel) tell(ctx context.Context, a notify.Answer) (refusal string, err error) {
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	err = c.cfg.Listen(ctx, a)
	var no incident.Refusal
	if errors.As(err, &no) {
		return no.Error(), nil
	}
	if err != nil {
		// The error's text is the listener's and may hold anything.
		c.cfg.Log.Error("an answer by phone was not recorded", "incident", a.Incident, "via", a.Via, "kind", a.Kind)
	}
	return "", err
}

// states are Twilio's words for a call.
var states = map[string]bool{
	"queued": true, "initiated": true, "ringing": true, "in-progress": true, "completed": true, "busy": true, "no-answer": true,
	"failed": true, "canceled": true,
}

// status takes what becomes of a call, and whether a machine picked it up.
func (c *Channel) status(rw http.ResponseWriter, r *http.Request, form url.Values) {
	w, ok := c.word(rw, r, "")
	if !ok {
		return
	}
	sid, state, by := form.Get("CallSid"), form.Get("CallStatus"), form.Get("AnsweredBy")
	if state == "" && by != "" {
		state = "in-progress"
	}
	if states[state] && sid != "" {
		if state != "failed" && state != "canceled" {
			c.known.claim(w.Delivery, sid)
		}
		c.cfg.Log.Info("a call moved on", "incident", w.Incident, "attempt", w.Attempt, "call", sid, "state", state)
		if c.cfg.Told != nil {
			c.cfg.Told(r.Context(), Progress{
				Incident: w.Incident, Attempt: w.Attempt, Person: w.Person, Ref: sid, State: state, AnsweredBy: by, At: c.cfg.Now(),
			})
		}
	}
	rw.WriteHeader(http.StatusNoContent)
}

// answer writes TwiML, with its length: Twilio does not read chunks.
func answer(rw http.ResponseWriter, doc string) {
	rw.Header().Set("Content-Type", "text/xml; charset=utf-8")
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Content-Length", strconv.Itoa(len(doc)))
	_, _ = io.WriteString(rw, doc) // who hung up needs no answer
}
