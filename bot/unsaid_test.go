package bot

import (
	"net/http"
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
