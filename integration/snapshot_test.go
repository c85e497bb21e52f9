package integration

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/integration/cluster"
	"muster/playbooks/run"
)

// What a pod has in a folder comes out of it as one piece of evidence, through kubectl's own exec, and only from where
// the configuration allows it.
func TestASnapshotComesOutOfAPod(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, cluster.ExecNamespace)
	deploy(t, c, ns, "api", "example.com/api:1.0")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "access.log"), []byte("203.0.113.7 GET /admin 200\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pods, err := podsOf(t.Context(), c, ns, "api")
	if err != nil {
		t.Fatal(err)
	}
	s := newStepper(t, c, ns, run.Config{ExecAllow: []string{"tar cf - " + dir, "cat " + dir + "/access.log"}})

	code := "kubectl cp " + ns + "/" + pods[0].Name + ":" + dir + " evidence/snapshot"
	if seen := s.done(run.Preview, code, nil); len(seen.Files) != 0 {
		t.Errorf("a preview copied %v", seen.Files)
	}
	res := s.done(run.Change, code, nil)
	if len(res.Files) != 1 || res.Files[0].Name != "snapshot.tar" {
		t.Fatalf("the files are %v", res.Files)
	}
	archive := tar.NewReader(bytes.NewReader(res.Files[0].Data))
	found := false
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.HasSuffix(h.Name, "access.log") && strings.Contains(string(text), "203.0.113.7")
	}
	if !found {
		t.Error("the snapshot does not have what the pod has")
	}

	if res := s.done(run.Change, "kubectl exec "+pods[0].Name+" -- cat "+dir+"/access.log", nil); !strings.Contains(string(res.Output), "GET /admin") {
		t.Errorf("exec prints %q", res.Output)
	}
	for _, code := range []string{
		"kubectl exec " + pods[0].Name + " -- cat /etc/passwd",
		"kubectl exec " + pods[0].Name + " -- sh -c 'cat " + dir + "/access.log'",
		"kubectl cp " + ns + "/" + pods[0].Name + ":/etc evidence/etc",
	} {
		if res := s.do(run.Change, code, nil); res.Ended != run.Refused || !strings.Contains(res.Why, "exec_allow") {
			t.Errorf("%s: %s: %s", code, res.Ended, res.Why)
		}
	}
}
