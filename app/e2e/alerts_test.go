package e2e

import (
	"path/filepath"
	"testing"
)

// TestTheBellsAlerts: the bell opens the panel of sample alerts, each button
// sends its own, and a warning's message is worked with as in Slack.
func TestTheBellsAlerts(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser is slow: not with -short")
	}
	d := startDemo(t, filepath.Join(t.TempDir(), "muster.db"), 10)
	b := open(t, d.page)
	b.Go("alerts")
	b.Click("Alerts")
	b.WaitText("Each button posts a real webhook to the app.")
	b.Click("Send: The database is slow")
	b.WaitMessage("WARNING: DatabaseSlow")
	b.Shot("bell")
	b.ClickIn("WARNING: DatabaseSlow", "Acknowledge")
	b.WaitMessage("acknowledged by Erin Davis")
	b.ClickIn("WARNING: DatabaseSlow", "Silence")
	b.Click("Silence 4h")
	b.WaitMessage("silenced by Erin Davis")
	b.Shot("bell-silenced")
	b.ClickIn("WARNING: DatabaseSlow", "End silence")
	b.WaitTrue("the warning is heard again", `message("WARNING: DatabaseSlow") && !saying(message("WARNING: DatabaseSlow")).includes("silenced by")`)
	b.Click("Send: The database is well again")
	b.WaitMessage("RESOLVED: DatabaseSlow")
	b.Go("monitoring")
	b.Click("Send: A disk fills up")
	b.WaitMessage("INFO: DiskFilling")
	b.Shot("bell-info")
	b.ClickIn("INFO: DiskFilling", "Declare incident")
	b.WaitMessage("is declared")
	b.Go("incidents")
	b.WaitMessage("P3 Incident: A disk fills up")
	b.Click("Send: The API service goes down")
	b.WaitMessage("P0 Incident: The API service is down")
	b.Shot("bell-critical")
	b.Click("Send: The API service is back")
	b.WaitMessage("RESOLVED: APIServiceDown")
	b.Click("Send: Forty alerts at once")
	b.WaitMessage("P0 Incident: Storm of alerts")
	b.WaitText("Alerts: 40 of 40 firing")
	b.Shot("bell-storm")
	b.Click("Send: The storm is over")
	b.WaitText("Alerts: ✅ all 40 resolved")
	b.Expect("net::ERR") // the page is told by its connection that the demo is over
	d.interrupt()
}
