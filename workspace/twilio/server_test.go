package twilio_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/workspace"
	"muster/workspace/twilio"
)

// ask sends one request to the API.
func ask(s *twilio.Server, method, path string, form url.Values, user, key string) (int, map[string]any) {
	q := httptest.NewRequest(method, "/2010-04-01/Accounts/"+s.AccountSID()+path, strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.SetBasicAuth(user, key)
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, q)
	var body map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &body)
	return rec.Code, body
}

func TestRequestsAreCheckedAsTwilioDoes(t *testing.T) {
	s := twilio.New(twilio.Config{RingFor: time.Millisecond})
	defer s.Close()
	good := url.Values{"To": {"+12025550101"}, "From": {s.Number()}, "Twiml": {"<Response/>"}}
	with := func(name, value string) url.Values {
		out := url.Values{}
		for k, v := range good {
			out[k] = v
		}
		out.Set(name, value)
		return out
	}
	for _, c := range []struct {
		path   string
		form   url.Values
		key    string
		status int
		code   float64
	}{
		{"/Calls.json", good, s.AuthToken(), 201, 0},
		{"/Calls.json", good, "wrong", 401, 20003},
		{"/Calls.json", with("To", ""), s.AuthToken(), 400, 21201},
		{"/Calls.json", with("To", "12"), s.AuthToken(), 400, 21211},
		{"/Calls.json", with("From", "+15005550099"), s.AuthToken(), 400, 21210},
		{"/Calls.json", with("Twiml", ""), s.AuthToken(), 400, 21205},
		{"/Calls.json", with("Twiml", strings.Repeat("x", 4001)), s.AuthToken(), 400, 21658},
		{"/Messages.json", with("Body", strings.Repeat("x", 1601)), s.AuthToken(), 400, 21617},
		{"/Messages.json", with("Body", "x"), s.AuthToken(), 201, 0},
		{"/Faxes.json", good, s.AuthToken(), 404, 20404},
	} {
		status, body := ask(s, "POST", c.path, c.form, s.AccountSID(), c.key)
		if got, _ := body["code"].(float64); status != c.status || got != c.code {
			t.Errorf("%s %v: %d, code %v; want %d, %v", c.path, c.form, status, got, c.status, c.code)
		}
	}
	if len(s.Calls()) != 1 || len(s.Requests()) != 10 || s.Requests()[1].Status != 401 {
		t.Errorf("%d calls, requests %+v", len(s.Calls()), s.Requests())
	}
}

func TestFaultsEnd(t *testing.T) {
	s := twilio.New(twilio.Config{})
	defer s.Close()
	s.SetFaults(twilio.Faults{Method: "GET", Times: 2, Status: 500, Code: 20500})
	var got []int
	for range 3 {
		status, _ := ask(s, "GET", "/Calls.json", nil, s.AccountSID(), s.AuthToken())
		got = append(got, status)
	}
	if got[0] != 500 || got[1] != 500 || got[2] != 200 {
		t.Errorf("the answers are %v", got)
	}
}

