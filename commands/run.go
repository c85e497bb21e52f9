package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"muster/incident"
)

// MaxCommand is the longest text that is read, in bytes.
const MaxCommand = 32 << 10

// incidentState is the incident a command is about.
type incidentState = incident.Incident

// Run carries out one command and answers. It never fails: what went wrong is
// the answer.
func (c *Commands) Run(ctx context.Context, call Call) Reply {
	return finish(c.as(call.By).run(ctx, call))
}

// finish fills in what follows from the rest of an answer.
func finish(r Reply) Reply {
	r.Text = r.Body.Plain()
	return r
}

func (c *Commands) run(ctx context.Context, call Call) Reply {
	if len(call.Text) > MaxCommand {
		return refuse(CodeUsage, "The text is too long: at most ", MaxCommand/1024, " KiB are read.")
	}
	call.Text = strings.ToValidUTF8(strings.ReplaceAll(call.Text, "\x00", ""), string(utf8.RuneError))
	if r, ok := c.seen(ctx, call.Key); ok {
		return r
	}
	if t := strings.TrimSpace(call.Text); len(t) > 1 && t[0] == '`' && t[len(t)-1] == '`' { // copied from an answer
		call.Text = strings.Trim(t, "`")
	}
	l, wrong := parse(call.Text)
	if wrong != nil {
		return *wrong
	}
	if wrong := sayable(l, call.Step); wrong != nil {
		return *wrong
	}
	x := c.exec(ctx, call, l)
	if wrong := c.locate(x); wrong != nil {
		return *wrong
	}
	if wrong := c.permit(ctx, x.spec, call.By, x.at, call.Now); wrong != nil {
		return *wrong
	}
	r := x.spec.run(c, x)
	if r.Incident == "" {
		r.Incident = x.at.ID
	}
	return r
}

// exec makes a command ready: mentions in its free text are read as names.
func (c *Commands) exec(ctx context.Context, call Call, l line) *exec {
	l.args.readable = func(text string) string { return c.readable(ctx, text, call.By) }
	return &exec{ctx: ctx, call: call, spec: l.spec, line: l}
}

var mentions = regexp.MustCompile(`<([@#!])([^<>|\n]+)(?:\|([^<>\n]*))?>`)

// readable writes mentions the way a person reads them: <@U123> as @Name.
func (c *Commands) readable(ctx context.Context, text string, by incident.Person) string {
	if !strings.Contains(text, "<") {
		return text
	}
	return mentions.ReplaceAllStringFunc(text, func(m string) string {
		part := mentions.FindStringSubmatch(m)
		mark, id, label := part[1], part[2], strings.TrimLeft(part[3], "@#")
		if mark == "@" && c.People != nil {
			if p, err := c.People.Find(ctx, m, by); err == nil && !p.Nobody() {
				return "@" + p.String()
			}
		}
		if label != "" {
			id = label
		}
		if mark == "!" {
			id, _, _ = strings.Cut(id, "^")
			mark = "@"
		}
		return mark + id
	})
}

// stored is a Reply as it is kept with a request's key. What others keep with
// theirs has no body.
type stored struct {
	Reply
	Body Rich `json:"body"`
}

func pack(r Reply) []byte {
	b, err := json.Marshal(stored{Reply: finish(r), Body: r.Body})
	if err != nil {
		return nil
	}
	return b
}

func unpack(b []byte) (Reply, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return Reply{}, fmt.Errorf("read the stored answer: %w", err)
	}
	if len(s.Body) == 0 {
		return Reply{}, errors.New("read the stored answer: it is not one of a command")
	}
	s.Reply.Body = s.Body
	return s.Reply, nil
}

// seen gives the answer that a request got the first time. The desk keeps its
// own answers: it is asked again, and knows the key.
func (c *Commands) seen(ctx context.Context, key string) (Reply, bool) {
	if key == "" || c.Doer == nil {
		return Reply{}, false
	}
	b, ok := c.Doer.Seen(ctx, key)
	if !ok {
		return Reply{}, false
	}
	r, err := unpack(b)
	r.Repeated = true
	return r, err == nil
}

// outcome is the incident after a step, and what the step recorded.
type outcome struct {
	after  incident.Incident
	events []incident.Event
}

// happened tells whether a step recorded an event of the type E, and gives
// the first.
func happened[E incident.Event](o outcome) (E, bool) {
	for _, e := range o.events {
		if e, ok := e.(E); ok {
			return e, true
		}
	}
	var zero E
	return zero, false
}

// do asks the engine for one step of the command's incident and answers with
// what say makes of its outcome.
func (c *Commands) do(x *exec, in incident.Intent, say func(outcome) Reply) Reply {
	return c.step(x.ctx, Request{Stream: x.at.ID, Intent: in, Key: x.call.Key}, say)
}

func (c *Commands) step(ctx context.Context, r Request, say func(outcome) Reply) Reply {
	if c.Doer == nil {
		return refuse(CodeMissing, "That needs the running program: send it with ", Code("muster incident"), ".")
	}
	r.Reply = func(after incident.Incident, events []incident.Event) []byte {
		reply := say(outcome{after, events})
		reply.OK, reply.Incident = true, after.ID
		reply.Ephemeral = reply.Ephemeral || after.Circle.Private
		return pack(reply)
	}
	result, err := c.Doer.Do(ctx, r)
	if err != nil {
		return c.failed(err, r.Stream)
	}
	if result.Reply == nil && !result.Repeated { // nothing changed, nothing was stored
		s, err := c.Reader.State(ctx, result.Stream)
		if err != nil {
			return c.failed(err, result.Stream)
		}
		result.Reply = r.Reply(s, nil)
	}
	reply, err := unpack(result.Reply)
	if err != nil {
		reply = Reply{OK: true, Incident: result.Stream, Body: Say("This was done already.")}
	}
	reply.Repeated = result.Repeated
	return reply
}

// failed turns an error into an answer: a Refusal in its own words, anything
// else as a fault that was not recorded.
func (c *Commands) failed(err error, id string) Reply {
	var refusal incident.Refusal
	if errors.As(err, &refusal) {
		r := refuse(refusal.Code, refusal.Error())
		r.Incident = id
		return r
	}
	c.fault(err)
	r := refuse(CodeFault, "That did not work and nothing was recorded. Please send it again; if it goes on, page by phone and look at the program's log.")
	r.Incident = id
	return r
}

func (c *Commands) fault(err error) {
	if c.Fault != nil {
		c.Fault(err)
	}
}
