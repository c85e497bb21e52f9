package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/engine"
	"muster/incident"
)

// An export that cannot be made says why in one line and leaves nothing behind;
// a broken archive is told in JSON too.
func TestExportSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	data, out := filepath.Join(dir, "muster.db"), filepath.Join(dir, "out")
	lived(t, data)
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	env := func(string) (string, bool) { return "", false }
	q := Question{Out: io.Discard, Env: env}
	to := filepath.Join(out, "x.zip")
	for id, want := range map[string]string{"": "is no incident", "DESK": "is no incident", "INC-99": "there is no incident INC-99", "INC-1/..": "there is no incident"} {
		if err := Export(t.Context(), q, data, id, to); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", id, err)
		}
	}
	full := errors.New("the disk is full")
	if err := writeNew(to, func(w io.Writer) error {
		_, err := io.WriteString(w, "half of it")
		return errors.Join(err, full)
	}); !errors.Is(err, full) {
		t.Errorf("what was written in part: %v", err)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind (%v)", left, err)
	}
	var said bytes.Buffer
	q.Out, q.JSON = &said, true
	if err := Export(t.Context(), q, data, "INC-1", to); err != nil || !strings.Contains(said.String(), `"incident": "INC-1"`) {
		t.Errorf("it says %s (%v)", &said, err)
	}
	whole, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := Export(t.Context(), q, data, "INC-2", to); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("written over: %v", err)
	}
	writeFile(t, to, string(whole[:len(whole)/2]))
	said.Reset()
	var answer struct {
		OK      bool
		Problem string
	}
	if err := VerifyExport(q, to); !errors.Is(err, Exit(1)) || json.Unmarshal(said.Bytes(), &answer) != nil || answer.OK || !strings.Contains(answer.Problem, "is not whole") {
		t.Errorf("half an archive: %s (%v)", &said, err)
	}
}

// An archive is not taken in where it was written, though its incident has gone
// on since.
func TestImportWhereItWasWritten(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "muster.db"), filepath.Join(dir, "INC-1.zip")
	lived(t, data)
	exportOnce(t, data, file)
	s, err := openStore(data)
	if err != nil {
		t.Fatal(err)
	}
	e := engine.NewIncidents(engine.Config{Store: s}, func() []incident.Rule { return nil })
	_, err = e.Do(t.Context(), engine.Request[incident.Incident]{Stream: "INC-1", Intent: incident.Note{By: alice, Text: "later"}})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Import(t.Context(), Question{Out: io.Discard, Env: os.LookupEnv}, data, file); err == nil || !strings.Contains(err.Error(), "is here already, as INC-1") {
		t.Errorf("it is taken in: %v", err)
	}
}

// A file's name from a thread stays a name, whatever it is called.
func TestPlainNames(t *testing.T) {
	for name, want := range map[string]string{
		"../../x": "_.._x", `a\b:c`: "a_b_c", "a\x00\u202egpj.exe": "a__gpj.exe", "a\xffb": "a_b",
		strings.Repeat("ä", 200) + ".txt": strings.Repeat("ä", 73) + ".txt", "": "",
	} {
		if got := plainName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	if got := quoted("one\n**Alice** two\r\n\nthree"); got != "> one\n> **Alice** two\n>\n> three" {
		t.Errorf("it is quoted as %q", got)
	}
}
