package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func noEnv(string) (string, bool) { return "", false }

// TestLintPlaybooks: the built-in ones have no problem, a file with one ends
// with exit code 1, and both say what every step is.
func TestLintPlaybooks(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	if err := LintPlaybooks(Question{Config: dir, Out: &out, Env: noEnv}, nil); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"Critical service down (P0)", "Database performance degradation (P1)", "Security incident (P0)", "set KUBECONFIG", "3 playbooks, no problems."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lint does not say %q:\n%s", want, out.String())
		}
	}
	file := filepath.Join(dir, "bad.md")
	if err := os.WriteFile(file, []byte("# Queue stuck\n\nSeverity: P1\n\n```bash\nrm -rf /\n```\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	err := LintPlaybooks(Question{Config: dir, JSON: true, Out: &out, Env: noEnv}, []string{file, "security-incident"})
	var exit Exit
	var answer struct {
		OK        bool
		Problems  int
		Playbooks []struct {
			Title    string
			Problems []struct{ Line int }
		}
	}
	if !errors.As(err, &exit) || exit != 1 || json.Unmarshal(out.Bytes(), &answer) != nil || answer.OK || answer.Problems != 1 ||
		len(answer.Playbooks) != 2 || answer.Playbooks[0].Problems[0].Line != 6 || answer.Playbooks[1].Title != "Security incident" {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := LintPlaybooks(Question{Config: dir, Out: &out, Env: noEnv}, []string{"nothing.md"}); err == nil || !strings.Contains(err.Error(), "security-incident") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestPlanPlaybook(t *testing.T) {
	var out bytes.Buffer
	q := Question{Config: t.TempDir(), Out: &out, Env: noEnv}
	if err := PlanPlaybook(q, "critical-service-down", "roll back the"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"changing", "kubectl rollout undo deployment/<deployment> -n <namespace>", "<namespace>: namespace (default production)", "set KUBECONFIG"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("plan does not say %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := PlanPlaybook(q, "critical-service-down", ""); err != nil || strings.Count(out.String(), "\n\n") < 25 {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := PlanPlaybook(q, "critical-service-down", "99"); err == nil {
		t.Error("there is no step 99")
	}
}
