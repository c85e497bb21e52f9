package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/workspace"
)

// dailyRota hands primary over at 01:00 every day: bob is on call when the
// bubble begins, then carol, then alice.
const dailyRota = `oncall_schedule:
  primary:
    rotation_type: daily
    rotation_start: 01:00 UTC
    starts_on: 2000-01-01
    members:
      - {name: Carol Jones, email: carol@example.com, slack: '@carol', phone: +1-202-555-0103}
      - {name: Alice Johnson, email: alice@example.com, slack: '@alice', phone: +1-202-555-0101}
      - {name: Bob Smith, email: bob@example.com, slack: '@bob', phone: +1-202-555-0102}
  secondary: {members: [{name: Dan Brown, email: dan@example.com, slack: '@dan', phone: +1-202-555-0104}]}
  manager: {members: [{name: Erin Davis, email: erin@example.com, slack: '@erin', phone: +1-202-555-0105}]}
  director: {members: [{name: Erin Davis, email: erin@example.com, slack: '@erin', phone: +1-202-555-0105}]}
  cto: {members: [{name: Erin Davis, email: erin@example.com, slack: '@erin', phone: +1-202-555-0105}]}
`

// handovers are the lines in the incidents channel that say who takes over.
func (w *world) handovers() (out []string) {
	for _, m := range w.bot(w.ws.Person("alice").Messages("#incidents")) {
		if strings.HasPrefix(m.Text, "🔁") {
			out = append(out, m.Text)
		}
	}
	return out
}

func (w *world) wantHandovers(n int) {
	w.Helper()
	if got := w.handovers(); len(got) != n {
		w.Fatalf("%d hand-overs were told, want %d: %q", len(got), n, got)
	}
}

func TestHandover(t *testing.T) {
	inBubble(t, map[string]string{"oncall/rotation.yaml": dailyRota}, func(w *world) {
		time.Sleep(55 * time.Minute)
		w.wantHandovers(0) // those who were on call before the first start
		w.command("erin", "#incidents", "/incident create P1 The mail is stuck")
		w.command("bob", "#incidents", "/incident ack")
		time.Sleep(5*time.Minute + 5*time.Second)
		w.wantHandovers(1)
		if m, ok := find(w.ws.Person("alice").Messages("#incidents"), "🔁", "takes over from", "primary", "INC-1", "The mail is stuck", "level L1", "next L", "update due"); !ok {
			t.Errorf("the channel was told %q", w.handovers())
		} else if !says(m, "<@"+w.ws.Person("carol").ID()+">", "<@"+w.ws.Person("bob").ID()+">") {
			t.Errorf("the persons are not named: %s", m.Text)
		}
		asked := w.dm("carol", time.Second, "You are on call as", "INC-1", "Please accept by", "Accept")
		w.restart(time.Minute)
		w.click("carol", asked, w.ws.Person("carol").DM("muster"), "Accept")
		w.wait(5*time.Second, "acceptance", func() bool {
			d, err := w.program.desk.State(w.Context())
			duty, _ := d.Duty("primary")
			return err == nil && duty.Accepted
		})
		time.Sleep(20 * time.Minute)
		for _, who := range []string{"bob", "dan"} {
			p := w.ws.Person(who)
			if n := count(p.Messages(p.DM("muster")), "has not accepted"); n != 0 {
				t.Errorf("%s was told that carol did not accept", who)
			}
		}
		w.wantHandovers(1)
		w.checkOnce()
	})
}

func TestHandoverUnanswered(t *testing.T) {
	inBubble(t, map[string]string{"oncall/rotation.yaml": dailyRota}, func(w *world) {
		time.Sleep(time.Hour + 14*time.Minute)
		w.dm("carol", 0, "No incident is open", "Accept")
		bob, dan := w.ws.Person("bob"), w.ws.Person("dan")
		if n := count(bob.Messages(bob.DM("muster")), "has not accepted"); n != 0 {
			t.Error("bob was told before the time was over")
		}
		w.restart(10 * time.Minute)
		w.dm("bob", 5*time.Second, "has not accepted", "reach them")
		w.dm("dan", 5*time.Second, "has not accepted", "come to you")
		w.post(http.StatusOK, "accept", "carol@example.com", "late")
		w.dm("dan", 5*time.Second, "has accepted now")
		w.restart(time.Minute)
		time.Sleep(time.Hour)
		if n := count(dan.Messages(dan.DM("muster")), "has not accepted"); n != 1 {
			t.Errorf("dan was told %d times", n)
		}
		w.checkOnce()
	})
}

