package bot

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"muster/bot/render"
)

// TestRefusalsRepeatNothingPrivate: Slack's answers may repeat what was asked
// for; the errors that are recorded and logged do not.
func TestRefusalsRepeatNothingPrivate(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(rw).Encode(map[string]any{"ok": false, "error": "invalid_arguments", "response_metadata": map[string]any{"messages": []string{
			"[ERROR] no such text: " + r.PostFormValue("text") + " [json-pointer:/text]", "token xoxb-123-abcDEF", `phone "+1 202-555-0101"`,
		}}})
	}))
	defer srv.Close()
	api := &web{client: slack.New("xoxb-1", slack.OptionAPIURL(srv.URL+"/"))}
	_, err := api.PostMessage(t.Context(), Post{Channel: "C1", Message: render.Message{Text: "for ann.lee+night@example.com"}})
	if err == nil {
		t.Fatal("nothing was refused")
	}
	for _, private := range []string{"ann", "night", "example", "xoxb", "555"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("%q is in the error: %v", private, err)
		}
	}
	if !strings.Contains(err.Error(), "invalid_arguments") || !strings.Contains(err.Error(), "[json-pointer:/text]") {
		t.Errorf("the error does not say what is wrong any more: %v", err)
	}
}

// TestNoAnswerIsSaidPlainly: who reads why a page is late has not to know what
// dialing is, and the connection's own error stays for the outbox to judge.
func TestNoAnswerIsSaidPlainly(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	api := &web{client: slack.New("xoxb-1", slack.OptionAPIURL("http://"+address+"/"))}
	_, err = api.AuthTest(t.Context())
	const want = "Slack cannot be reached (auth.test): the connection was refused; check the network and SLACK_API_URL"
	if err == nil || err.Error() != want || !notSent(err) {
		t.Errorf("it says %v, and that it was not sent: %v", err, notSent(err))
	}
	late, stop := context.WithTimeout(t.Context(), -1)
	defer stop()
	if _, err = api.AuthTest(late); err == nil || err.Error() != "Slack cannot be reached (auth.test): no answer in time" || notSent(err) {
		t.Errorf("it says %v, and that it was not sent: %v", err, notSent(err))
	}
}
