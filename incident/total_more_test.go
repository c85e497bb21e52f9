package incident_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/alerts/triage"
	"muster/incident"
)

func init() {
	everyEvent = append(everyEvent,
		incident.PostmortemWritten{}, incident.PostmortemAssigned{}, incident.PostmortemPlanned{}, incident.RecordMarked{}, incident.ActionDone{},
		incident.MeetingNear{}, incident.PostmortemOverdue{}, incident.ActionNear{})
	everyIntent = append(everyIntent,
		incident.FinishAction{}, incident.MarkRecord{}, incident.WritePostmortem{}, incident.AssignPostmortem{}, incident.PlanPostmortem{},
		incident.RecordImpact{}, incident.RecordPast{})
	everyEffect = append(everyEffect, incident.Post{}, incident.Follow{}, incident.ShowWatch{}, incident.ShowRegression{})
}

var (
	alertEvents = []incident.Event{
		incident.AlertsHeard{}, incident.AlertsHeard{}, incident.GroupAnnounced{}, incident.GroupPosted{}, incident.GroupPageSettled{}, incident.GroupAcked{},
		incident.GroupSilenced{}, incident.SilenceSettled{}, incident.SilenceEnded{}, incident.GroupDeclaring{}, incident.GroupJoined{}, incident.GroupInStorm{},
		incident.GroupHeld{}, incident.GroupFlapping{}, incident.GroupCharted{}, incident.GroupOver{}, incident.EffectFailed{},
	}
	alertIntents = []incident.Intent{
		incident.HearAlerts{}, incident.AckAlerts{}, incident.SilenceAlerts{}, incident.EndSilence{}, incident.DeclareAlerts{}, incident.JoinAlerts{},
		incident.Wake{}, incident.Settled{},
	}
	alertEffects = []incident.Effect{
		incident.AlertPost{}, incident.AlertRefresh{}, incident.AlertThread{}, incident.AlertMail{}, incident.AlertPage{}, incident.OpenIncident{},
		incident.Inform{}, incident.Fold{}, incident.AlertSilence{}, incident.AlertUnsilence{}, incident.AlertChart{}, incident.AlertOperations{},
	}
	lookoutEvents = []incident.Event{
		incident.MaintenanceBegan{}, incident.MaintenanceEnded{}, incident.StormBegan{}, incident.StormEnded{}, incident.WatchdogSeen{},
		incident.WatchdogMissing{}, incident.LookoutDeclared{}, incident.EffectFailed{},
	}
	lookoutIntents = []incident.Intent{incident.StartMaintenance{}, incident.EndMaintenance{}, incident.HearWatchdog{}, incident.Wake{}, incident.Settled{}}
	deskEvents     = []incident.Event{
		incident.OverrideMade{}, incident.SwapAsked{}, incident.SwapAnswered{}, incident.ShiftBegan{}, incident.ShiftAccepted{},
		incident.ShiftUnanswered{}, incident.DigestDue{}, incident.ErasedTold{}, incident.EffectFailed{},
	}
	deskIntents = []incident.Intent{
		incident.MakeOverride{}, incident.AskSwap{}, incident.AnswerSwap{}, incident.AcceptShift{}, incident.TellErased{}, incident.Wake{}, incident.Settled{},
	}
)

// about is what one aggregate does with records, what is said, and effects.
type about[S any] struct {
	events    []incident.Event
	intents   []incident.Intent
	effects   []incident.Effect
	apply     func(S, incident.Record) S
	handle    func(S, incident.Intent, time.Time) ([]incident.Event, error)
	follow    func(S, incident.Record) []incident.Effect
	relevant  func(S, incident.Effect) (string, bool)
	reconcile func(*rapid.T, S, time.Time)
	seq       func(S) uint64
}

func totalOf[S any](a about[S]) func(*rapid.T) {
	return func(t *rapid.T) {
		var s S
		for range rapid.IntRange(1, 20).Draw(t, "records") {
			r := incident.Record{Seq: a.seq(s) + 1, At: drawTime(t), Event: draw(t, a.events)}
			before := asJSON(s)
			next := a.apply(s, r)
			if asJSON(s) != before {
				t.Fatalf("%T changed the state it was applied to", r.Event)
			}
			if a.seq(next) != r.Seq {
				t.Fatalf("%T: the sequence is %d, want %d", r.Event, a.seq(next), r.Seq)
			}
			for _, e := range append(a.follow(next, r), draw(t, a.effects)) {
				a.relevant(next, e)
				incident.Travel(e)
			}
			a.reconcile(t, next, drawTime(t))
			if _, err := a.handle(next, draw(t, a.intents), drawTime(t)); err != nil {
				if _, refused := err.(incident.Refusal); !refused {
					t.Fatal(err)
				}
			}
			s = next
		}
	}
}

