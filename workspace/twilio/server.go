package twilio

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Config is what a Server needs; the zero value works.
type Config struct {
	AccountSID string // empty: a made-up one
	AuthToken  string // empty: a made-up one
	// Numbers are the account's, E.164; none: +15005550006.
	Numbers []string
	// SMSURL is where text messages to the account's numbers are sent, as set in
	// Twilio's console; empty: nowhere.
	SMSURL string
	// Now gives the times of calls and messages; nil: time.Now.
	Now func() time.Time
	// RingFor bounds how long a phone rings; zero: what the call asks for.
	RingFor time.Duration
	HTTP    *http.Client // for callbacks; nil: a plain one
	// Ring is told of every change of a call, Texted of every text message in
	// either direction. They are called in order and must not call back.
	Ring   func(Call)
	Texted func(Message)
}

// State is where a call stands, in Twilio's words.
type State string

// The states of a call.
const (
	Queued     State = "queued"
	Ringing    State = "ringing"
	InProgress State = "in-progress"
	Completed  State = "completed"
	Busy       State = "busy"
	NoAnswer   State = "no-answer"
	Failed     State = "failed"
)

// Line is one line of a call's transcript. Who is "Muster", the caller, or the
// one called.
type Line struct{ Who, Text string }

// Call is a call as it stands.
type Call struct {
	SID, To, From string
	State         State
	AnsweredBy    string // human, machine_start or empty
	Transcript    []Line
	Created       time.Time
	// Form is what the call was made with.
	Form url.Values
}

// Message is a text message.
type Message struct {
	SID, To, From, Body string
	Inbound             bool
	Created             time.Time
}

// Request is what a client asked the API, for tests.
type Request struct {
	Method, Path string // the path without its query
	Query, Form  url.Values
	Status       int // 0: it got no answer
}

// Server is the stand-in. Its methods may be called from several goroutines at
// once.
type Server struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	live   sync.WaitGroup
	told   sync.Mutex // orders the hooks

	mu       sync.Mutex
	made     int
	calls    []*phone // oldest first
	messages []Message
	requests []Request
	faults   Faults
}

// New makes a Server. Close ends what it has begun.
func New(cfg Config) *Server {
	if cfg.AccountSID == "" {
		cfg.AccountSID = "AC" + strings.Repeat("d", 32)
	}
	if cfg.AuthToken == "" {
		cfg.AuthToken = strings.Repeat("5", 32)
	}
	if len(cfg.Numbers) == 0 {
		cfg.Numbers = []string{"+15005550006"}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	s := &Server{cfg: cfg}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends every call and waits until nothing of them runs any more.
func (s *Server) Close() {
	s.cancel()
	s.live.Wait()
}

// AccountSID names the account.
func (s *Server) AccountSID() string { return s.cfg.AccountSID }

// AuthToken gives the account's key.
func (s *Server) AuthToken() string { return s.cfg.AuthToken }

// Number gives the account's first number.
func (s *Server) Number() string { return s.cfg.Numbers[0] }

// Handler is Twilio's API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	const account = "/2010-04-01/Accounts/{account}"
	mux.HandleFunc("GET /2010-04-01/Accounts/{file}", s.authorised(s.getAccount))
	mux.HandleFunc("POST "+account+"/Calls.json", s.authorised(s.postCall))
	mux.HandleFunc("GET "+account+"/Calls.json", s.authorised(s.getCalls))
	mux.HandleFunc("POST "+account+"/Messages.json", s.authorised(s.postMessage))
	mux.HandleFunc("GET "+account+"/IncomingPhoneNumbers.json", s.authorised(s.getNumbers))
	mux.HandleFunc("GET "+account+"/OutgoingCallerIds.json", s.authorised(func(rw http.ResponseWriter, _ *http.Request) int {
		return writeJSON(rw, http.StatusOK, object{"outgoing_caller_ids": []object{}})
	}))
	mux.HandleFunc("/", s.authorised(func(rw http.ResponseWriter, _ *http.Request) int { return writeError(rw, http.StatusNotFound, 20404) }))
	return mux
}

type object = map[string]any

// authorised notes the request, lets the faults at it, and checks who asks.
func (s *Server) authorised(next func(rw http.ResponseWriter, r *http.Request) int) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(rw, r.Body, 1<<20)
		_ = r.ParseForm() // what is missing is said below
		note := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Form: r.PostForm}
		f := s.fault(r.Method, r.URL.Path)
		out := rw
		if f.LoseAnswer {
			out = nowhere{http.Header{}}
		}
		if f.Slow > 0 {
			select {
			case <-time.After(f.Slow):
			case <-s.ctx.Done():
			}
		}
		user, key, ok := r.BasicAuth()
		account := strings.TrimSuffix(r.PathValue("account")+r.PathValue("file"), ".json")
		switch {
		case f.Status != 0:
			if f.RetryAfter != "" {
				out.Header().Set("Retry-After", f.RetryAfter)
			}
			note.Status = writeError(out, f.Status, f.Code)
		case !ok || user != s.cfg.AccountSID || subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.AuthToken)) != 1:
			note.Status = writeError(out, http.StatusUnauthorized, 20003)
		case account != "" && account != s.cfg.AccountSID:
			note.Status = writeError(out, http.StatusNotFound, 20404)
		default:
			note.Status = next(out, r)
		}
		if f.LoseAnswer {
			note.Status = 0
		}
		s.mu.Lock()
		s.requests = append(s.requests, note)
		s.mu.Unlock()
		if f.LoseAnswer {
			panic(http.ErrAbortHandler) // cuts the connection
		}
	}
}

