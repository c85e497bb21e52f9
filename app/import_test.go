package app

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/report/archive"
	"muster/store"
)

// TestImport: an archive is taken in under the next number, says the same here,
// starts no clock and tells nobody, and is taken in once.
func TestImport(t *testing.T) {
	dir := t.TempDir()
	there, home := filepath.Join(dir, "there.db"), filepath.Join(dir, "home", "muster.db")
	lived(t, there)
	first, second := filepath.Join(dir, "INC-1.zip"), filepath.Join(dir, "INC-2.zip")
	exportOnce(t, there, first)
	q := Question{Out: io.Discard, Env: os.LookupEnv}
	if err := Export(t.Context(), q, there, "INC-2", second); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(home), 0o700); err != nil {
		t.Fatal(err)
	}
	lived(t, home, time.Hour) // its own INC-1 and INC-2: the numbers are taken
	var said bytes.Buffer
	for i, file := range []string{second, first} {
		q.Out = &said
		if err := Import(t.Context(), q, home, file); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("imported INC-%d with", 2-i); !strings.Contains(said.String(), want) || !strings.Contains(said.String(), fmt.Sprintf("as INC-%d", 3+i)) {
			t.Errorf("it says %q", &said)
		}
		for _, data := range []string{home, there} { // the second is where it comes from
			if err := Import(t.Context(), q, data, file); err == nil || !strings.Contains(err.Error(), "is here already") {
				t.Errorf("once more into %s: %v", data, err)
			}
		}
	}
	s, err := store.Open(home, store.Options{SnapshotVersion: engine.SnapshotVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	waiting, err := s.Pending()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range waiting {
		if d.Stream != "INC-1" && d.Stream != "INC-2" {
			t.Errorf("%s of %s waits to be sent", d.Kind, d.Stream)
		}
	}
	e := engine.NewIncidents(engine.Config{Store: s}, func() []incident.Rule { return nil })
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, open := range e.Open() {
		if open.Imported.From != "" {
			t.Errorf("the clocks of %s run", open.ID)
		}
	}
	for _, id := range []string{"INC-3", "INC-4"} {
		if _, err := e.Do(t.Context(), engine.Request[incident.Incident]{Stream: id, Intent: incident.Note{By: alice, Text: "x"}}); err == nil {
			t.Errorf("%s takes a note", id)
		}
	}
	state, err := e.State(t.Context(), "INC-4")
	if err != nil || state.ID != "INC-4" || state.Title != "Checkout <down> & out" || state.Resolution.Cause != "a bad <deploy>" || len(state.Actions) != 1 {
		t.Errorf("it reads as %+v (%v)", state, err)
	}
	var again bytes.Buffer
	if err := export(t.Context(), s, evidenceOf(home), nil, &config.Templates{}, "INC-4", &again); err != nil {
		t.Fatal(err)
	}
	now, err := archive.Read(bytes.NewReader(again.Bytes()), int64(again.Len()))
	if err != nil {
		t.Fatal(err)
	}
	then, f, err := readArchive(first)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	number := regexp.MustCompile(`"id":"INC-\d+"`)
	for i, r := range then.History {
		got := now.History[i]
		if !got.At.Equal(r.At) || got.Kind != r.Kind || number.ReplaceAllString(string(got.Body), "") != number.ReplaceAllString(string(r.Body), "") {
			t.Errorf("record %d says %s, it was %s", i+1, got.Body, r.Body)
		}
	}
	if len(now.History) != len(then.History)+1 {
		t.Errorf("%d records became %d", len(then.History), len(now.History))
	}
	for _, name := range then.Names {
		if strings.HasPrefix(name, "evidence/") && partOf(t, now, name) != partOf(t, then, name) {
			t.Errorf("%s is another file", name)
		}
	}
}

// TestImportOfTheAltered: an archive that is not what was exported is refused in
// one sentence, and leaves nothing behind.
func TestImportOfTheAltered(t *testing.T) {
	dir := t.TempDir()
	there, home := filepath.Join(dir, "there.db"), filepath.Join(dir, "home.db")
	lived(t, there)
	whole := exportOnce(t, there, filepath.Join(dir, "INC-1.zip"))
	q := Question{Out: io.Discard, Env: os.LookupEnv}
	refused := 0
	for at := 40; at < len(whole); at += max(1, len(whole)/40) {
		bad := filepath.Join(dir, fmt.Sprintf("bad-%d.zip", at))
		data := bytes.Clone(whole)
		data[at] ^= 0x55
		writeFile(t, bad, string(data))
		err := Import(t.Context(), q, home, bad)
		if err == nil { // a byte of the zip file that says nothing
			if err := os.Remove(home); err != nil {
				t.Fatal(err)
			}
			continue
		}
		refused++
		if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "nothing was imported: ") {
			t.Errorf("it is refused with %q", err)
		}
		if exists(home) {
			t.Fatal("a refused archive made a data file")
		}
	}
	if refused < 20 {
		t.Errorf("only %d were refused", refused)
	}
}

