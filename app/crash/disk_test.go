package crash

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/app"
	"muster/store"
	"muster/store/kv"
	"muster/store/kv/bolt"
	"muster/store/storetest/faults"
	"muster/workspace"
)

// TestPowerCut cuts the power of the disk under load. The control run without
// fsync must lose something, or the test would prove nothing.
func TestPowerCut(t *testing.T) {
	cut := func(t *testing.T, change func(*setup)) (*world, *ledger) {
		disk := faults.NewDisk(t, 200)
		w, said := newWorld(t, 60), &ledger{}
		w.data = filepath.Join(disk.Dir, "muster.db")
		w.must(w.open(w.data).Close()) // the file itself is not what may be lost
		l := w.start(change)
		w.ready(l)
		_, abandon := w.load(said)
		w.wait(10*time.Second, "load", func() bool { return acked(said) >= 10 })
		time.Sleep(300 * time.Millisecond)
		disk.CutPower()
		l.kill()
		disk.Restore()
		abandon()
		return w, said
	}
	t.Run("with fsync", func(t *testing.T) {
		w, said := cut(t, func(*setup) {})
		w.finish(w.start(), said)
	})
	t.Run("control without fsync", func(t *testing.T) {
		w, said := cut(t, func(s *setup) { s.NoSync = true })
		s, err := store.Open(w.data, store.Options{})
		if err != nil {
			t.Logf("of %d commands that were acknowledged without fsync nothing is left: %v", acked(said), err)
			return
		}
		defer s.Close()
		lost := misremembered(w.read(s), said.all(), time.Time{})
		if len(lost) == 0 {
			t.Fatalf("%d commands were acknowledged without fsync, and none is lost: the cut does not work", acked(said))
		}
		t.Logf("%d of %d commands that were acknowledged without fsync are lost, as they should be", len(lost), acked(said))
	})
}

func acked(l *ledger) (n int) {
	for _, one := range l.all() {
		if !one.acked.IsZero() {
			n++
		}
	}
	return n
}

// TestFullDisk and TestDeadDisk: nothing is acknowledged that is not on disk,
// and what is on disk still reaches people.
func TestFullDisk(t *testing.T) {
	dir := faults.Small(t, 12)
	w := newWorld(t, 60)
	w.data = filepath.Join(dir, "muster.db")
	var free func()
	w.pagesGoOn(func() { free = faults.FillUp(t, dir) }, func() { free() }, w.useUp)
}

func TestDeadDisk(t *testing.T) {
	disk := faults.NewDisk(t, 100)
	w := newWorld(t, 60)
	w.data = filepath.Join(disk.Dir, "muster.db")
	w.pagesGoOn(disk.CutPower, disk.Restore, nil)
}

// pagesGoOn declares an incident while Slack is down, lets the disk fail, and
// wants the page to arrive all the same, once. more, unless it is nil, takes the
// room that sending has made inside the file.
func (w *world) pagesGoOn(fail, heal func(), more func(*ledger, string)) {
	w.Helper()
	said := &ledger{}
	l := w.start()
	w.ready(l)
	id := w.do(said, "erin", "", "create P0 MARK is slow").Incident
	w.ws.SetFaults(workspace.Faults{SlackDown: true})
	second := w.do(said, "erin", "", "create P0 MARK while Slack is down").Incident
	fail()
	w.untilRefused(said, id)
	w.ws.SetFaults(workspace.Faults{})

	w.wait(10*time.Second, "page of what was recorded before the disk failed", func() bool {
		return w.pagesOf(second) > 0
	})
	w.wait(20*time.Second, "connection to Slack", func() bool { return w.ws.Sockets() > 0 })
	if more != nil {
		w.wait(10*time.Second, "disk that stays full", func() bool { more(said, id); return !w.healthy() })
	}
	w.slashRefused(said, id)
	if w.healthy() {
		w.Error("the program calls itself healthy, although nothing can be written")
	}
	l.kill()
	heal()
	w.finish(w.start(), said)
}

// useUp writes notes until several in a row are refused: a full disk leaves the
// pages inside the file that earlier steps have freed.
func (w *world) useUp(said *ledger, id string) {
	w.Helper()
	for refused := 0; refused < 5; refused++ {
		n := acked(said)
		w.untilRefused(said, id)
		if acked(said) > n {
			refused = 0
		}
	}
}

// pagesOf counts the first pages of an incident that people see.
func (w *world) pagesOf(id string) (n int) {
	for _, m := range w.seen(nil) {
		if strings.HasPrefix(m.delivery, id+"/1/") || strings.HasPrefix(m.text, "📟") && strings.Contains(m.text, id+":") {
			n++
		}
	}
	return n
}

