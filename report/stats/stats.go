package stats

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// Row is what statistics know of one incident: its entry in the listing.
type Row struct {
	ID         string
	Title      string
	Severity   incident.Severity
	Service    string
	Team       string // empty: nobody said
	DeclaredAt time.Time
	ResolvedAt time.Time // zero: not resolved
	Reopens    int
	Tally      incident.Tally
	// Merged is set where another incident took it over: of such a one only the
	// pages count, since they woke people.
	Merged bool
}

// Query says which incidents are counted and how they are grouped.
type Query struct {
	// Since and Until bound the declarations: from Since, before Until. Zero:
	// no bound.
	Since, Until time.Time
	// By groups by "service", "severity" or "team"; empty: all in one.
	By string
	// Only keeps the incidents whose service, severity or team, by these words,
	// is the value; nil: all.
	Only map[string]string
	// Zone gives the zone of a person's nights; nil, or a nil zone: UTC.
	Zone func(incident.Person) *time.Location
}

// Figures are the statistics of one group of incidents.
type Figures struct {
	Group     string `json:"group,omitempty"`
	Incidents int    `json:"incidents"`
	Open      int    `json:"open"`
	Reopened  int    `json:"reopened"`
	// The times run from the declaration. Those that never came are not in them.
	Acknowledge Times `json:"acknowledge"`
	FirstUpdate Times `json:"first_update"`
	Mitigate    Times `json:"mitigate"`
	Resolve     Times `json:"resolve"`
	// Kept and Missed count updates; see incident.Tally.
	Kept   int    `json:"updates_kept"`
	Missed int    `json:"updates_missed"`
	Pages  int    `json:"pages"`
	People []Load `json:"people,omitempty"` // most pages first
	// Approve is how long steps of playbooks waited for a second person's yes,
	// Steps how long those that ran took.
	Approve Times `json:"approve"`
	Steps   Times `json:"steps"`
	// Alerts are those that belonged to more than one incident, the most
	// frequent first.
	Alerts []Repeat `json:"repeated_alerts,omitempty"`
}

// Repeat is an alert that keeps coming back.
type Repeat struct {
	Alert     string `json:"alert"`
	Incidents int    `json:"incidents"`
}

// Punctual is the share of updates that were kept, from 0 to 1; ok is false
// when none was due.
func (f Figures) Punctual() (share float64, ok bool) {
	if f.Kept+f.Missed == 0 {
		return 0, false
	}
	return float64(f.Kept) / float64(f.Kept+f.Missed), true
}

// Times sum up durations. The zero value: there were none.
type Times struct {
	Count  int           `json:"count"`
	Mean   time.Duration `json:"mean_ns"`
	Median time.Duration `json:"median_ns"` // the lower one of an even number
	P90    time.Duration `json:"p90_ns"`    // nearest rank
}

// Load is what paging asked of one person.
type Load struct {
	Person incident.Person `json:"person"`
	Pages  int             `json:"pages"`
	// AtNight counts the pages between 22:00 and 07:00 in the person's zone,
	// Nights the nights with at least one.
	AtNight int `json:"at_night"`
	Nights  int `json:"broken_nights"`
}

// nightBegins and nightEnds are hours of the wall clock.
const nightBegins, nightEnds = 22, 7

// Of counts rows. Without By there is exactly one group; else one for each
// value, most incidents first, then by name.
func Of(rows []Row, q Query) []Figures {
	groups := map[string][]Row{}
	if q.By == "" {
		groups[""] = nil
	}
	for _, r := range rows {
		if !q.Since.IsZero() && r.DeclaredAt.Before(q.Since) || !q.Until.IsZero() && !r.DeclaredAt.Before(q.Until) {
			continue
		}
		if !q.keeps(r) {
			continue
		}
		name := ""
		if q.By != "" {
			name = r.value(q.By)
		}
		groups[name] = append(groups[name], r)
	}
	out := make([]Figures, 0, len(groups))
	for name, rows := range groups {
		f := figures(rows, q.Zone)
		f.Group = name
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Figures) int {
		if q.By == "severity" {
			return cmp.Compare(a.Group, b.Group)
		}
		return cmp.Or(cmp.Compare(b.Incidents, a.Incidents), cmp.Compare(a.Group, b.Group))
	})
	return out
}

