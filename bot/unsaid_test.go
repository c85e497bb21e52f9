package bot

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/slack-go/slack"

	"muster/outbox"
)

// TestTooManyWithoutATime: a 429 that does not say how long is no refusal.
func TestTooManyWithoutATime(t *testing.T) {
	err := outcome(refused("chat.postMessage", slack.StatusCodeError{Code: http.StatusTooManyRequests}))
	if after, ok := err.(outbox.RetryAfterError); !ok || after.After != unsaidWait {
		t.Errorf("it is taken for %v", err)
	}
}

// The address that takes a file's bytes is no method of Slack's, and may ask to
// wait as they do.
func TestAnUploadAskedToWait(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	defer server.Close()
	err := outcome(send(t.Context(), server.Client(), server.URL, File{Name: "a.ics", Data: []byte("x")}))
	if after, ok := err.(outbox.RetryAfterError); !ok || after.After != unsaidWait {
		t.Errorf("it is %T %v, want another attempt in %v", err, err, unsaidWait)
	}
}
