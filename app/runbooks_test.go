package app

import (
	"testing"

	"muster/playbooks"
)

// What stands before the first heading does not say again what the head says.
func TestAPlaybooksHeadIsSaidOnce(t *testing.T) {
	p := playbooks.Parse("a.md", []byte("# A\n\n**Severity:** P0 - Critical\n**Impact:** Nobody can pay.\nEscalation: The manager.\n- Response Time: 5 minutes\n\nRoll back first.\nImpact: also on refunds\n\n## Look\n\nImpact: Nobody can pay.\n"))
	for i, want := range []string{"Roll back first.\nImpact: also on refunds", "Impact: Nobody can pay."} {
		if got := beyondHead(p.Sections[i], p); got != want {
			t.Errorf("section %d: %q, not %q (%+v)", i, got, want, p.Sections[i])
		}
	}
}
