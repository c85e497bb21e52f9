package app

import (
	"testing"
	"time"

	"muster/workspace"
)

// TestACardThatWasRefusedComesLater: when Slack refused the first post for good,
// the next change of the card posts it, once, and its thread goes on.
func TestACardThatWasRefusedComesLater(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		alice := w.ws.Person("alice")
		typed := func(text string) {
			if _, err := alice.Command("#general", "/incident "+text); err != nil {
				t.Fatal(err)
			}
		}
		cards := func() (out []workspace.Message) {
			for _, m := range alice.Messages("#incidents") {
				if _, ok := find([]workspace.Message{m}, "checkout fails"); ok && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
					out = append(out, m)
				}
			}
			return out
		}
		w.ws.FailMethod("chat.postMessage", "invalid_auth")
		typed("create P2 checkout fails")
		time.Sleep(3 * time.Minute)
		if n := len(cards()); n != 0 {
			t.Fatalf("there are %d cards while Slack refuses", n)
		}
		typed("update still refused INC-1")
		time.Sleep(3 * time.Minute)
		w.ws.FailMethod("chat.postMessage", "")
		typed("update rolled back INC-1")
		w.wait(time.Minute, "card", func() bool { return len(cards()) == 1 })
		typed("update errors fall INC-1")
		w.wait(time.Minute, "answer in its thread", func() bool {
			_, ok := find(alice.Thread("#incidents", cards()[0].TS), "errors fall")
			return ok
		})
		if n := len(cards()); n != 1 {
			t.Errorf("there are %d cards", n)
		}
	})
}
