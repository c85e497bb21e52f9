package email

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/workspace"
	"muster/workspace/inbox"
)

// attempt is how long the outbox waits for one attempt.
const attempt = 10 * time.Second

// inBubble runs a test with an inbox over a pipe.
func inBubble(t *testing.T, test func(t *testing.T, box *inbox.Inbox, c *Channel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipe := workspace.NewPipe()
		box := serve(t, inbox.Config{}, pipe)
		test(t, box, channel(t, Config{URL: "smtp://127.0.0.1:25", Dial: pipe.DialContext}))
	})
}

func try(c *Channel, maybeSent bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), attempt)
	defer cancel()
	_, err := c.Deliver(ctx, page(), maybeSent)
	return err
}

// A server that thinks for 30 s gets the mail once, however often the outbox
// gives up waiting and comes back.
func TestSlowServerGetsOneMail(t *testing.T) {
	for _, at := range []inbox.Stage{inbox.Hello, inbox.Sender, inbox.Recipient, inbox.Text, inbox.Answer} {
		t.Run(string(at), func(t *testing.T) {
			inBubble(t, func(t *testing.T, box *inbox.Inbox, c *Channel) {
				box.Break(inbox.Faults{At: at, Slow: 30 * time.Second})
				begun := time.Now()
				var err error
				for i := range 10 {
					if err = try(c, i > 0); err == nil {
						break
					}
					if class(err) != "unclear" {
						t.Fatalf("%s: %v", class(err), err)
					}
					time.Sleep(time.Second)
				}
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begun); took != 30*time.Second {
					t.Errorf("it took %v", took)
				}
				if box.Tries() != 1 || len(box.Mails(alice)) != 1 {
					t.Errorf("%d conversations, %d mails", box.Tries(), len(box.Mails(alice)))
				}
			})
		})
	}
}

// What came of a conversation that nobody waited for is there for the next
// attempt, and for one attempt only.
func TestResultWaitsForTheNextAttempt(t *testing.T) {
	inBubble(t, func(t *testing.T, box *inbox.Inbox, c *Channel) {
		box.Break(inbox.Faults{At: inbox.Text, Slow: 15 * time.Second, Code: 451})
		if err := try(c, false); class(err) != "unclear" {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := try(c, true); class(err) != "not sent" {
			t.Fatalf("%s: %v", class(err), err)
		}
		box.Break(inbox.Faults{})
		if err := try(c, true); err != nil {
			t.Fatal(err)
		}
		if box.Tries() != 2 || len(box.Mails(alice)) != 1 {
			t.Errorf("%d conversations, %d mails", box.Tries(), len(box.Mails(alice)))
		}
	})
}

// A result that nobody asks for is forgotten.
func TestResultIsForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, box *inbox.Inbox, c *Channel) {
		box.Break(inbox.Faults{At: inbox.Text, Slow: 15 * time.Second, Code: 451})
		_ = try(c, false)
		time.Sleep(time.Hour)
		box.Break(inbox.Faults{})
		if err := try(c, true); err != nil {
			t.Fatal(err)
		}
	})
}

// A server that never answers ends as not sent before the whole mail is there,
// and as unclear afterwards.
func TestServerThatNeverAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		faults inbox.Faults
		class  string
		within time.Duration
	}{
		"before the text": {inbox.Faults{At: inbox.Recipient, Slow: 24 * time.Hour}, "not sent", talkTimeout},
		"after the text":  {inbox.Faults{At: inbox.Text, Slow: 24 * time.Hour}, "unclear", answerTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, box *inbox.Inbox, c *Channel) {
				box.Break(tt.faults)
				begun := time.Now()
				_, err := c.Deliver(t.Context(), page(), false)
				if class(err) != tt.class {
					t.Errorf("%s: %v", class(err), err)
				}
				if took := time.Since(begun); took > tt.within {
					t.Errorf("it took %v", took)
				}
				discreet(t, err.Error())
			})
		})
	}
}

// A server that takes no connection is given up after dialTimeout.
func TestServerThatNeverConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := channel(t, Config{URL: "smtp://mail.example.com:25", Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}})
		begun := time.Now()
		_, err := c.Deliver(t.Context(), page(), false)
		if class(err) != "not sent" || time.Since(begun) != dialTimeout || !strings.Contains(err.Error(), "no answer in time") {
			t.Errorf("%s after %v: %v", class(err), time.Since(begun), err)
		}
	})
}

// One server that hangs does not take more than maxTalks conversations; what
// waits behind them is surely not sent.
func TestConversationsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, box *inbox.Inbox, c *Channel) {
		box.Break(inbox.Faults{At: inbox.Recipient, Slow: 20 * time.Second})
		results := make(chan error)
		for i := range maxTalks + 5 {
			m := page()
			m.Delivery = string(rune('a' + i))
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), attempt)
				defer cancel()
				_, err := c.Deliver(ctx, m, false)
				results <- err
			}()
		}
		got := map[string]int{}
		for range maxTalks + 5 {
			got[class(<-results)]++
		}
		if box.Tries() != maxTalks || got["unclear"] != maxTalks || got["not sent"] != 5 {
			t.Errorf("%d conversations: %v", box.Tries(), got)
		}
		time.Sleep(time.Minute)
		if n := len(box.Mails(alice)); n != maxTalks {
			t.Errorf("%d mails", n)
		}
	})
}

// Closing ends what goes on, and waits for it.
func TestCloseEndsConversations(t *testing.T) {
	inBubble(t, func(t *testing.T, box *inbox.Inbox, c *Channel) {
		box.Break(inbox.Faults{At: inbox.Recipient, Slow: 30 * time.Second})
		if err := try(c, false); class(err) != "unclear" {
			t.Fatal(err)
		}
		begun := time.Now()
		c.Close()
		if time.Since(begun) > quitTimeout {
			t.Errorf("it took %v to close", time.Since(begun))
		}
		if err := try(c, true); class(err) == "delivered" {
			t.Error("a closed channel sends")
		}
		time.Sleep(time.Minute)
		if n := len(box.Mails(alice)); n != 0 {
			t.Errorf("%d mails came after the end", n)
		}
	})
}