// nowhere is where a lost answer is written to.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

func writeJSON(rw http.ResponseWriter, status int, body object) int {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(body) // who hung up needs no answer
	return status
}

func writeError(rw http.ResponseWriter, status, code int) int {
	return writeJSON(rw, status, object{
		"code": code, "message": fmt.Sprintf("refused with %d", code), "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status,
	})
}

func (s *Server) getAccount(rw http.ResponseWriter, _ *http.Request) int {
	return writeJSON(rw, http.StatusOK, object{"sid": s.cfg.AccountSID, "status": "active", "type": "Full", "friendly_name": "Local"})
}

func (s *Server) getNumbers(rw http.ResponseWriter, r *http.Request) int {
	list := []object{}
	for _, n := range s.cfg.Numbers {
		if want := r.URL.Query().Get("PhoneNumber"); want == "" || want == n {
			list = append(list, object{"phone_number": n, "sms_url": s.cfg.SMSURL, "capabilities": object{"voice": true, "sms": true, "mms": false, "fax": false}})
		}
	}
	return writeJSON(rw, http.StatusOK, object{"incoming_phone_numbers": list})
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func (s *Server) postCall(rw http.ResponseWriter, r *http.Request) int {
	f := r.PostForm
	switch {
	case f.Get("To") == "":
		return writeError(rw, http.StatusBadRequest, 21201)
	case !e164.MatchString(f.Get("To")):
		return writeError(rw, http.StatusBadRequest, 21211)
	case f.Get("From") == "":
		return writeError(rw, http.StatusBadRequest, 21213)
	case !slices.Contains(s.cfg.Numbers, f.Get("From")):
		return writeError(rw, http.StatusBadRequest, 21210)
	case f.Get("Url") == "" && f.Get("Twiml") == "", f.Get("Url") != "" && !absolute(f.Get("Url")):
		return writeError(rw, http.StatusBadRequest, 21205)
	case utf8.RuneCountInString(f.Get("Twiml")) > 4000:
		return writeError(rw, http.StatusBadRequest, 21658)
	}
	p := s.dial(f)
	s.mu.Lock()
	body := s.object(p)
	s.mu.Unlock()
	body["status"], body["date_created"] = Queued, nil // as Twilio answers
	return writeJSON(rw, http.StatusCreated, body)
}

func absolute(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func (s *Server) getCalls(rw http.ResponseWriter, r *http.Request) int {
	q := r.URL.Query()
	s.mu.Lock()
	list := []object{}
	for _, p := range slices.Backward(s.calls) {
		if to, from := q.Get("To"), q.Get("From"); (to == "" || to == p.To) && (from == "" || from == p.From) {
			list = append(list, s.object(p))
		}
	}
	s.mu.Unlock()
	return writeJSON(rw, http.StatusOK, object{"calls": list, "page": 0, "page_size": 50, "start": 0, "end": max(0, len(list)-1)})
}

// object is a call as the API shows it. The caller holds the lock.
func (s *Server) object(p *phone) object {
	var started any
	if p.State != Queued && p.State != Ringing {
		started = p.Created.UTC().Format(time.RFC1123Z)
	}
	return object{
		"sid": p.SID, "account_sid": s.cfg.AccountSID, "to": p.To, "from": p.From, "status": p.State, "direction": "outbound-api",
		"date_created": p.Created.UTC().Format(time.RFC1123Z), "start_time": started, "answered_by": p.AnsweredBy, "api_version": "2010-04-01",
	}
}

func (s *Server) postMessage(rw http.ResponseWriter, r *http.Request) int {
	f := r.PostForm
	switch {
	case !e164.MatchString(f.Get("To")):
		return writeError(rw, http.StatusBadRequest, 21211)
	case !slices.Contains(s.cfg.Numbers, f.Get("From")):
		return writeError(rw, http.StatusBadRequest, 21606)
	case f.Get("Body") == "":
		return writeError(rw, http.StatusBadRequest, 21602)
	case utf8.RuneCountInString(f.Get("Body")) > 1600:
		return writeError(rw, http.StatusBadRequest, 21617)
	}
	m := s.message(Message{To: f.Get("To"), From: f.Get("From"), Body: f.Get("Body")})
	return writeJSON(rw, http.StatusCreated, object{"sid": m.SID, "to": m.To, "from": m.From, "body": m.Body, "status": "queued", "account_sid": s.cfg.AccountSID})
}

// message keeps a text message and tells of it.
func (s *Server) message(m Message) Message {
	s.mu.Lock()
	m.SID, m.Created = s.name("SM"), s.cfg.Now()
	s.messages = append(s.messages, m)
	s.mu.Unlock()
	if s.cfg.Texted != nil {
		s.told.Lock()
		defer s.told.Unlock()
		s.cfg.Texted(m)
	}
	return m
}

// name makes an SID. The caller holds the lock.
func (s *Server) name(prefix string) string {
	s.made++
	return fmt.Sprintf("%s%032x", prefix, s.made)
}

// Calls gives every call as it stands, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, p := range s.calls {
		out = append(out, p.copy())
	}
	return out
}

// Messages gives every text message, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Requests gives what clients asked the API, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}
