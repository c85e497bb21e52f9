package bot

import (
	"encoding/json"
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