// TestTwimlIsPerformed: what is said, waited for and asked.
func TestTwimlIsPerformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked []string
		answers := map[string]string{
			"/first": `<Response><Say>Hello &amp; welcome</Say><Gather numDigits="1" timeout="3" action="http://app.test/key"><Say>Press</Say></Gather><Redirect>http://app.test/again</Redirect></Response>`,
			"/again": `<Response><Gather timeout="3" action="http://app.test/key" actionOnEmptyResult="true"><Say>Once more</Say></Gather></Response>`,
			"/key":   `<Response><Say>Goodbye</Say><Hangup/><Say>never</Say></Response>`,
		}
		s := twilio.New(twilio.Config{HTTP: &http.Client{Transport: app(func(q *http.Request) string {
			body, _ := io.ReadAll(q.Body)
			form, _ := url.ParseQuery(string(body))
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, q.URL.Path+" "+form.Get("CallStatus")+" "+form.Get("Digits"))
			return answers[q.URL.Path]
		})}})
		call := func() string {
			_, body := ask(s, "POST", "/Calls.json", url.Values{"To": {"+12025550101"}, "From": {s.Number()}, "Url": {"http://app.test/first"}, "StatusCallback": {"http://app.test/done"}}, s.AccountSID(), s.AuthToken())
			synctest.Wait()
			return body["sid"].(string)
		}
		sid := call()
		if err := s.PickUp(sid); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(4 * time.Second) // nothing is pressed
		if err := s.Press(sid, "5"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var said []string
		for _, l := range s.Calls()[0].Transcript {
			said = append(said, l.Who+": "+l.Text)
		}
		if got := strings.Join(said, "|"); got != "Muster: Hello & welcome|Muster: Press|Muster: Once more|You: pressed 5|Muster: Goodbye" {
			t.Errorf("said %s", got)
		}
		if got := strings.Join(asked, "|"); got != "/first in-progress |/again in-progress |/key in-progress 5|/done completed " {
			t.Errorf("asked %s", got)
		}
		if err := s.Press(sid, "1"); err == nil {
			t.Error("a call that is over takes a key")
		}
		sid = call()
		if err := s.HangUp(sid); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := s.Calls()[1].State; got != twilio.Busy {
			t.Errorf("the call is %s", got)
		}
		answers["/first"] = "<Response><Say>"
		if err := s.PickUp(call()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c := s.Calls()[2]; len(c.Transcript) != 1 || !strings.Contains(c.Transcript[0].Text, "application error") {
			t.Errorf("bad TwiML: %+v", c.Transcript)
		}
		s.Close()
	})
}

type app func(*http.Request) string

func (a app) RoundTrip(q *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Status: "200 OK", Body: io.NopCloser(strings.NewReader(a(q))), Request: q}, nil
}

// TestPhoneOnThePage: the call is shown to the person's client, whose keys
// come back.
func TestPhoneOnThePage(t *testing.T) {
	var s *twilio.Server
	ws := workspace.New(workspace.Config{
		People: []workspace.Profile{{Handle: "alice"}}, Channels: []workspace.Channel{{Name: "general"}},
		Phone: func(id, key string) error { return s.Press(id, key) },
	})
	shown := make(chan string, 16)
	s = twilio.New(twilio.Config{Ring: func(c twilio.Call) {
		event := c.Event("Alice")
		if err := ws.Tell("call", event, "alice"); err != nil {
			t.Error(err)
		}
		about := event["call"].(map[string]any)
		keys, _ := json.Marshal(about["keys"])
		if about["state"] != "ended" && !strings.Contains(string(keys), `{"digit":"1","label":"Acknowledge"}`) {
			t.Errorf("the keys are %s", keys)
		}
		shown <- about["state"].(string)
	}})
	defer s.Close()
	_, body := ask(s, "POST", "/Calls.json", url.Values{"To": {"+12025550101"}, "From": {s.Number()}, "Twiml": {"<Response><Say>Hi</Say></Response>"}}, s.AccountSID(), s.AuthToken())
	press := func(id string) string {
		q := httptest.NewRequestWithContext(context.Background(), "POST", "/client/phone/key", strings.NewReader(`{"call_id":"`+id+`","digit":"1"}`))
		q.Header.Set("Authorization", "Bearer "+ws.Person("alice").Token())
		rec := httptest.NewRecorder()
		ws.Handler().ServeHTTP(rec, q)
		return strings.TrimSpace(rec.Body.String())
	}
	if got := <-shown; got != "ringing" {
		t.Errorf("the phone shows %s", got)
	}
	if got := press(body["sid"].(string)); got != `{"ok":true}` {
		t.Errorf("the key is answered with %s", got)
	}
	for _, want := range []string{"answered", "answered", "ended"} { // picked up, said, over
		if got := <-shown; got != want {
			t.Errorf("the phone shows %s, want %s", got, want)
		}
	}
	if got := press(body["sid"].(string)); !strings.Contains(got, `"no_call"`) {
		t.Errorf("a key after the end is answered with %s", got)
	}
}