// TestHandoverAfterDowntime: only the newest is told, once, and how late; an
// override and a reload are hand-overs of their own, told at once.
func TestHandoverAfterDowntime(t *testing.T) {
	inBubble(t, map[string]string{"oncall/rotation.yaml": dailyRota}, func(w *world) {
		w.restart(26 * time.Hour) // 01:00 twice: carol's day, then alice's
		time.Sleep(5 * time.Second)
		w.wantHandovers(1)
		w.dm("alice", 0, "You are on call", "late", "Accept")
		if text := w.handovers()[0]; !strings.Contains(text, "told 1 h") || !strings.Contains(text, w.ws.Person("carol").ID()) {
			t.Errorf("it does not say how late, or from whom: %s", text)
		}
		w.restart(time.Minute)
		time.Sleep(5 * time.Second)
		w.wantHandovers(1)
		w.command("erin", "#incidents", "/incident override @dan primary for 1h")
		time.Sleep(5 * time.Second)
		w.wantHandovers(2)
		time.Sleep(time.Hour)
		w.wantHandovers(3) // back to alice
		file := filepath.Join(w.dir, "config", "oncall", "rotation.yaml")
		writeFile(t, file, strings.Replace(dailyRota, "rotation_start: 01:00", "rotation_start: 02:00", 1))
		w.program.reloaded(w.Context(), w.program.opt.Live.Reload())
		time.Sleep(5 * time.Second)
		w.wantHandovers(3)
		writeFile(t, file, strings.Replace(dailyRota, "starts_on: 2000-01-01", "starts_on: 2000-01-02", 1))
		w.program.reloaded(w.Context(), w.program.opt.Live.Reload())
		time.Sleep(5 * time.Second)
		w.wantHandovers(4)
		if text := w.handovers()[3]; strings.Contains(text, "late") {
			t.Errorf("a changed configuration is said to be late: %s", text)
		}
		w.checkOnce()
	})
}

// TestHandoverWhileSlackIsDown: what was overtaken meanwhile is not told.
func TestHandoverWhileSlackIsDown(t *testing.T) {
	inBubble(t, map[string]string{"oncall/rotation.yaml": dailyRota}, func(w *world) {
		time.Sleep(50 * time.Minute)
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		time.Sleep(20 * time.Minute)
		w.post(http.StatusOK, "override dan@example.com primary for 2h", "erin@example.com", "o")
		time.Sleep(10 * time.Minute)
		w.ws.SetFaults(workspace.Faults{})
		w.dm("dan", 5*time.Minute, "You are on call", "Accept")
		w.calm(10 * time.Minute)
		w.wantHandovers(1)
		carol := w.ws.Person("carol")
		if n := count(carol.Messages(carol.DM("muster")), "You are on call"); n != 0 {
			t.Error("carol was told to be on call when she no longer was")
		}
		w.checkOnce()
	})
}

func (w *world) members(handle string) []string {
	w.Helper()
	call := func(method string, form url.Values) (answer struct {
		OK         bool
		Error      string
		Users      []string
		Usergroups []struct{ ID, Handle string }
	}) {
		form.Set("token", w.ws.BotToken())
		client := &http.Client{Transport: &http.Transport{DialContext: w.slack.DialContext, DisableKeepAlives: true}}
		resp, err := client.PostForm("http://slack.local/api/"+method, form)
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || !answer.OK {
			w.Fatal(method, err, answer.Error)
		}
		return answer
	}
	for _, g := range call("usergroups.list", url.Values{}).Usergroups {
		if g.Handle == handle {
			return call("usergroups.users.list", url.Values{"usergroup": {g.ID}}).Users
		}
	}
	return nil
}

func TestUserGroupFollowsTheRota(t *testing.T) {
	files := map[string]string{"oncall/rotation.yaml": dailyRota, "muster.yaml": "user_groups: {primary: '@oncall-primary', secondary: '@oncall-secondary'}\n"}
	inBubble(t, files, func(w *world) {
		is := func(who string) {
			t.Helper()
			w.wait(2*time.Minute, who+" in the group", func() bool {
				return slices.Equal(w.members("oncall-primary"), []string{w.ws.Person(who).ID()})
			})
		}
		is("bob")
		time.Sleep(time.Hour)
		is("carol")
		w.command("erin", "#incidents", "/incident override @dan primary for 1h")
		is("dan")
		time.Sleep(time.Hour)
		is("carol")

		w.ws.FailMethod("usergroups.users.update", "plan_upgrade_required")
		w.command("erin", "#incidents", "/incident override @alice primary for 2h")
		time.Sleep(5 * time.Minute)
		w.command("erin", "#incidents", "/incident override @bob primary for 1h")
		time.Sleep(5 * time.Minute)
		if n := count(w.bot(w.ws.Person("alice").Messages("#muster-ops")), "@oncall-primary", "does not follow", "plan"); n != 1 {
			t.Errorf("the operations channel was told %d times", n)
		}
		w.command("erin", "#incidents", "/incident create P1 Paging goes on")
		w.dm("bob", 10*time.Second, "📟", "Paging goes on")
		w.ws.FailMethod("usergroups.users.update", "")
		w.restart(time.Minute)
		is("bob")
		var d incident.Desk
		var err error
		if d, err = w.program.desk.State(w.Context()); err != nil || len(d.Duties) != 5 {
			t.Errorf("the desk remembers %d roles: %v", len(d.Duties), err)
		}
	})
}
