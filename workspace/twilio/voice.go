package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verb is one TwiML verb; nested ones are inside.
type verb struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Inside  []verb     `xml:",any"`
}

func (v verb) attr(name, fallback string) string {
	for _, a := range v.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return fallback
}

func (v verb) seconds(name string, fallback int) time.Duration {
	if n, err := strconv.Atoi(v.attr(name, "")); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	return time.Duration(fallback) * time.Second
}

// parse reads a TwiML document.
func parse(doc []byte) ([]verb, error) {
	var root verb
	if err := xml.Unmarshal(doc, &root); err != nil {
		return nil, fmt.Errorf("read the TwiML (12100): %w", err)
	}
	if root.XMLName.Local != "Response" {
		return nil, fmt.Errorf("the TwiML's root is %s, not Response (12100)", root.XMLName.Local)
	}
	return root.Inside, nil
}

// talk does what the TwiML of a call says.
func (s *Server) talk(p *phone) {
	var doc []verb
	var err error
	if address := p.Form.Get("Url"); address != "" {
		doc, err = s.callback(address, s.facts(p, InProgress))
	} else {
		doc, err = parse([]byte(p.Form.Get("Twiml")))
	}
	for range 20 { // a document that goes round and round
		if err != nil {
			s.line(p, "Twilio", "An application error has occurred. Goodbye.")
			return
		}
		if doc, err = s.perform(p, doc); doc == nil && err == nil {
			return
		}
	}
}

// perform does the verbs of one document; it gives the next one, or nil when
// the call is over.
func (s *Server) perform(p *phone, doc []verb) ([]verb, error) {
	for _, v := range doc {
		switch v.XMLName.Local {
		case "Say":
			s.line(p, "Muster", v.Text)
		case "Pause":
			if !s.pause(p, v.seconds("length", 1)) {
				return nil, nil
			}
		case "Gather":
			for _, inner := range v.Inside {
				if inner.XMLName.Local == "Say" {
					s.line(p, "Muster", inner.Text)
				}
			}
			digits, ok := s.digits(p, v.seconds("timeout", 5))
			if !ok {
				return nil, nil
			}
			if digits == "" && v.attr("actionOnEmptyResult", "false") != "true" {
				continue
			}
			form := s.facts(p, InProgress)
			form.Set("Digits", digits)
			return s.callback(v.attr("action", p.Form.Get("Url")), form)
		case "Redirect":
			return s.callback(v.Text, s.facts(p, InProgress))
		case "Hangup":
			return nil, nil
		default:
			return nil, fmt.Errorf("the verb %s is not known here (12300)", v.XMLName.Local)
		}
	}
	return nil, nil
}

// pause waits; false: the call is over. Keys pressed meanwhile are lost.
func (s *Server) pause(p *phone, most time.Duration) bool {
	end := time.Now().Add(most)
	for {
		key, ok := s.wait(p, time.Until(end))
		if !ok {
			return s.ctx.Err() == nil
		}
		if key == KeyHangUp {
			return false
		}
		s.line(p, "You", "pressed "+key)
	}
}

// digits waits for a key; ok is false when the call is over.
func (s *Server) digits(p *phone, most time.Duration) (digits string, ok bool) {
	s.mu.Lock()
	machine := p.AnsweredBy == "machine_start"
	s.mu.Unlock()
	for {
		key, pressed := s.wait(p, most)
		switch {
		case !pressed:
			return "", s.ctx.Err() == nil
		case key == KeyHangUp:
			return "", false
		case key == KeyPickUp || key == KeyVoicemail || machine: // a machine presses nothing
			continue
		}
		s.line(p, "You", "pressed "+key)
		return key, true
	}
}

// facts is what every request about a call carries.
func (s *Server) facts(p *phone, state State) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return url.Values{
		"CallSid": {p.SID}, "AccountSid": {s.cfg.AccountSID}, "From": {p.From}, "To": {p.To}, "CallStatus": {string(state)},
		"ApiVersion": {"2010-04-01"}, "Direction": {"outbound-api"},
	}
}

// progress sends a status callback, when the call asked for the event.
func (s *Server) progress(p *phone, state State, event string) {
	wanted := p.Form["StatusCallbackEvent"]
	if len(wanted) == 0 {
		wanted = []string{"completed"}
	}
	address := p.Form.Get("StatusCallback")
	if address == "" || !slices.Contains(wanted, event) {
		return
	}
	form := s.facts(p, state)
	if event == "initiated" {
		form.Set("CallStatus", "initiated")
	}
	form.Set("Timestamp", s.cfg.Now().UTC().Format(time.RFC1123Z))
	_, _ = s.callback(address, form) // Twilio goes on without
}

// callback posts a signed form and reads the TwiML of the answer; none when
// the answer is empty.
func (s *Server) callback(address string, form url.Values) ([]verb, error) {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("ask the app: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("X-Twilio-Signature", s.Sign(address, form))
	res, err := s.cfg.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the app: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("ask the app: %w", err)
	}
	if res.StatusCode > 299 {
		return nil, fmt.Errorf("the app answered %s (11200)", res.Status)
	}
	if len(body) == 0 {
		return nil, nil
	}
	return parse(body)
}

// Sign gives the signature that Twilio puts on a form to an address: the
// account's key over the address and every field's name and value, by name.
func (s *Server) Sign(address string, form url.Values) string {
	signed := address
	for _, name := range slices.Sorted(maps.Keys(form)) {
		signed += name + strings.Join(form[name], "")
	}
	mac := hmac.New(sha1.New, []byte(s.cfg.AuthToken))
	_, _ = io.WriteString(mac, signed)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
