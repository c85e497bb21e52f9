package evidence_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/playbooks/evidence"
)

func clock() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func put(t *testing.T, s *evidence.Store, incident, name, data string) evidence.Ref {
	t.Helper()
	ref, err := s.Put(t.Context(), incident, name, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestWhatWasKeptComesBackWhole(t *testing.T) {
	dir := t.TempDir()
	s := evidence.Open(dir, clock)
	big := strings.Repeat("a line of a log\n", 200_000)
	first := put(t, s, "INC-1", "step-1.txt", big)
	again := put(t, s, "INC-1", "step-1.txt", big)
	other := put(t, s, "INC-1", "step-1.txt", "something else")
	elsewhere := put(t, s, "INC-2", "step-1.txt", "something else")
	if first != again {
		t.Errorf("the same piece twice is %v and %v", first, again)
	}
	if other.Name != "step-1-2.txt" || elsewhere.Name != "step-1.txt" {
		t.Errorf("the names are %q and %q", other.Name, elsewhere.Name)
	}

	s = evidence.Open(dir, clock) // as after a restart
	for _, want := range []struct {
		ref  evidence.Ref
		data string
	}{{first, big}, {other, "something else"}} {
		got, err := s.Get(t.Context(), "INC-1", want.ref.Name)
		if err != nil || string(got) != want.data {
			t.Errorf("%s came back with %d bytes (%v)", want.ref.Name, len(got), err)
		}
	}
	if n, err := s.Verify(t.Context(), "INC-1"); n != 2 || err != nil {
		t.Errorf("%d pieces verify: %v", n, err)
	}
	if _, err := s.Get(t.Context(), "INC-1", "nothing"); !errors.Is(err, evidence.ErrNone) {
		t.Errorf("a piece that was never kept: %v", err)
	}
	if all, err := s.Incidents(); fmt.Sprint(all) != "[INC-1 INC-2]" || err != nil {
		t.Errorf("the incidents are %v (%v)", all, err)
	}
}

func TestNamesStayInsideTheDirectory(t *testing.T) {
	dir := t.TempDir()
	s := evidence.Open(filepath.Join(dir, "evidence"), clock)
	for _, name := range []string{"../../etc/passwd", "/abs", "..", "", "a\x00b", "SHA256SUMS", "manifest.jsonl", strings.Repeat("x", 500), "Ünïcode.txt"} {
		ref := put(t, s, "INC-1", name, "content of "+name)
		if strings.ContainsAny(ref.Name, "/\\\x00") || strings.HasPrefix(ref.Name, ".") || ref.Name == "" || len(ref.Name) > 130 {
			t.Errorf("%q is kept as %q", name, ref.Name)
		}
		if ref.Name == evidence.SumsName || ref.Name == evidence.ListName {
			t.Errorf("%q takes the name of one of the archive's own files", name)
		}
	}
	for _, incident := range []string{"", "../INC-1", "INC/1", ".", "INC-1\n"} {
		if _, err := s.Put(t.Context(), incident, "a", nil); err == nil {
			t.Errorf("%q is taken for an incident", incident)
		}
	}
	if err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if name != dir && !strings.HasPrefix(name, filepath.Join(dir, "evidence")) {
			t.Errorf("there is a file outside: %s", name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// objects are the files that hold contents.
func objects(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "objects", "*", "*"))
	if err != nil || len(all) == 0 {
		t.Fatalf("there are no objects (%v)", err)
	}
	return all
}

// TestErase: what was kept for an incident goes, but for what another has too,
// and an erasure that was cut off is brought to its end.
func TestErase(t *testing.T) {
	s := evidence.Open(t.TempDir(), clock)
	both := put(t, s, "INC-1", "both.txt", "the same")
	put(t, s, "INC-1", "own.txt", "only here")
	put(t, s, "INC-2", "both.txt", "the same")
	put(t, s, "INC-3", "third.txt", "another")
	for range 2 {
		if _, err := s.Erase(t.Context(), "INC-1", "INC-9"); err != nil {
			t.Fatal(err)
		}
		if left, err := s.Incidents(); err != nil || !slices.Equal(left, []string{"INC-2", "INC-3"}) {
			t.Errorf("left are %v, %v", left, err)
		}
		if data, err := s.Get(t.Context(), "INC-2", both.Name); err != nil || string(data) != "the same" {
			t.Errorf("what INC-2 has too: %q, %v", data, err)
		}
		if _, err := s.Get(t.Context(), "INC-1", "own.txt"); !errors.Is(err, evidence.ErrNone) {
			t.Errorf("what is gone: %v", err)
		}
		if n, err := s.Verify(t.Context(), "INC-3"); err != nil || n != 1 {
			t.Errorf("the others: %d %v", n, err)
		}
	}
	if _, err := s.Erase(t.Context(), "../INC-1"); err == nil {
		t.Error("a path was taken for an incident")
	}
}

// TestEraseLeavesNoContent: nothing of what was printed is left on the disk.
func TestEraseLeavesNoContent(t *testing.T) {
	dir := t.TempDir()
	s := evidence.Open(dir, clock)
	put(t, s, "INC-1", "a.txt", "one")
	put(t, s, "INC-1", "b.txt", "two")
	put(t, s, "INC-2", "a.txt", "one")
	before := objects(t, dir)
	if n, err := s.Erase(t.Context(), "INC-2", "INC-1"); err != nil || n != 3 || len(before) != 2 {
		t.Fatalf("%d of %v, %v", n, before, err)
	}
	for _, file := range before {
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", file, err)
		}
	}
}

func overwrite(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryTamperingIsFound(t *testing.T) {
	for name, tamper := range map[string]func(t *testing.T, dir, list string){
		"a changed piece": func(t *testing.T, dir, _ string) { overwrite(t, objects(t, dir)[0], []byte("forged")) },
		"a missing piece": func(t *testing.T, dir, _ string) {
			if err := os.Remove(objects(t, dir)[0]); err != nil {
				t.Fatal(err)
			}
		},
		"a changed line": func(t *testing.T, _, list string) {
			text, err := os.ReadFile(list)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, list, bytes.Replace(text, []byte("2026-03-01"), []byte("2026-02-01"), 1))
		},
		"a line that is gone": func(t *testing.T, _, list string) {
			text, err := os.ReadFile(list)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, list, text[bytes.IndexByte(text, '\n')+1:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := evidence.Open(dir, clock)
			put(t, s, "INC-1", "one", "1")
			put(t, s, "INC-1", "two", "2")
			tamper(t, dir, filepath.Join(dir, "incidents", "INC-1.jsonl"))
			if _, err := s.Verify(t.Context(), "INC-1"); err == nil {
				t.Error("it verifies")
			}
			if err := s.Archive(t.Context(), "INC-1", &bytes.Buffer{}); err == nil {
				t.Error("an archive is made of it")
			}
		})
	}
}

func TestAnUnfinishedLineOfACrashIsNoEvidence(t *testing.T) {
	dir := t.TempDir()
	s := evidence.Open(dir, clock)
	put(t, s, "INC-1", "one", "1")
	list := filepath.Join(dir, "incidents", "INC-1.jsonl")
	whole, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		overwrite(t, list, append(bytes.Clone(whole), whole[:cut]...))
		put(t, s, "INC-1", "two", fmt.Sprint("after a cut at ", cut))
		if n, err := s.Verify(t.Context(), "INC-1"); n != 2 || err != nil {
			t.Fatalf("after a line cut at %d, %d pieces verify: %v", cut, n, err)
		}
	}
}

func TestTheArchiveVerifies(t *testing.T) {
	dir := t.TempDir()
	s := evidence.Open(dir, clock)
	put(t, s, "INC-7", "failed-logins.txt", "203.0.113.7\n")
	put(t, s, "INC-7", "snapshot.json", `{"pods": []}`)
	var file bytes.Buffer
	if err := s.Archive(t.Context(), "INC-7", &file); err != nil {
		t.Fatal(err)
	}
	if n, err := evidence.VerifyArchive(bytes.NewReader(file.Bytes()), int64(file.Len())); n != 2 || err != nil {
		t.Fatalf("%d pieces verify: %v", n, err)
	}

	z, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := os.CopyFS(out, z); err != nil {
		t.Fatal(err)
	}
	if tool, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.Command(tool, "-c", evidence.SumsName)
		cmd.Dir = filepath.Join(out, "INC-7")
		if text, err := cmd.CombinedOutput(); err != nil || strings.Count(string(text), ": OK") != 3 {
			t.Errorf("sha256sum says: %s (%v)", text, err)
		}
	}

	var forged bytes.Buffer
	w := zip.NewWriter(&forged)
	for _, f := range z.File {
		data, err := fs.ReadFile(z, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		to, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		to.Write(bytes.Replace(data, []byte("203.0.113.7"), []byte("203.0.113.8"), 1))
	}
	w.Close()
	if _, err := evidence.VerifyArchive(bytes.NewReader(forged.Bytes()), int64(forged.Len())); err == nil || !strings.Contains(err.Error(), "failed-logins.txt") {
		t.Errorf("a forged archive: %v", err)
	}
}

func TestManyAtOnceAreAllListed(t *testing.T) {
	s := evidence.Open(t.TempDir(), clock)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := s.Put(context.Background(), "INC-1", "out.txt", fmt.Append(nil, i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := s.Verify(t.Context(), "INC-1"); n != 40 || err != nil {
		t.Errorf("%d pieces verify: %v", n, err)
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	s := evidence.Open(t.TempDir(), clock)
	if _, err := s.Put(t.Context(), "INC-1", "huge", make([]byte, evidence.MaxSize+1)); err == nil || !strings.Contains(err.Error(), "huge of INC-1") {
		t.Errorf("a piece over the limit: %v", err)
	}
}

func TestBeside(t *testing.T) {
	if got := evidence.Beside("data/muster.db"); got != "data/muster.evidence" {
		t.Errorf("the evidence of data/muster.db is in %s", got)
	}
}
