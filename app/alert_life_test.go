package app

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/engine"
	"muster/incident"
)

// alertGroup gives a group of alerts as it is.
func (w *world) alertGroup(key string) incident.AlertGroup {
	w.Helper()
	g, err := w.program.intake.groups.State(w.Context(), engine.GroupStream(incident.FromAlertmanager, key))
	if err != nil {
		w.Fatal(err)
	}
	return g
}

func warning(instance string) fires {
	return fires{name: "DiskFilling", severity: "warning", service: "files", instance: instance, summary: "the disk of " + instance + " fills", since: time.Now()}
}

func TestAWarningIsSilencedAndHeardAgain(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		f := warning("db-1")
		w.told(hook("disk", f))
		m := w.inChannel("#alerts", 5*time.Second, "WARNING: DiskFilling", "the disk of db-1 fills")
		if strings.Contains(m.Text, "<!here>") {
			t.Errorf("a warning calls everybody: %s", m.Text)
		}
		w.click("dan", m, "#alerts", "Acknowledge")
		w.inChannel("#alerts", 20*time.Second, "DiskFilling", "acknowledged by Dan")
		w.click("dan", m, "#alerts", "Silence 4h")
		w.inChannel("#alerts", 20*time.Second, "DiskFilling", "silenced by Dan", "End silence")
		g := w.alertGroup("disk")
		if want := 4 * time.Hour; g.Silence.Until.Sub(g.Silence.At) != want || g.Silence.Remote {
			t.Errorf("silenced for %v, remote %t", g.Silence.Until.Sub(g.Silence.At), g.Silence.Remote)
		}
		w.restart(time.Minute)
		w.click("erin", m, "#alerts", "End silence")
		w.wait(20*time.Second, "message without a silence", func() bool { return w.count("#alerts", "DiskFilling", "silenced by") == 0 })
		w.command("erin", "#alerts", "/incident alert silence 1h")
		w.wait(20*time.Second, "silence", func() bool { return w.alertGroup("disk").Silence.N == 2 })
		time.Sleep(time.Hour)
		w.inThreadOf("#alerts", m.TS, 20*time.Second, "The silence is over", "1 of the alerts fire")
		w.command("erin", "#alerts", "/incident alert silence resolved")
		w.wait(20*time.Second, "silence until the end", func() bool { return w.alertGroup("disk").Silence.UntilResolved })
		if answer := w.post(200, "alerts", "erin@example.com", ""); !strings.Contains(answer, "until it is resolved") {
			t.Errorf("the list does not say how long the silence lasts: %s", answer)
		}
		f.over = true
		w.told(hook("disk", f))
		w.wait(20*time.Second, "end of the silence with the alert", func() bool { return w.alertGroup("disk").Silence.N == 0 })
		w.inChannel("#alerts", 20*time.Second, "RESOLVED: DiskFilling")
		if n := len(w.incidents()); n != 0 {
			t.Errorf("a warning became %d incidents", n)
		}
		w.checkOnce()
	})
}

// inThreadOf waits for a reply below a message.
func (w *world) inThreadOf(channel, ts string, atMost time.Duration, words ...string) {
	w.Helper()
	w.wait(atMost, fmt.Sprint("reply ", words, " in ", channel), func() bool {
		_, ok := find(w.ws.Person("erin").Thread(channel, ts)[1:], words...)
		return ok
	})
}