// untilRefused notes long texts until one is not recorded, and wants that to
// be said.
func (w *world) untilRefused(said *ledger, id string) {
	w.Helper()
	long := strings.Repeat("a long story ", 220)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		one := said.add(&saying{text: "note " + id + " MARK " + long, by: "bob", stream: id})
		a, err := w.post(context.Background(), one.by, one.text, one.marker)
		w.must(err)
		if a.OK {
			said.acked(one)
			continue
		}
		if a.status != http.StatusInternalServerError || a.Code != "fault" || !strings.Contains(a.Text, "nothing was recorded") {
			w.Errorf("a command that cannot be written is answered %d %q", a.status, a.Text)
		}
		w.Logf("the answer: %s", a.Text)
		return
	}
	w.Fatal("commands are acknowledged for 10 s although the disk failed")
}

// slashRefused types a command and wants the answer that it is not recorded.
func (w *world) slashRefused(said *ledger, id string) {
	w.Helper()
	long := strings.Repeat("a long story ", 220)
	one := said.add(&saying{text: "note " + id + " MARK " + long, by: "dan", stream: id})
	ack, err := w.ws.Person(one.by).Command("#general", "/incident "+one.text)
	w.must(err)
	if reply := string(ack.Payload); !strings.Contains(reply, "Not recorded") {
		w.Errorf("a slash command that cannot be written is answered %s", reply)
	}
}

// TestFailingCalls lets single system calls of the program fail under load.
func TestFailingCalls(t *testing.T) {
	for name, c := range map[string]struct {
		inject string
		ever   bool // every later write fails too
	}{
		"fsync":     {"fdatasync:error=EIO:when=20+", true},
		"some room": {"pwrite64:error=ENOSPC:when=60+10", false},
	} {
		t.Run(name, func(t *testing.T) {
			w, said := newWorld(t, 60), &ledger{}
			l := w.launch(faults.Inject(t, c.inject, exec.Command(os.Args[0])), w.setup())
			w.ready(l)
			id := w.do(said, "erin", "", "create P2 MARK is slow").Incident
			w.untilRefused(said, id)
			if c.ever {
				w.slashRefused(said, id)
				if w.healthy() {
					t.Error("the program calls itself healthy, although nothing can be written")
				}
			}
			for range 20 { // the answers are taken at their word
				w.slash(said, said.add(&saying{text: "note " + id + " MARK", by: "dan", stream: id}))
			}
			l.kill()
			w.wait(10*time.Second, "end of the program", func() bool { return !w.held() })
			w.finish(w.start(), said)
		})
	}
}

// held tells whether a process has the data file open.
func (w *world) held() bool {
	s, err := store.Open(w.data, store.Options{Timeout: 50 * time.Millisecond})
	if err != nil {
		return errors.Is(err, store.ErrInUse)
	}
	return s.Close() != nil
}

// run is muster run on the data file, in this process.
func (w *world) run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	env := map[string]string{
		"SLACK_BOT_TOKEN": w.ws.BotToken(), "SLACK_APP_TOKEN": w.ws.AppToken(), "SLACK_API_URL": w.slack + "/api/", "MUSTER_API_TOKEN": apiToken,
		"MUSTER_URL": w.url(""),
	}
	return app.Run(ctx, app.RunFlags{Config: w.config, Data: w.data, Listen: "127.0.0.1:0", Log: "error"}, lookup(env), io.Discard)
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

// refuses fails unless the program refuses the data file in one sentence of
// that kind, and leaves it as it is.
func (w *world) refuses(kind error, parts ...string) {
	w.Helper()
	before, err := os.ReadFile(w.data)
	w.must(err)
	err = w.run()
	if !errors.Is(err, kind) {
		w.Fatalf("the program says %v, want %v", err, kind)
	}
	w.Logf("it says: %v", err)
	for _, part := range append(parts, w.data) {
		if !strings.Contains(err.Error(), part) {
			w.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		w.Errorf("not one sentence: %q", err)
	}
	after, err := os.ReadFile(w.data)
	w.must(err)
	if !bytes.Equal(before, after) {
		w.Error("the file was changed")
	}
}

// lived is a world with a data file that has a little history.
func lived(t *testing.T, data string) (*world, *ledger) {
	w, said := newWorld(t, 60), &ledger{}
	if data != "" {
		w.data = data
	}
	l := w.start()
	w.ready(l)
	id := w.do(said, "erin", "", "create P0 MARK is slow").Incident
	for range 5 {
		w.do(said, "bob", id, "note "+id+" MARK "+strings.Repeat("and so on ", 100))
	}
	w.stop(l)
	return w, said
}

func TestReadOnlyDisk(t *testing.T) {
	disk := faults.NewDisk(t, 50)
	w, said := lived(t, filepath.Join(disk.Dir, "muster.db"))
	disk.ReadOnly(true)
	w.refuses(syscall.EROFS, "mounted read-only")
	disk.ReadOnly(false)
	w.finish(w.start(), said)
}

func TestSecondProcess(t *testing.T) {
	w, said := newWorld(t, 60), &ledger{}
	l := w.start()
	w.ready(l)
	id := w.do(said, "erin", "", "create P0 MARK is slow").Incident
	err := w.run()
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), w.data) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the second program says %v", err)
	}
	t.Logf("it says: %v", err)
	w.do(said, "bob", id, "note "+id+" MARK")
	w.finish(l, said)
}

