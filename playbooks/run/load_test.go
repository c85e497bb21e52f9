package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The child reads no file: whatever a kubeconfig names is inside of what it gets, and nothing of other contexts is.
func TestLoadClusterReadsWhatAKubeconfigNames(t *testing.T) {
	ca, token := write(t, "ca.crt", "the authority"), write(t, "token", "the-token")
	file := write(t, "kubeconfig", `apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: here, user: me}}
- {name: there, context: {cluster: there, user: other}}
clusters:
- {name: here, cluster: {server: "https://127.0.0.1:1", certificate-authority: `+ca+`}}
- {name: there, cluster: {server: "https://127.0.0.1:2", certificate-authority: /does/not/exist}}
users:
- {name: me, user: {tokenFile: `+token+`}}
- {name: other, user: {token: not-for-steps}}
`)
	c, err := LoadCluster(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(c.Kubeconfig)
	if !strings.Contains(text, "token: the-token") || !strings.Contains(text, "certificate-authority-data: dGhlIGF1dGhvcml0eQ==") {
		t.Errorf("the files are not read into it:\n%s", text)
	}
	if strings.Contains(text, "not-for-steps") || strings.Contains(text, ca) || strings.Contains(text, "tokenFile") {
		t.Errorf("it holds what a step does not need:\n%s", text)
	}

	// Renewed on disk, renewed here.
	if err := os.WriteFile(token, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = LoadCluster(file); err != nil || !strings.Contains(string(c.Kubeconfig), "token: another") {
		t.Errorf("a renewed token is not taken: %s (%v)", c.Kubeconfig, err)
	}
}

func TestLoadClusterSaysWhatIsWrong(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if c, err := LoadCluster(""); err != nil || !c.none() {
		t.Errorf("without a cluster: %v %v", c, err)
	}
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: Config\n":                             "no current-context",
		"apiVersion: v1\nkind: Config\ncurrent-context: elsewhere\n": "elsewhere",
		"{": "read the kubeconfig",
	} {
		if _, err := LoadCluster(write(t, "kubeconfig", text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := LoadCluster("/does/not/exist"); err == nil || !strings.Contains(err.Error(), "KUBECONFIG names /does/not/exist") {
		t.Errorf("a file that is not there: %v", err)
	}
}