func TestAnIncidentIsDeclaredFromAMessage(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.told(hook("disk", warning("db-1"), warning("db-2")))
		m := w.inChannel("#alerts", 5*time.Second, "WARNING: DiskFilling (2 of 2 firing)")
		w.click("dan", m, "#alerts", "Declare incident")
		w.privately("dan", "#alerts", "INC-1", "is declared")
		s := w.state("INC-1")
		if s.Severity != incident.P2 || s.Service != "files" || s.Title != "the disk of db-1 fills" || s.DeclaredBy.Key != "dan@example.com" {
			t.Errorf("declared %v %q of %q by %v", s.Severity, s.Title, s.Service, s.DeclaredBy)
		}
		// Another group of the same service joins it by rule; one of another does not.
		other := warning("db-3")
		other.name = "DiskSlow"
		w.told(hook("slow", other))
		third := warning("cache-1")
		third.service = "cache"
		w.told(hook("cache", third))
		w.wait(10*time.Second, "two groups in the incident", func() bool { return len(w.state("INC-1").Alerts) == 2 })
		w.inChannel("#alerts", 10*time.Second, "DiskSlow", "INC-1")
		w.command("erin", "#incidents", "/incident alert join INC-1 "+w.alertGroup("cache").ID)
		w.wait(10*time.Second, "three groups in the incident", func() bool { return len(w.state("INC-1").Alerts) == 3 })
		w.post(200, "show INC-1", "erin@example.com", "")
		if answer := w.post(200, "alerts INC-1", "erin@example.com", ""); !strings.Contains(answer, "4 of 4 alerts firing") || !strings.Contains(answer, "DiskFilling db-2") {
			t.Errorf("the list of alerts: %s", answer)
		}
		if n := len(w.incidents()); n != 1 {
			t.Errorf("%d incidents", n)
		}
	})
}

func TestAStormIsOneIncident(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		const many = 300
		for i := range many {
			f := fires{name: "InstanceDown", severity: "critical", service: fmt.Sprintf("svc-%d", i), instance: fmt.Sprintf("web-%d", i), summary: fmt.Sprintf("web-%d is down", i), since: time.Now()}
			w.told(hook(fmt.Sprintf("g%d", i), f))
			time.Sleep(10 * time.Millisecond)
			if i == many/2 {
				w.restart(time.Second)
			}
		}
		w.inChannel("#incidents", 30*time.Second, "🚨 P0 Incident: Storm of alerts")
		w.wait(time.Minute, "complete list", func() bool {
			_, total := w.state("INC-1").AlertsFiring()
			return total == many
		})
		if list := w.incidents(); len(list) != 1 {
			t.Errorf("a storm became %d incidents", len(list))
		}
		if n := w.count("#incidents", "CRITICAL: InstanceDown"); n > 25 {
			t.Errorf("%d messages of single groups were posted", n)
		}
		card := w.inChannel("#incidents", 5*time.Second, "🚨 P0 Incident: Storm of alerts")
		w.inThread(card, 30*time.Second, fmt.Sprintf("%d of %d alerts of INC-1 are firing", many, many), "InstanceDown web-299")
		pages := w.state("INC-1").Climb.Pages
		if len(pages) == 0 {
			t.Fatal("nobody was paged for the storm")
		}
		w.checkOnce()
		// What comes after the storm is announced by itself again.
		time.Sleep(10 * time.Minute)
		late := warning("db-9")
		w.told(hook("after", late))
		w.inChannel("#alerts", 10*time.Second, "the disk of db-9 fills")
	})
}

// TestASlowStormGathersWhatItDeclared: alerts that come one by one declare
// incidents until there are too many; then those are merged into the storm's,
// except the one on which somebody works already.
func TestASlowStormGathersWhatItDeclared(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": "storm: {alerts: 6, window: 1m}\n"}, func(w *world) {
		const many = 10
		for i := range many {
			w.told(hook(fmt.Sprintf("g%d", i), fires{
				name: "InstanceDown", severity: "critical", service: fmt.Sprintf("svc-%d", i), instance: fmt.Sprintf("web-%d", i), summary: fmt.Sprintf("web-%d is down", i), since: time.Now(),
			}))
			time.Sleep(2200 * time.Millisecond)
			if i == 2 {
				w.wait(10*time.Second, "three incidents", func() bool { return len(w.incidents()) == 3 })
				w.post(200, "update INC-2 we look at the switch", "erin@example.com", "")
			}
			if i == 7 {
				w.restart(time.Second)
			}
		}
		w.inChannel("#incidents", 30*time.Second, "🚨 P0 Incident: Storm of alerts")
		open := func() (ids []string) {
			for _, s := range w.program.incidents.OpenIncidents() {
				ids = append(ids, s.ID)
			}
			return ids
		}
		w.wait(time.Minute, "two open incidents", func() bool { return len(open()) == 2 })
		storm := open()[0]
		w.wait(time.Minute, "list of all but one", func() bool {
			_, total := w.state(storm).AlertsFiring()
			return total == many-1
		})
		if firing, total := w.state("INC-2").AlertsFiring(); firing != 1 || total != 1 || !w.state("INC-2").Open() {
			t.Errorf("the incident that is worked on has %d of %d alerts and is %s", firing, total, w.state("INC-2").Status)
		}
		if s := w.state("INC-1"); s.MergedInto != storm {
			t.Errorf("INC-1 is merged into %q, want %s", s.MergedInto, storm)
		}
		w.restart(time.Minute)
		if n := len(open()); n != 2 {
			t.Errorf("after a restart %d incidents are open", n)
		}
		w.checkOnce()
	})
}

