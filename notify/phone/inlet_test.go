package phone_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/notify/phone"
	"muster/workspace/twilio"
)

// post sends a form to an inlet as a proxy hands it over: without the public
// address's scheme, host and path.
func (r *rig) post(address string, form url.Values, signature string) *httptest.ResponseRecorder {
	r.t.Helper()
	q := httptest.NewRequest("POST", strings.TrimPrefix(address, public), strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if signature != "" {
		q.Header.Set("X-Twilio-Signature", signature)
	}
	rec := httptest.NewRecorder()
	r.phone.Handler().ServeHTTP(rec, q)
	return rec
}

// keyed is a pressed key, ready to be sent.
func (r *rig) keyed(c twilio.Call, digit string) (address string, form url.Values) {
	u, err := url.Parse(c.Form.Get("Url"))
	if err != nil {
		r.t.Fatal(err)
	}
	return public + phone.Root + "key?n=0&p=" + u.Query().Get("p"),
		url.Values{"CallSid": {c.SID}, "AccountSid": {r.twilio.AccountSID()}, "Digits": {digit}}
}

func TestOnlyTwilioIsHeard(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		c := r.call(page())
		address, form := r.keyed(c, "1")
		good := r.twilio.Sign(address, form)
		stranger := twilio.New(twilio.Config{AuthToken: "another"})
		defer stranger.Close()
		forged := url.Values{"CallSid": {c.SID}, "AccountSid": {r.twilio.AccountSID()}, "Digits": {"2"}}
		other := url.Values{"CallSid": {c.SID}, "AccountSid": {"AC0"}, "Digits": {"1"}}
		for name, got := range map[string]*httptest.ResponseRecorder{
			"no signature":                  r.post(address, form, ""),
			"another's signature":           r.post(address, form, stranger.Sign(address, form)),
			"a changed field":               r.post(address, forged, good),
			"a changed address":             r.post(address+"x", form, good),
			"the private address signed":    r.post(address, form, r.twilio.Sign("http://127.0.0.1:8080"+strings.TrimPrefix(address, public), form)),
			"another account":               r.post(address, other, r.twilio.Sign(address, other)),
			"a word that was not made":      r.post(public+phone.Root+"key?n=0&p=abc", form, r.twilio.Sign(public+phone.Root+"key?n=0&p=abc", form)),
			"no word":                       r.post(public+phone.Root+"voice", form, r.twilio.Sign(public+phone.Root+"voice", form)),
			"an unsigned text message":      r.post(public+phone.Root+"sms", url.Values{"From": {number}, "Body": {"1 INC-12"}, "AccountSid": {r.twilio.AccountSID()}}, ""),
			"a status nobody at Twilio has": r.post(public+phone.Root+"status", form, good),
		} {
			if got.Code != http.StatusForbidden {
				t.Errorf("%s: %d %s", name, got.Code, got.Body)
			}
		}
		if len(r.heard()) != 0 {
			t.Fatalf("heard %+v", r.heard())
		}
		for range 2 { // a replay is the same answer, by its key
			if got := r.post(address, form, good); got.Code != 200 || got.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
				t.Errorf("Twilio is answered %d", got.Code)
			}
		}
		if all := r.heard(); len(all) != 2 || all[0].Key != all[1].Key {
			t.Errorf("a replay is heard as %+v", all)
		}
		if got := r.post(public+phone.Root+"else", form, ""); got.Code != http.StatusNotFound {
			t.Errorf("an unknown address is answered %d", got.Code)
		}
		q := httptest.NewRequest("GET", phone.Root+"key", nil)
		rec := httptest.NewRecorder()
		if r.phone.Handler().ServeHTTP(rec, q); rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("a GET is answered %d", rec.Code)
		}
	})
}

func TestSignedWithThePort(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		address, form := r.keyed(r.call(page()), "1")
		with := strings.Replace(address, "muster.test", "muster.test:443", 1)
		if got := r.post(address, form, r.twilio.Sign(with, form)); got.Code != 200 {
			t.Errorf("the address with its port is answered %d", got.Code)
		}
		wrong := strings.Replace(address, "muster.test", "muster.test:444", 1)
		if got := r.post(address, form, r.twilio.Sign(wrong, form)); got.Code != 403 {
			t.Errorf("the address with another port is answered %d", got.Code)
		}
	})
}

