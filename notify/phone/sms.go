package phone

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"muster/notify"
)

// text is a text message that waits to be sent.
type text struct {
	page   page
	number string
}

// follow lets the text message follow a call. It is a courtesy to who missed
// the call: when Run does not keep up, or ends, it is left out.
func (c *Channel) follow(m notify.Message) {
	p := pageOf(m)
	c.known.met(m.To.Phone, p)
	if c.cfg.Public == "" || c.cfg.NoText {
		return
	}
	select {
	case c.texts <- text{page: p, number: m.To.Phone}:
	default:
		c.cfg.Log.Warn("a text message was left out: too many wait", "incident", p.incident)
	}
}

// Run sends the text messages that follow calls, until ctx ends. Each is sent
// once; one that fails is logged and forgotten, for the call was the page.
// Without Run there are calls and no text messages.
func (c *Channel) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-c.texts:
			var made struct {
				SID string `json:"sid"`
			}
			form := url.Values{"To": {t.number}, "From": {c.cfg.From}, "Body": {t.page.written()}}
			if f := c.post(ctx, "send a text message", "/Messages.json", form, &made); f != nil {
				c.cfg.Log.Warn("a text message was not sent", "incident", t.page.incident, "error", f)
			}
		}
	}
}

// code reads "1 INC-3", "2", "ack inc 3" and the like.
var code = regexp.MustCompile(`(?i)^\W*(1|2|ack|acknowledge|escalate)\b\W*(?:(?:INC\W*)?([1-9][0-9]{0,8}))?\W*$`)

// sms takes a text message.
func (c *Channel) sms(rw http.ResponseWriter, r *http.Request, form url.Values) {
	from, sid := form.Get("From"), form.Get("MessageSid")
	last, met := c.known.last(from)
	person, ok := last.person, met
	if c.cfg.Who != nil {
		if p, found := c.cfg.Who(from); found {
			person, ok = p, true
		}
	}
	if !ok || person.Nobody() || c.cfg.Listen == nil {
		answer(rw, reply(writeUnknown))
		return
	}
	body := strings.TrimSpace(form.Get("Body"))
	found := code.FindStringSubmatch(body)
	id := last.incident
	if found != nil && found[2] != "" {
		id = "INC-" + found[2]
	}
	if found == nil || id == "" {
		answer(rw, reply(writeHow(id)))
		return
	}
	kind := notify.Acknowledge
	if first := strings.ToLower(found[1]); first == "2" || first == "escalate" {
		kind = notify.Escalate
	}
	a := notify.Answer{
		Incident: id, Person: person, Kind: kind, Via: "sms", Key: "sms:" + sid, Said: "wrote: " + spoken(body, 60), At: c.cfg.Now(),
	}
	if met && last.incident == id && last.person.Is(person) {
		a.Level = last.level
	}
	refusal, err := c.tell(r.Context(), a)
	switch {
	case err != nil:
		answer(rw, reply(writeLater))
	case refusal != "":
		answer(rw, reply(refusal))
	default:
		answer(rw, reply(writeTaken(kind, id)))
	}
}
