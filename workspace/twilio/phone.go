package twilio

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// phone is a call and the phone that it rings.
type phone struct {
	Call
	keys chan string // what the person does
}

func (p *phone) copy() Call {
	c := p.Call
	c.Transcript = slices.Clone(c.Transcript)
	return c
}

// ErrNoCall is returned for a call that does not exist or is over.
var ErrNoCall = errors.New("there is no such call, or it is over")

// What a person can press besides the digits, # and *.
const (
	KeyPickUp    = "Pick up"
	KeyVoicemail = "Voicemail"
	KeyHangUp    = "Hang up"
)

// Press does what a person does with a phone: a digit, # or *, or one of
// KeyPickUp, KeyVoicemail and KeyHangUp. A digit picks a ringing phone up
// first. It returns ErrNoCall when the call is over.
func (s *Server) Press(callSID, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.calls {
		if p.SID != callSID || p.State != Queued && p.State != Ringing && p.State != InProgress {
			continue
		}
		select {
		case p.keys <- key:
			return nil
		default:
			return errors.New("the keys are pressed too fast")
		}
	}
	return ErrNoCall
}

// PickUp answers as a person.
func (s *Server) PickUp(callSID string) error { return s.Press(callSID, KeyPickUp) }

// Voicemail answers as a machine.
func (s *Server) Voicemail(callSID string) error { return s.Press(callSID, KeyVoicemail) }

// HangUp ends a call; one that rings is busy.
func (s *Server) HangUp(callSID string) error { return s.Press(callSID, KeyHangUp) }

// dial begins a call.
func (s *Server) dial(form url.Values) *phone {
	s.mu.Lock()
	p := &phone{Call: Call{SID: s.name("CA"), To: form.Get("To"), From: form.Get("From"), State: Queued, Created: s.cfg.Now(), Form: form}, keys: make(chan string, 16)}
	s.calls = append(s.calls, p)
	drop := s.faults.DropCalls
	s.mu.Unlock()
	s.live.Go(func() { s.run(p, drop) })
	return p
}

// run takes a call through its life.
func (s *Server) run(p *phone, drop bool) {
	s.progress(p, Queued, "initiated")
	if drop {
		s.move(p, Failed)
		s.progress(p, Failed, "completed")
		return
	}
	s.move(p, Ringing)
	s.progress(p, Ringing, "ringing")
	key, ok := s.wait(p, s.ringFor(p))
	switch {
	case !ok:
		s.move(p, NoAnswer)
		s.progress(p, NoAnswer, "completed")
		return
	case key == KeyHangUp:
		s.move(p, Busy)
		s.progress(p, Busy, "completed")
		return
	}
	by := "human"
	if key == KeyVoicemail {
		by = "machine_start"
	}
	s.mu.Lock()
	p.AnsweredBy = by
	s.mu.Unlock()
	if key != KeyPickUp && key != KeyVoicemail {
		select {
		case p.keys <- key: // heard where a key is asked for
		default: // the person keeps pressing anyway
		}
	}
	s.move(p, InProgress)
	s.progress(p, InProgress, "answered")
	detect := p.Form.Get("MachineDetection") != ""
	if address := p.Form.Get("AsyncAmdStatusCallback"); detect && address != "" {
		_, _ = s.callback(address, url.Values{"CallSid": {p.SID}, "AccountSid": {s.cfg.AccountSID}, "AnsweredBy": {by}, "MachineDetectionDuration": {"2400"}})
	}
	s.talk(p)
	s.move(p, Completed)
	s.progress(p, Completed, "completed")
}

// ringFor is how long a phone rings.
func (s *Server) ringFor(p *phone) time.Duration {
	ring := time.Minute
	if n, err := strconv.Atoi(p.Form.Get("Timeout")); err == nil && n > 0 {
		ring = time.Duration(n) * time.Second
	}
	if s.cfg.RingFor > 0 {
		ring = min(ring, s.cfg.RingFor)
	}
	return ring
}

// wait gives what the person does next; false: nothing in that time.
func (s *Server) wait(p *phone, most time.Duration) (string, bool) {
	ctx, cancel := context.WithTimeout(s.ctx, most)
	defer cancel()
	select {
	case key := <-p.keys:
		return key, true
	case <-ctx.Done():
		return "", false
	}
}

// move changes a call's state and tells of it.
func (s *Server) move(p *phone, to State) {
	s.mu.Lock()
	p.State = to
	s.mu.Unlock()
	s.tell(p)
}

// line adds to the transcript and tells of it.
func (s *Server) line(p *phone, who, text string) {
	s.mu.Lock()
	p.Transcript = append(p.Transcript, Line{who, text})
	s.mu.Unlock()
	s.tell(p)
}

func (s *Server) tell(p *phone) {
	if s.cfg.Ring == nil {
		return
	}
	s.told.Lock()
	defer s.told.Unlock()
	s.mu.Lock()
	c := p.copy()
	s.mu.Unlock()
	s.cfg.Ring(c)
}

// Text sends a text message from a person to one of the account's numbers and
// gives the answer's texts. It needs Config.SMSURL.
func (s *Server) Text(from, body string) ([]string, error) {
	m := s.message(Message{To: s.cfg.Numbers[0], From: from, Body: body, Inbound: true})
	doc, err := s.callback(s.cfg.SMSURL, url.Values{
		"MessageSid": {m.SID}, "AccountSid": {s.cfg.AccountSID}, "From": {from}, "To": {m.To}, "Body": {body}, "NumMedia": {"0"},
	})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, v := range doc {
		if v.XMLName.Local == "Message" {
			out = append(out, v.Text)
			s.message(Message{To: from, From: m.To, Body: v.Text})
		}
	}
	return out, nil
}

// Event is a call in the shape that the local workspace's page shows. person
// is who is called.
func (c Call) Event(person string) map[string]any {
	lines := []map[string]any{}
	for _, l := range c.Transcript {
		lines = append(lines, map[string]any{"who": l.Who, "text": l.Text})
	}
	state, keys := "ended", []map[string]any{}
	switch c.State {
	case Queued, Ringing:
		state = "ringing"
		keys = append(keys, key(KeyPickUp, ""), key("1", "Acknowledge"), key("2", "Pass it on"), key(KeyVoicemail, ""))
	case InProgress:
		state = "answered"
		keys = append(keys, key("1", "Acknowledge"), key("2", "Pass it on"), key(KeyHangUp, ""))
	case Completed, Busy, NoAnswer, Failed:
	}
	result := map[State]string{Completed: "ended", Busy: "turned away", NoAnswer: "missed", Failed: "failed"}[c.State]
	if c.AnsweredBy == "machine_start" && c.State == Completed {
		result = "voicemail"
	}
	return map[string]any{"call": map[string]any{
		"id": c.SID, "title": "Muster calls " + person, "from": c.From, "state": state, "transcript": lines, "keys": keys,
		"ts": c.Created.Unix(), "result": result,
	}}
}

func key(digit, label string) map[string]any { return map[string]any{"digit": digit, "label": label} }