// value is what a row has for a word to group by.
func (r Row) value(by string) string {
	switch by {
	case "service":
		return cmp.Or(r.Service, "no service")
	case "severity":
		return r.Severity.String()
	case "team":
		return cmp.Or(r.Team, "no team")
	default:
		return ""
	}
}

// keeps tells whether a row is asked for; capital letters make no difference.
func (q Query) keeps(r Row) bool {
	for by, value := range q.Only {
		if !strings.EqualFold(r.value(by), value) {
			return false
		}
	}
	return true
}

func figures(rows []Row, zone func(incident.Person) *time.Location) Figures {
	var f Figures
	var ack, update, mitigate, resolve, approve, steps []time.Duration
	people, alerts := loads{zone: zone, by: map[string]*Load{}, nights: map[string]map[string]bool{}}, map[string]int{}
	for _, r := range rows {
		f.Pages += len(r.Tally.Woken)
		people.add(r.Tally.Woken)
		if r.Merged {
			continue
		}
		since := func(list []time.Duration, at time.Time) []time.Duration {
			if at.IsZero() {
				return list
			}
			return append(list, at.Sub(r.DeclaredAt))
		}
		ack, update = since(ack, r.Tally.Acknowledged), since(update, r.Tally.Updated)
		mitigate, resolve = since(mitigate, r.Tally.Mitigated), since(resolve, r.ResolvedAt)
		approve, steps = append(approve, r.Tally.Approvals...), append(steps, r.Tally.Steps...)
		f.Incidents++
		if r.ResolvedAt.IsZero() {
			f.Open++
		}
		if r.Reopens > 0 {
			f.Reopened++
		}
		f.Kept, f.Missed = f.Kept+r.Tally.Kept, f.Missed+r.Tally.Missed
		for _, name := range r.Tally.Alerts {
			alerts[name]++
		}
	}
	f.Acknowledge, f.FirstUpdate, f.Mitigate, f.Resolve = times(ack), times(update), times(mitigate), times(resolve)
	f.Approve, f.Steps = times(approve), times(steps)
	f.People, f.Alerts = people.list(), repeated(alerts)
	return f
}

// repeated lists what came more than once.
func repeated(alerts map[string]int) []Repeat {
	var out []Repeat
	for name, n := range alerts {
		if n > 1 {
			out = append(out, Repeat{Alert: name, Incidents: n})
		}
	}
	slices.SortFunc(out, func(a, b Repeat) int {
		return cmp.Or(cmp.Compare(b.Incidents, a.Incidents), cmp.Compare(a.Alert, b.Alert))
	})
	return out
}

// loads gathers what paging asked of each person.
type loads struct {
	zone   func(incident.Person) *time.Location
	by     map[string]*Load
	nights map[string]map[string]bool
}

func (all loads) add(woken []incident.Woken) {
	for _, w := range woken {
		l := all.by[w.Person.Key]
		if l == nil {
			l = &Load{}
			all.by[w.Person.Key], all.nights[w.Person.Key] = l, map[string]bool{}
		}
		l.Person = w.Person
		l.Pages++
		if night := nightOf(w, all.zone); night != "" {
			l.AtNight++
			all.nights[w.Person.Key][night] = true
		}
	}
}

func (all loads) list() []Load {
	var out []Load
	for key, l := range all.by {
		l.Nights = len(all.nights[key])
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Load) int {
		return cmp.Or(cmp.Compare(b.Pages, a.Pages), cmp.Compare(a.Person.Key, b.Person.Key))
	})
	return out
}

// nightOf names the night of a page by the date of its evening; empty: by day.
func nightOf(w incident.Woken, zone func(incident.Person) *time.Location) string {
	in := time.UTC
	if zone != nil {
		if z := zone(w.Person); z != nil {
			in = z
		}
	}
	at := w.At.In(in)
	switch h := at.Hour(); {
	case h >= nightBegins:
		return at.Format(time.DateOnly)
	case h < nightEnds:
		return at.AddDate(0, 0, -1).Format(time.DateOnly)
	default:
		return ""
	}
}

func times(list []time.Duration) Times {
	if len(list) == 0 {
		return Times{}
	}
	slices.Sort(list)
	// The mean is taken of the remainders too, so that no sum overflows.
	n := time.Duration(len(list))
	var mean, rest time.Duration
	for _, d := range list {
		mean, rest = mean+d/n, rest+d%n
	}
	return Times{
		Count: len(list), Mean: mean + rest/n,
		Median: list[(len(list)-1)/2], P90: list[(len(list)*9+9)/10-1],
	}
}
