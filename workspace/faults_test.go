package workspace_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/workspace"
)

func TestSlackDown(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		r.ws.SetFaults(workspace.Faults{SlackDown: true})
		begun := time.Now()
		if <-l.over; time.Since(begun) != 0 {
			t.Errorf("the socket was open for another %v", time.Since(begun))
		}
		if a := r.bot("auth.test"); a.status != http.StatusServiceUnavailable {
			t.Errorf("auth.test: %d", a.status)
		}
		if _, err := r.ws.Person("alice").Command("#incidents", "/incident list"); !errors.Is(err, workspace.ErrNotConnected) {
			t.Errorf("a command: %v", err)
		}
		r.ok(r.as("alice", "auth.test")) // people's clients go on, or nobody could end the fault
		r.ok(r.json(r.ws.Person("alice").Token(), "/client/faults", object{"slack_down": false}))
		r.open(always)
		must[workspace.Ack](t)(r.ws.Person("alice").Command("#incidents", "/incident list"))
	})
}

func TestEveryNthCallIsLimited(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		r.ws.SetFaults(workspace.Faults{RateLimitEvery: 3})
		var codes []int
		for range 6 {
			a := r.bot("auth.test")
			codes = append(codes, a.status)
			if a.status == 429 && a.header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
			}
		}
		if want := "[200 200 429 200 200 429]"; mustJSON(codes) != strings.ReplaceAll(want, " ", ",") {
			t.Errorf("statuses %v, want %s", codes, want)
		}
	})
}

func TestSlowAnswers(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		r.ws.SetFaults(workspace.Faults{SlowMS: 1000})
		begun := time.Now()
		r.ok(r.bot("auth.test"))
		if d := time.Since(begun); d != time.Second {
			t.Errorf("answered after %v", d)
		}
	})
}

func TestDoubledEnvelopes(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		r.ws.SetFaults(workspace.Faults{DoubleEnvelopes: true})
		must[workspace.Ack](t)(r.ws.Person("alice").Command("#incidents", "/incident list"))
		if got := l.frames("slash_commands"); len(got) != 2 || got[0]["envelope_id"] != got[1]["envelope_id"] {
			t.Errorf("arrived: %v", got)
		}
	})
}

func TestAnswersAreLost(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		r.ws.SetFaults(workspace.Faults{LoseAnswersEvery: 2})
		r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "one"))
		req, _ := http.NewRequest("POST", "http://workspace.test/api/chat.postMessage", strings.NewReader("channel=%23incidents&text=two&token="+r.ws.BotToken()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if resp, err := r.http.Do(req); err == nil {
			resp.Body.Close()
			t.Error("the second answer arrived")
		}
		if m := r.ws.Person("alice").Messages("#incidents"); len(m) != 2 || m[1].Text != "two" {
			t.Errorf("posted: %+v", m)
		}
	})
}

func TestSocketsAreCut(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		r.ws.CutSockets()
		<-l.over
		if l.frames("disconnect") != nil {
			t.Error("a cut is not announced")
		}
		r.ws.SetFaults(workspace.Faults{CutEveryMS: 2000})
		for range 3 {
			l := r.open(always)
			begun := time.Now()
			<-l.over
			if d := time.Since(begun); d > 2*time.Second {
				t.Errorf("cut after %v", d)
			}
		}
		r.ws.SetFaults(workspace.Faults{})
		r.open(always)
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.ws.Sockets() != 1 {
			t.Error("cut after the fault was ended")
		}
	})
}

func TestCallsAreCounted(t *testing.T) {
	cfg := defaults()
	var seen []workspace.Call
	cfg.OnCall = func(c workspace.Call) { seen = append(seen, c) }
	inRoom(t, cfg, func(t *testing.T, r *room) {
		r.ok(r.bot("auth.test"))
		r.want(r.bot("chat.postMessage", "channel", "#nowhere", "text", "x"), "channel_not_found")
		r.ok(r.as("alice", "auth.test"))
		if c := r.ws.Calls(); c["auth.test"] != 1 || c["chat.postMessage"] != 1 {
			t.Errorf("counted: %v", c)
		}
		log := r.ws.CallLog()
		if len(log) != 2 || len(seen) != 2 || log[1].Error != "channel_not_found" || log[1].Args["text"] != "x" || !log[0].OK {
			t.Errorf("log: %+v", log)
		}
		if strings.Contains(mustJSON(log), r.ws.BotToken()) {
			t.Error("the log holds the token")
		}
	})
}
