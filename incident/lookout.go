package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lookout is what concerns all alerts at once: maintenance windows, the storm
// that blows, and the watchdog. It has one history for the whole installation.
// Like Incident it is a value that ApplyLookout never changes.
type Lookout struct {
	Stream   string   `json:"stream,omitempty"`
	Seq      uint64   `json:"seq,omitempty"`
	Made     int      `json:"made,omitempty"` // windows so far
	Windows  []Window `json:"windows,omitempty"`
	Storms   int      `json:"storms,omitempty"` // so far
	Storm    Storm    `json:"storm,omitzero"`
	Watchdog Watchdog `json:"watchdog,omitzero"`
}

// Window is a time in which some alerts are expected.
type Window struct {
	ID    string    `json:"id"`
	Text  string    `json:"text"`
	By    Person    `json:"by"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Match are the labels of the alerts that it concerns; empty: all alerts.
	Match map[string]string `json:"match,omitempty"`
}

// Covers tells whether the window concerns an alert at a moment.
func (w Window) Covers(a Alert, at time.Time) bool {
	return !at.Before(w.From) && at.Before(w.Until) && a.Matches(w.Match)
}

// Storm is many alerts at once. The zero value: there is none.
type Storm struct {
	N int `json:"n,omitempty"` // counts from 1
	// From is when its first alerts came; Alerts is how many there were when
	// it was noticed.
	From     time.Time     `json:"from,omitzero"`
	Alerts   int           `json:"alerts,omitempty"`
	Within   time.Duration `json:"within,omitempty"`
	Severity Severity      `json:"severity"`
	Incident string        `json:"incident,omitempty"`
	At       time.Time     `json:"at,omitzero"`
}

// Had tells whether what came at a moment is part of the storm: it came since,
// or within the window before the storm was noticed.
func (s Storm) Had(at time.Time) bool {
	return !at.Before(s.From) || at.After(s.At.Add(-s.Within))
}

// Watchdog is an alert that always fires, so that its absence is heard.
type Watchdog struct {
	Name string `json:"name,omitempty"`
	// Seen is when it was last put on record; zero: never.
	Seen time.Time `json:"seen,omitzero"`
	// Armed is set once it was heard twice in the time that it may be absent.
	Armed bool `json:"armed,omitempty"`
	// Missing is since when it is absent; zero: it is not.
	Missing  time.Time `json:"missing,omitzero"`
	Incident string    `json:"incident,omitempty"`
}

// MaintenanceBegan records a window.
type MaintenanceBegan struct{ Window }

// MaintenanceEnded records its end: by a person, or by its time.
type MaintenanceEnded struct {
	Window
	Ender Person        `json:"ender,omitzero"`
	Late  time.Duration `json:"late,omitempty"`
}

// StormBegan records that so many alerts came at once that they are one thing.
type StormBegan struct{ Storm }

// StormEnded records that it is over.
type StormEnded struct {
	N int `json:"n"`
}

// WatchdogSeen records that the watchdog was heard. It is not written each
// time.
type WatchdogSeen struct {
	Name string `json:"name"`
	// Back is set when it was absent; Incident is the one that was raised.
	Back     bool   `json:"back,omitempty"`
	Armed    bool   `json:"armed,omitempty"`
	Incident string `json:"incident,omitempty"`
}

// WatchdogMissing records that it was not heard for too long.
type WatchdogMissing struct {
	Name  string        `json:"name"`
	Since time.Time     `json:"since"`
	For   time.Duration `json:"for"`
	Late  time.Duration `json:"late,omitempty"`
}

// LookoutDeclared records which incident a storm or the watchdog became.
type LookoutDeclared struct {
	Seq      uint64 `json:"seq"` // of the record that asked for it
	Storm    int    `json:"storm,omitempty"`
	Incident string `json:"incident"`
}

func (MaintenanceBegan) event() {}
func (MaintenanceEnded) event() {}
func (StormBegan) event()       {}
func (StormEnded) event()       {}
func (WatchdogSeen) event()     {}
func (WatchdogMissing) event()  {}
func (LookoutDeclared) event()  {}

// StartMaintenance begins a window now.
type StartMaintenance struct {
	By    Person
	Text  string
	For   time.Duration
	Match map[string]string
}

// EndMaintenance ends a window early.
type EndMaintenance struct {
	By Person
	ID string
}

// HearWatchdog says that the watchdog was heard.
type HearWatchdog struct {
	Name string
	// Within is how long it may be absent.
	Within time.Duration
}

func (StartMaintenance) intent() {}
func (EndMaintenance) intent()   {}
func (HearWatchdog) intent()     {}

// MaxMaintenance is the longest maintenance window.
const MaxMaintenance = 7 * 24 * time.Hour

// HandleLookout turns what was said about all alerts into facts.
func HandleLookout(l Lookout, in Intent, now time.Time) ([]Event, error) {
	switch in := in.(type) {
	case StartMaintenance:
		switch {
		case in.For <= 0:
			return nil, Refusal{"no_time", "A maintenance window needs a time.", `For example: maintenance "database upgrade" 2h service=db`}
		case in.For > MaxMaintenance:
			return nil, Refusal{"too_long", "A maintenance window lasts at most 7 days.", `For example: maintenance "database upgrade" 2h service=db`}
		case strings.TrimSpace(in.Text) == "":
			return nil, Refusal{"empty", "A maintenance window needs a text that says what is done.", `For example: maintenance "database upgrade" 2h service=db`}
		case len([]rune(in.Text)) > MaxText:
			return nil, Refusal{"too_long", fmt.Sprintf("The text is longer than %d characters.", MaxText), "Shorten it."}
		}
		return one(MaintenanceBegan{Window{
			ID: fmt.Sprintf("MW-%d", l.Made+1), Text: in.Text, By: in.By, From: now, Until: now.Add(in.For), Match: in.Match,
		}})
	case EndMaintenance:
		i := slices.IndexFunc(l.Windows, func(w Window) bool { return strings.EqualFold(w.ID, in.ID) })
		if i < 0 {
			return nil, Refusal{"unknown", "No maintenance window " + in.ID + " is open.", "maintenance lists the open ones."}
		}
		return one(MaintenanceEnded{Window: l.Windows[i], Ender: in.By})
	case HearWatchdog:
		return l.hear(in, now), nil
	case Settled:
		return l.settled(in), nil
	case Wake:
		return nil, nil
	}
	return nil, fmt.Errorf("handle %T: the lookout does not know it", in)
}

// hear records the watchdog when that changes anything, and now and then.
func (l Lookout) hear(in HearWatchdog, now time.Time) []Event {
	w := l.Watchdog
	e := WatchdogSeen{Name: in.Name, Back: !w.Missing.IsZero(), Armed: w.Armed || !w.Seen.IsZero() && now.Sub(w.Seen) <= in.Within}
	if e.Back {
		e.Incident = w.Incident
	}
	if w.Name == in.Name && !e.Back && e.Armed == w.Armed && now.Sub(w.Seen) < in.Within/4 {
		return nil
	}
	return []Event{e}
}

func (l Lookout) settled(in Settled) []Event {
	e, ok := in.Effect.(OpenIncident)
	switch {
	case !ok && in.State == PageFailed:
		return []Event{EffectFailed{What: EffectKind(in.Effect), Reason: in.Reason}}
	case !ok || in.State != PageDelivered || in.Receipt.Ref == "":
		return nil
	}
	out := LookoutDeclared{Seq: e.Seq, Incident: in.Receipt.Ref}
	if in.Receipt.Name == "storm" {
		out.Storm = l.Storm.N
	}
	return []Event{out}
}

// ApplyLookout folds one record. It is total.
func ApplyLookout(l Lookout, r Record) Lookout {
	l.Seq = r.Seq
	switch e := r.Event.(type) {
	case MaintenanceBegan:
		l.Made++
		l.Windows = append(slices.Clone(l.Windows), e.Window)
	case MaintenanceEnded:
		l.Windows = without(l.Windows, func(w Window) bool { return w.ID == e.ID })
	case StormBegan:
		l.Storm, l.Storms = e.Storm, max(l.Storms, e.N)
		l.Storm.At = r.At
	case StormEnded:
		if l.Storm.N == e.N {
			l.Storm = Storm{}
		}
	case WatchdogSeen:
		l.Watchdog = Watchdog{Name: e.Name, Seen: r.At, Armed: e.Armed}
	case WatchdogMissing:
		l.Watchdog.Missing = e.Since
	case LookoutDeclared:
		switch {
		case e.Storm != 0 && e.Storm == l.Storm.N:
			l.Storm.Incident = e.Incident
		case e.Storm == 0 && !l.Watchdog.Missing.IsZero():
			l.Watchdog.Incident = e.Incident
		}
	}
	return l
}

// EffectsLookout says who must be told.
func EffectsLookout(l Lookout, r Record) []Effect {
	switch e := r.Event.(type) {
	case MaintenanceBegan, MaintenanceEnded:
		return []Effect{Post{Seq: r.Seq, What: EventKind(r.Event)}}
	case StormBegan, WatchdogMissing:
		return []Effect{OpenIncident{Seq: r.Seq}}
	case WatchdogSeen:
		if e.Incident != "" {
			return []Effect{Inform{Incident: e.Incident}}
		}
	}
	return nil
}

// RelevantLookout tells whether an effect of the lookout still matters.
func RelevantLookout(Lookout, Effect) (reason string, ok bool) { return "", true }