func TestDamagedFile(t *testing.T) {
	w, said := lived(t, "")
	whole, err := os.ReadFile(w.data)
	w.must(err)
	for name, damage := range map[string][]byte{
		"cut to eight pages": whole[:8*4096],
		"cut to three pages": whole[:3*4096],
		"cut to some bytes":  whole[:100],
		"cut to nothing":     {},
		"another file":       []byte(strings.Repeat("this is no data of Muster\n", 1000)),
		"overwritten inside": scribbled(whole),
	} {
		t.Run(name, func(t *testing.T) {
			was := w.TB
			w.TB = t
			defer func() { w.TB = was }()
			w.must(os.WriteFile(w.data, damage, 0o600))
			w.refuses(store.ErrDamaged, "backup")
		})
	}
	t.Run("one word altered", func(t *testing.T) {
		was := w.TB
		w.TB = t
		defer func() { w.TB = was }()
		altered := bytes.ReplaceAll(whole, []byte("m000001 is slow"), []byte("m000001 is fast"))
		if bytes.Equal(altered, whole) {
			t.Fatal("nothing was altered")
		}
		w.must(os.WriteFile(w.data, altered, 0o600))
		w.goesOnWithout("INC-1")
	})
	w.must(os.WriteFile(w.data, whole, 0o600))
	w.finish(w.start(), said)
}

// goesOnWithout starts the program on a file with one damaged incident, and
// wants that said in the log, at /readyz and in the operations channel, and
// that incident refused.
func (w *world) goesOnWithout(id string) {
	w.Helper()
	l := w.start()
	w.ready(l)
	damaged := id + "'s history is damaged"
	w.wait(10*time.Second, "word of the damage in the operations channel", func() bool {
		return slices.ContainsFunc(w.seen(nil), func(m seen) bool { return m.channel == "#muster-ops" && strings.Contains(m.text, damaged) })
	})
	w.damaged = append(w.damaged, id)
	if log := w.logged(); !strings.Contains(log, "a history is damaged") || !strings.Contains(log, id) {
		w.Errorf("the log does not say that %s is damaged: %s", id, log)
	}
	resp, err := w.client.Get(w.url("/readyz"))
	w.must(err)
	text, err := io.ReadAll(resp.Body)
	w.must(errors.Join(err, resp.Body.Close()))
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), damaged) {
		w.Errorf("/readyz says %d %s", resp.StatusCode, text)
	}
	a, err := w.post(context.Background(), "bob", "note "+id+" to the damaged one", "damaged")
	w.must(err)
	if a.OK || a.Code != "damaged" {
		w.Errorf("a note to a damaged incident is answered %d %q", a.status, a.Text)
	}
	w.stop(l)
}

// scribbled is the content with every page after the first two overwritten in
// its middle.
func scribbled(whole []byte) []byte {
	out := bytes.Clone(whole)
	for at := 2*4096 + 512; at+64 < len(out); at += 4096 {
		copy(out[at:], strings.Repeat("x", 64))
	}
	return out
}

func TestNewerFile(t *testing.T) {
	w, said := lived(t, "")
	set := func(version string) {
		db, err := bolt.Open(w.data, bolt.Options{Timeout: time.Second})
		w.must(err)
		w.must(errors.Join(db.Commit([]kv.Op{{Key: []byte("vs"), Value: []byte(version)}}, nil), db.Close()))
	}
	version := w.schema()
	set("99")
	w.refuses(store.ErrNewer, "newer")
	set(version)
	w.finish(w.start(), said)
}

// schema is the version that the data file says it has.
func (w *world) schema() string {
	w.Helper()
	db, err := bolt.Open(w.data, bolt.Options{Timeout: time.Second})
	w.must(err)
	v, _, err := kv.Get(db, []byte("vs"))
	w.must(errors.Join(err, db.Close()))
	return string(v)
}
