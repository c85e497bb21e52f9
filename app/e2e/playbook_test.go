package e2e

import (
	"path/filepath"
	"testing"
)

// TestPlaybookWithoutACluster: with nothing configured, every step of the
// playbook that fits shows what it would run and what to configure.
func TestPlaybookWithoutACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser is slow: not with -short")
	}
	t.Setenv("KUBECONFIG", "")
	d := startDemo(t, filepath.Join(t.TempDir(), "muster.db"), 10)
	b := open(t, d.page)
	b.Go("incidents")
	b.Command(`/incident create "` + title + `"`)
	b.WaitMessage("P0 Incident: " + title)
	b.ClickIn("comes from the playbook", "Dismiss")
	b.Tool("P0 Incident: "+title, "Reply in thread")
	b.WaitMessage("A playbook fits")
	b.Shot("playbook-suggested")
	b.ClickIn("A playbook fits", "Open the playbook")
	b.WaitMessage("cannot run here yet: No Kubernetes cluster is configured: set KUBECONFIG")
	b.WaitTrue("a step shows what it would run", `messages().some((n) => saying(n).includes("kubectl") && button(n, "Show"))`)
	b.Shot("playbook-sections")
	b.Prefer("dark")
	b.Shot("playbook-dark")
	b.Resize(390, 844)
	b.Shot("playbook-phone")
	b.Resize(1360, 860)
	b.Prefer("light")
	b.Expect("net::ERR") // the page is told by its connection that the demo is over
	d.interrupt()
}