// anyWorld is what groups of alerts ask about.
type anyWorld struct {
	look incident.Lookout
	open []incident.Incident
	who  incident.Person
}

func (w anyWorld) Lookout() incident.Lookout { return w.look }
func (w anyWorld) Open() []incident.Incident { return w.open }
func (w anyWorld) OnCall(_ time.Time, methods []string) (incident.Person, []string) {
	return w.who, methods
}

// arrived is when all alerts came, the watchdog among them.
type arrived time.Time

func (a arrived) Since(time.Time) (int, time.Time, incident.Class) {
	return 2, time.Time(a), incident.Critical
}
func (a arrived) Last() time.Time     { return time.Time(a) }
func (a arrived) Watchdog() time.Time { return time.Time(a).Add(-time.Hour) }

func anyPolicy(t *rapid.T) triage.Policy {
	p := triage.Policy{
		Classes: map[incident.Class]triage.Ways{
			incident.Critical: {Channels: []incident.Channel{{Name: "#incidents", Mention: "@here"}}, Methods: []string{"phone"}},
			incident.Info:     {Channels: []incident.Channel{{Mail: "ops@example.com"}}},
		},
		JoinService: rapid.Bool().Draw(t, "joins"), Settle: 2 * time.Second, Quiet: 15 * time.Minute, FlapTurns: rapid.IntRange(0, 2).Draw(t, "turns"),
		FlapWithin: 10 * time.Minute, StormAlerts: rapid.IntRange(0, 3).Draw(t, "storm"), StormWithin: time.Minute, Watchdog: "L1",
		WatchdogWithin: 5 * time.Minute,
	}
	if rapid.Bool().Draw(t, "declares") {
		p.AutoDeclare = []map[string]string{{"severity": "~crit*|P1"}}
	}
	if rapid.Bool().Draw(t, "routes") {
		p.Routes = []triage.Route{{Match: map[string]string{"service": rapid.SampledFrom(anyWord).Draw(t, "of")}, Drop: rapid.Bool().Draw(t, "drops"), Join: "any"}}
	}
	return p
}

// TestTotalElsewhere is TestTotal for groups of alerts, the lookout and the desk.
func TestTotalElsewhere(t *testing.T) {
	t.Run("groups", func(t *testing.T) {
		rapid.Check(t, totalOf(about[incident.AlertGroup]{
			events: alertEvents, intents: alertIntents, effects: alertEffects, apply: incident.ApplyGroup, handle: incident.HandleGroup,
			follow: incident.EffectsGroup, relevant: incident.RelevantGroup, seq: func(g incident.AlertGroup) uint64 { return g.Seq },
			reconcile: func(t *rapid.T, g incident.AlertGroup, now time.Time) {
				g.Ref()
				w := anyWorld{}
				fill(t, reflect.ValueOf(&w.look).Elem(), 0)
				fill(t, reflect.ValueOf(&w.who).Elem(), 0)
				for range rapid.IntRange(0, 2).Draw(t, "open") {
					w.open = append(w.open, incident.Incident{
						ID: "INC-1", Service: rapid.SampledFrom(anyWord).Draw(t, "service"), DeclaredAt: drawTime(t), Drill: incident.Drill{On: rapid.Bool().Draw(t, "drill")},
					})
				}
				triage.Group{Policy: anyPolicy(t), World: w}.Reconcile(g, now)
			},
		}))
	})
	t.Run("lookout", func(t *testing.T) {
		rapid.Check(t, totalOf(about[incident.Lookout]{
			events: lookoutEvents, intents: lookoutIntents, effects: alertEffects, apply: incident.ApplyLookout, handle: incident.HandleLookout,
			follow: incident.EffectsLookout, relevant: incident.RelevantLookout, seq: func(l incident.Lookout) uint64 { return l.Seq },
			reconcile: func(t *rapid.T, l incident.Lookout, now time.Time) {
				triage.Lookout{Policy: anyPolicy(t), Arrivals: arrived(now)}.Reconcile(l, now)
			},
		}))
	})
	t.Run("desk", func(t *testing.T) {
		rapid.Check(t, totalOf(about[incident.Desk]{
			events: deskEvents, intents: deskIntents, effects: []incident.Effect{incident.Tell{}, incident.Post{}, incident.Notify{}, incident.Operations{}, incident.Pass{}},
			apply: incident.ApplyDesk, handle: incident.HandleDesk, follow: incident.EffectsDesk, relevant: incident.RelevantDesk,
			seq: func(d incident.Desk) uint64 { return d.Seq }, reconcile: func(*rapid.T, incident.Desk, time.Time) {},
		}))
	})
}
