package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"muster/app"
	"muster/engine"
	"muster/incident"
	"muster/integration/database"
)

// deed is a playbook whose one step leaves a row each time it runs, and takes
// a while then.
const deed = "# Deed\n\n**Severity:** P0\n\n## Do\n\n### The deed\n\n```sql\nINSERT INTO deeds VALUES ('<tag>');\nSELECT pg_sleep(1);\n```\n"

// stepWorld is a world with a database that counts how often a step ran.
type stepWorld struct {
	*world
	db *pgx.Conn
	n  int // runs so far
}

// TestKillAroundAStep kills the program with SIGKILL between the approval of a
// step and its beginning, at its beginning and while it runs. The step runs
// once, or the incident says that it did not, or that nobody knows; it never
// runs twice.
func TestKillAroundAStep(t *testing.T) {
	t.Parallel()
	server := database.Start(t)
	db, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	if _, err := db.Exec(t.Context(), `CREATE TABLE deeds (tag text)`); err != nil {
		t.Fatal(err)
	}
	w := &stepWorld{world: newWorld(t, 1), db: db}
	w.write("config/playbooks/deed.md", deed)
	w.write("config/muster.yaml", muster+"permissions: {operate: [dan@example.com], approve: [erin@example.com]}\ndata_sources: {main: '"+server.URL+"'}\n")
	l := w.start()
	w.ready(l)
	w.say("dan", `create P0 "the deed"`)
	w.wait(time.Minute, "an incident", func() bool { return w.incidentOf(t.Context(), "INC-1").ID != "" })
	w.say("dan", "playbook INC-1 deed")
	w.stop(l)

	// Not on record: the step waits as before, and another approval runs it.
	n := w.die(engine.BeforeCommit, 0)
	w.phase(n, incident.Waiting)
	w.rows(n, 0)
	w.say("erin", fmt.Sprintf("playbook INC-1 approve %d", n))
	w.ends(n, incident.EndDone, 1)
	w.stop(w.now)
	// On record and not begun: it runs after the start, once.
	w.ends(w.die(engine.AfterCommit, 0), incident.EndDone, 1)
	w.stop(w.now)
	// The same, but nobody is there for eleven minutes: it has expired.
	n = w.die(engine.AfterCommit, 11*time.Minute)
	w.phase(n, incident.Lapsed)
	w.rows(n, 0)
	w.says(n, "expired")
	w.stop(w.now)
	// Begun on record, and nothing done yet: nobody can know.
	n = w.die(app.StepBegan, 0)
	w.ends(n, incident.EndUnknown, 0)
	w.says(n, "nobody knows how far it came")
	w.stop(w.now)
	// In the middle: what was done stays done, and is not done again.
	l = w.start()
	w.ready(l)
	n = w.ask()
	w.say("erin", fmt.Sprintf("playbook INC-1 approve %d", n))
	w.wait(time.Minute, "a step that has done its first half", func() bool { return w.count(n) == 1 })
	l.kill()
	w.ready(w.start())
	w.ends(n, incident.EndUnknown, 1)
	w.says(n, "nobody knows how far it came")

	known := map[incident.End]int{}
	for range min(rounds(t, 2), 20) {
		l := w.now
		n := w.ask()
		w.say("erin", fmt.Sprintf("playbook INC-1 approve %d", n))
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Millisecond)
		l.kill()
		w.ready(w.start())
		r := w.phase(n, incident.Ended)
		known[r.Outcome.End]++
		if got := w.count(n); got > 1 || r.Outcome.End == incident.EndDone && got != 1 || r.Outcome.End != incident.EndDone && r.Outcome.End != incident.EndUnknown {
			t.Errorf("run %d ended as %s and ran %d times", n, r.Outcome.End, got)
		}
	}
	t.Logf("killed at random after an approval: %v", known)
	for n := 1; n <= w.n; n++ {
		if w.count(n) > 1 {
			t.Errorf("run %d ran %d times", n, w.count(n))
		}
	}
	w.stop(w.now)
}

// say gives a command over HTTP that must be done.
func (w *stepWorld) say(who, text string) {
	w.Helper()
	a, err := w.post(w.Context(), who, text, "")
	if err != nil || !a.OK {
		w.Fatalf("%s says %q: %d %s (%v)", who, text, a.status, a.Text, err)
	}
}

// ask has dan ask for the step, and waits until it can be approved.
func (w *stepWorld) ask() int {
	w.Helper()
	w.n++
	w.say("dan", fmt.Sprintf("playbook INC-1 run deed 1 tag=deed-%d", w.n))
	w.phase(w.n, incident.Waiting)
	return w.n
}

// die kills the program at a moment of the approval of a new run, and starts it
// again some time later.
func (w *stepWorld) die(at engine.Points, later time.Duration) int {
	w.Helper()
	l := w.start(func(s *setup) { s.Point, s.Nth, s.Armed = at, 1, true })
	w.ready(l)
	n := w.ask()
	w.wait(time.Minute, "program with nothing to send", func() bool { return w.metric("muster_outbox_waiting") == 0 })
	w.must(l.cmd.Process.Signal(syscall.SIGUSR2))
	w.wait(time.Minute, "program that is armed", func() bool { return strings.Count(w.logged(), armedWord) > 0 })
	_, _ = w.post(w.Context(), "erin", fmt.Sprintf("playbook INC-1 approve %d", n), "") // it dies over it
	select {
	case <-l.gone:
	case <-time.After(time.Minute):
		w.Fatalf("the program did not die %s", at)
	}
	w.must(w.log.Truncate(0))
	w.ready(w.start(func(s *setup) { s.Away = later }))
	return n
}

// phase waits until a run stands where it is told.
func (w *stepWorld) phase(n int, phase incident.Phase) (r incident.StepRun) {
	w.Helper()
	w.wait(time.Minute, fmt.Sprintf("run %d that is %s", n, phase), func() bool {
		r, _ = w.incidentOf(w.Context(), "INC-1").Shelf.Run(n)
		return r.Phase == phase
	})
	return r
}

// ends waits for a run's end, and wants it to have left so many rows.
func (w *stepWorld) ends(n int, end incident.End, rows int) {
	w.Helper()
	if r := w.phase(n, incident.Ended); r.Outcome.End != end {
		w.Errorf("run %d ended as %s: %s", n, r.Outcome.End, r.Outcome.Why)
	}
	w.rows(n, rows)
}

func (w *stepWorld) rows(n, want int) {
	w.Helper()
	if got := w.count(n); got != want {
		w.Errorf("run %d ran %d times, want %d", n, got, want)
	}
}

func (w *stepWorld) count(n int) (rows int) {
	w.Helper()
	w.must(w.db.QueryRow(w.Context(), `SELECT count(*) FROM deeds WHERE tag = $1`, fmt.Sprintf("deed-%d", n)).Scan(&rows))
	return rows
}

// says waits until the thread says something of a run.
func (w *stepWorld) says(n int, words string) {
	w.Helper()
	w.wait(time.Minute, fmt.Sprintf("message about run %d with %q", n, words), func() bool {
		p := w.ws.Person("dan")
		for _, m := range p.Messages("#incidents") {
			for _, r := range p.Thread("#incidents", m.TS) {
				if strings.Contains(r.Text, fmt.Sprintf("run %d", n)) && strings.Contains(r.Text+string(r.Blocks), words) {
					return true
				}
			}
		}
		return false
	})
}