// TestAStormLosesNoneThatComesWhileItIsNoticed: an alert that is on record only
// after the storm has its incident, and whose step looked before, is part of it.
func TestAStormLosesNoneThatComesWhileItIsNoticed(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": "storm: {alerts: 4, window: 1m}\n"}, func(w *world) {
		var hold, slow atomic.Bool
		w.stop()
		w.change = func(o *Options) {
			o.Passing = func(at engine.Points) {
				switch {
				case at == BeforeSend && slow.Load():
					time.Sleep(3 * time.Second)
				case at == engine.BeforeCommit && hold.CompareAndSwap(true, false):
					time.Sleep(8 * time.Second)
				}
			}
		}
		w.start()
		slow.Store(true)
		const many = 8
		for i := range many {
			if i == many-1 {
				w.wait(time.Second, "storm", func() bool { return w.program.intake.Lookout().Storm.N == 1 })
				hold.Store(true)
			}
			w.told(hook(fmt.Sprintf("g%d", i), fires{
				name: "InstanceDown", severity: "critical", service: fmt.Sprint("svc-", i), instance: fmt.Sprint("web-", i), summary: "down", since: time.Now(),
			}))
		}
		w.wait(time.Minute, "list of all", func() bool {
			_, total := w.state("INC-1").AlertsFiring()
			return total == many
		})
		if n := len(w.program.incidents.OpenIncidents()); n != 1 {
			t.Errorf("%d incidents are open", n)
		}
	})
}

// TestAlertsMoveWithTheirIncident: the incident that alerts leave is told, by a
// person's word and by a merge.
func TestAlertsMoveWithTheirIncident(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.told(hook("disk", warning("db-1")))
		m := w.inChannel("#alerts", 5*time.Second, "WARNING: DiskFilling")
		w.click("dan", m, "#alerts", "Declare incident")
		w.wait(10*time.Second, "incident", func() bool { return w.alertGroup("disk").Incident == "INC-1" })
		w.command("erin", "#incidents", "/incident create P2 the network is slow")
		w.wait(10*time.Second, "second incident", func() bool { return len(w.incidents()) == 2 })
		w.post(200, "alert join INC-2 "+w.alertGroup("disk").ID, "erin@example.com", "")
		w.wait(10*time.Second, "alert in the second incident", func() bool { return len(w.state("INC-2").Alerts) == 1 })
		w.wait(10*time.Second, "first incident without it", func() bool { return len(w.state("INC-1").Alerts) == 0 })
		w.post(200, "merge INC-2 INC-1", "erin@example.com", "")
		w.wait(10*time.Second, "alert in the incident that goes on", func() bool { return len(w.state("INC-1").Alerts) == 1 })
		over := warning("db-1")
		over.since, over.over = w.alertGroup("disk").Alerts[0].StartsAt, true
		w.told(hook("disk", over))
		w.wait(10*time.Second, "end of its alerts", func() bool { return w.facts("INC-1")["all_alerts_resolved"] == 1 })
	})
}