// A private incident stays private where it is taken in: those see it who saw
// it there, and nothing counts it.
func TestImportKeepsAnIncidentPrivate(t *testing.T) {
	dir := t.TempDir()
	there, home, file := filepath.Join(dir, "there.db"), filepath.Join(dir, "home.db"), filepath.Join(dir, "INC-1.zip")
	opened := func(path string) (*store.Store, engine.Incidents) {
		t.Helper()
		s, err := openStore(path)
		if err != nil {
			t.Fatal(err)
		}
		return s, engine.NewIncidents(engine.Config{Store: s, Now: time.Now}, func() []incident.Rule { return nil })
	}
	s, e := opened(there)
	for _, in := range []incident.Intent{
		incident.Declare{Title: "Payroll leak", Severity: incident.P2, Service: "shop", By: alice, Private: true},
		incident.AddAction{By: alice, Text: "turn the keys", Owner: alice}, incident.Resolve{By: alice, Cause: "a public bucket"},
	} {
		_, declares := in.(incident.Declare)
		if _, err := e.Do(t.Context(), engine.Request[incident.Incident]{Stream: "INC-1", New: declares, Intent: in}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	lived(t, home)
	exportOnce(t, there, file)
	var said bytes.Buffer
	if err := Import(t.Context(), Question{Out: &said, Env: os.LookupEnv}, home, file); err != nil || strings.Contains(said.String(), "Payroll") {
		t.Fatalf("%v; it says %q", err, &said)
	}
	s, e = opened(home)
	defer s.Close()
	in, err := e.State(t.Context(), "INC-3")
	if err != nil || in.Title != "Payroll leak" || !in.VisibleTo(alice) || in.VisibleTo(erin) || in.VisibleTo(incident.Person{}) {
		t.Errorf("%q is seen by %+v (%v)", in.Title, in.Circle, err)
	}
	rows, err := (reader{e}).Rows(t.Context())
	if err != nil || len(rows) != 2 {
		t.Errorf("%d incidents are counted (%v)", len(rows), err)
	}
	list, err := (reader{e}).List(t.Context(), true, 10)
	if err != nil || len(list) != 3 || list[0].Circle.VisibleTo(erin) || !list[0].Circle.VisibleTo(alice) {
		t.Errorf("the list is %+v (%v)", list, err)
	}
	todo, err := e.Todos(t.Context())
	if err != nil || strings.Contains(fmt.Sprint(todo), "keys") {
		t.Errorf("there is to do %+v (%v)", todo, err)
	}
}

// TestImportOfWhatIsNoIncident: an archive in which every hash is right and which
// begins with no declaration brings in no incident without a title and a time.
func TestImportOfWhatIsNoIncident(t *testing.T) {
	dir := t.TempDir()
	home, file := filepath.Join(dir, "home.db"), filepath.Join(dir, "INC-7.zip")
	for _, event := range []incident.Event{incident.Noted{Text: "x"}, incident.OverrideMade{}} {
		kind, body, err := incident.EncodeEvent(event)
		if err != nil {
			t.Fatal(err)
		}
		r := store.Record{Stream: "INC-7", Seq: 1, At: time.Date(2026, 3, 4, 2, 57, 0, 0, time.UTC), Kind: kind, Version: incident.EventVersion, Body: body}
		r.Hash = store.Hash(r)
		var b bytes.Buffer
		if err := archive.Write(&b, []store.Record{r}, nil); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, b.String())
		err = Import(t.Context(), Question{Out: io.Discard, Env: os.LookupEnv}, home, file)
		if err == nil || !strings.Contains(err.Error(), "does not begin with its declaration") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	s, err := openStore(home)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err := s.Records("INC-1", 1); len(n) != 0 || err != nil {
		t.Errorf("INC-1 has %d records (%v)", len(n), err)
	}
}