func TestAddressesExpireAndHideWhoIsCalled(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		c := r.call(page())
		for _, name := range []string{"Url", "StatusCallback", "AsyncAmdStatusCallback"} {
			secretFree(t, name, c.Form.Get(name))
			if strings.Contains(c.Form.Get(name), "Alice") {
				t.Errorf("%s names the person", name)
			}
		}
		address, form := r.keyed(c, "1")
		time.Sleep(time.Hour + 2*time.Second)
		got := r.post(address, form, r.twilio.Sign(address, form))
		if got.Code != 200 || !strings.Contains(got.Body.String(), "too old") || len(r.heard()) != 0 {
			t.Errorf("an old address is answered %d %s", got.Code, got.Body)
		}
	})
}

func TestWithoutAPublicAddressNothingIsTaken(t *testing.T) {
	inRig(t, func(c *phone.Config) { c.Public = "" }, func(t *testing.T, r *rig) {
		form := url.Values{"From": {number}, "Body": {"1 INC-12"}, "AccountSid": {r.twilio.AccountSID()}}
		if got := r.post(phone.Root+"sms", form, r.twilio.Sign(phone.Root+"sms", form)); got.Code != 403 {
			t.Errorf("answered %d", got.Code)
		}
	})
}

func TestRestartWhileItRings(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		c := r.call(page())
		r.phone = r.channel(r.transport, nil)
		if c = r.press(c, "1"); len(r.heard()) != 1 || !strings.Contains(transcript(c), heard) {
			t.Errorf("after a restart: %s", transcript(c))
		}
	})
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*phone.Config)
		want   string
	}{
		"right":            {nil, ""},
		"wrong key":        {func(c *phone.Config) { c.AuthToken = "wrong" }, "Twilio: cannot read the account: the account or its key is wrong; check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (HTTP 401, code 20003)"},
		"another's number": {func(c *phone.Config) { c.From = "+15005550099" }, "Twilio: the number of TWILIO_FROM is not the account's; correct it, or verify the number with Twilio"},
		"no reply address": {func(c *phone.Config) { c.Public = "https://elsewhere.test" }, "Twilio: replies to text messages do not come here; set the number's messaging webhook to https://elsewhere.test/v1/twilio/sms (POST)"},
		"no texts wanted":  {func(c *phone.Config) { c.Public, c.NoText = "https://elsewhere.test", true }, ""},
	} {
		inRig(t, c.change, func(t *testing.T, r *rig) {
			err := r.phone.Check(t.Context())
			if got := fmtError(err); got != c.want {
				t.Errorf("%s: %q", name, got)
			}
		})
	}
}

func fmtError(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	for part, cfg := range map[string]phone.Config{
		"TWILIO_ACCOUNT_SID": {AuthToken: "x", From: "+1"},
		"TWILIO_AUTH_TOKEN":  {AccountSID: "AC", From: "+1"},
		"TWILIO_FROM":        {AccountSID: "AC", AuthToken: "x"},
		"MUSTER_PUBLIC_URL":  {AccountSID: "AC", AuthToken: "x", From: "+1", Public: "muster.example.com"},
	} {
		if _, err := phone.New(cfg); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", part, err)
		}
	}
}

func TestTextsThatFailHurtNoCall(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		r.phone = r.channel(r.transport, nil) // without Run, texts wait
		for i := range 300 {
			m := page()
			m.Delivery += string(rune('a' + i))
			if _, err := r.phone.Deliver(t.Context(), m, false); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := len(r.twilio.Messages()); n != 0 {
			t.Errorf("%d text messages", n)
		}
	})
	inRig(t, nil, func(t *testing.T, r *rig) {
		r.twilio.SetFaults(twilio.Faults{})
		m := page()
		m.Delivery = "first"
		r.call(m)
		synctest.Wait() // its text message is out
		r.twilio.SetFaults(twilio.Faults{Method: "POST", Path: "/Messages.json", Status: 400, Code: 21610})
		m.Delivery = "second"
		if _, err := r.phone.Deliver(t.Context(), m, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(r.twilio.Calls()) != 2 || len(r.twilio.Messages()) != 1 || !strings.Contains(r.log.String(), "unsubscribed") {
			t.Errorf("%d calls, %d messages, log %s", len(r.twilio.Calls()), len(r.twilio.Messages()), r.log.String())
		}
	})
}