func TestMaintenanceHoldsAlertsBack(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", `/incident maintenance "database upgrade" 2h service=checkout`)
		w.inChannel("#incidents", 10*time.Second, "Maintenance until", "database upgrade", "MW-1", "service=checkout")
		down := serviceDown(time.Now())
		w.told(hook("checkout", down))
		other := warning("db-1")
		w.told(hook("disk", other))
		w.inChannel("#alerts", 10*time.Second, "the disk of db-1 fills")
		if answer := w.post(200, "alerts", "erin@example.com", ""); !strings.Contains(answer, "expected: MW-1") || !strings.Contains(answer, "database upgrade") {
			t.Errorf("the list does not say what is expected: %s", answer)
		}
		w.restart(time.Minute)
		time.Sleep(time.Hour)
		if n := w.count("#incidents", "ServiceDown"); n != 0 || len(w.incidents()) != 0 {
			t.Fatalf("during the maintenance %d messages, %d incidents", n, len(w.incidents()))
		}
		time.Sleep(time.Hour) // its end
		w.inChannel("#incidents", 10*time.Second, "The maintenance", "MW-1", "is over")
		w.inChannel("#incidents", 10*time.Second, "CRITICAL: ServiceDown")
		w.inChannel("#incidents", 10*time.Second, "🚨 P0 Incident: checkout is down")
		w.command("erin", "#incidents", `/incident maintenance "all quiet" 2h`)
		w.inChannel("#incidents", 10*time.Second, "all quiet", "of every kind")
		w.command("dan", "#incidents", "/incident maintenance end")
		w.inChannel("#incidents", 10*time.Second, w.ws.Person("dan").Mention(), "ended the maintenance", "MW-2")
	})
}

func TestTheWatchdogsAbsenceIsHeard(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		dog := fires{name: "Watchdog", severity: "none", summary: "always fires", since: time.Now()}
		beat := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Minute) {
				w.told(hook("watchdog", dog))
			}
		}
		time.Sleep(time.Hour) // never heard: nothing is raised
		beat(30 * time.Minute)
		if n := len(w.incidents()); n != 0 {
			t.Fatalf("%d incidents while the watchdog is heard", n)
		}
		w.restart(20 * time.Minute) // nobody could tell us meanwhile
		time.Sleep(9 * time.Minute)
		if n := len(w.incidents()); n != 0 {
			t.Fatalf("%d incidents right after a restart", n)
		}
		time.Sleep(2 * time.Minute)
		card := w.inChannel("#incidents", 10*time.Second, "Alerting is silent: Watchdog was not heard")
		time.Sleep(time.Hour)
		w.restart(time.Minute)
		time.Sleep(time.Hour)
		if n := len(w.incidents()); n != 1 {
			t.Errorf("one absence raised %d incidents", n)
		}
		beat(2 * time.Minute)
		w.inThread(card, 10*time.Second, "The watchdog is heard again")
		if n := w.count("#monitoring", "Watchdog"); n != 0 {
			t.Errorf("the watchdog itself was announced %d times", n)
		}
	})
}

func TestFlappingAlertsCallNobody(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": "auto_declare: []\n"}, func(w *world) {
		began := time.Now()
		f := serviceDown(began)
		w.told(hook("checkout", f))
		m := w.inChannel("#incidents", 10*time.Second, "CRITICAL: ServiceDown")
		for range 8 {
			time.Sleep(70 * time.Second)
			f.over = !f.over
			if !f.over {
				f.since = time.Now()
			}
			w.told(hook("checkout", f))
		}
		w.inChannel("#incidents", 20*time.Second, "CRITICAL: ServiceDown", "flapping")
		w.inThreadOf("#incidents", m.TS, 10*time.Second, "Flapping: 6 changes")
		called := w.count("#incidents", "firing again", "<!here>")
		for range 4 {
			time.Sleep(70 * time.Second)
			f.over = !f.over
			if !f.over {
				f.since = time.Now()
			}
			w.told(hook("checkout", f))
		}
		time.Sleep(30 * time.Second)
		if n := w.count("#incidents", "firing again", "<!here>"); n != called {
			t.Errorf("%d calls more while it flaps", n-called)
		}
		if n := w.count("#incidents", "ServiceDown", "flapping"); n != 1 {
			t.Errorf("%d messages of one group", n)
		}
	})
}
