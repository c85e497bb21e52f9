package rota

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/incident"
)

var (
	zones      = strings.Fields(zoneNames)
	firstYear  = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	afterYears = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

func drawZone(t *rapid.T) *time.Location {
	zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// drawMoment gives a moment of three centuries; half of them lie within hours
// of a clock change of the zone.
func drawMoment(t *rapid.T, zone *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(firstYear, afterYears).Draw(t, "at"), 0).UTC()
	if _, change := at.In(zone).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
		return change.UTC().Add(time.Duration(rapid.IntRange(-4*60, 4*60).Draw(t, "minutes")) * time.Minute)
	}
	return at
}

// drawNear gives a moment close to another one, often at a round time.
func drawNear(t *rapid.T, at time.Time, name string) time.Time {
	d := time.Duration(rapid.IntRange(-10*48, 10*48).Draw(t, name)) * 30 * time.Minute
	if rapid.Bool().Draw(t, name+" odd") {
		d += time.Duration(rapid.IntRange(0, 3600).Draw(t, name+" seconds")) * time.Second
	}
	return at.Truncate(time.Hour).Add(d)
}

func drawRota(t *rapid.T, name string, at time.Time, zone *time.Location) Rota {
	start := drawNear(t, at, name+" starts")
	return Rota{
		Name:     name,
		Type:     rapid.SampledFrom([]Rotation{None, Daily, Weekly, Custom}).Draw(t, name+" type"),
		Weekday:  time.Weekday(rapid.IntRange(0, 6).Draw(t, name+" weekday")),
		At:       Clock{rapid.IntRange(0, 23).Draw(t, name+" hour"), rapid.IntRange(0, 59).Draw(t, name+" minute")},
		Zone:     zone,
		Every:    time.Duration(rapid.SampledFrom([]int{1, 5, 6, 12, 24, 36, 72, 14 * 24}).Draw(t, name+" every")) * time.Hour,
		StartsOn: Date{start.Year(), start.Month(), start.Day()},
		Members:  people(rapid.IntRange(0, 4).Draw(t, name+" members")),
	}
}

func drawOverrides(t *rapid.T, at time.Time) []Override {
	who := append(people(5), Member{})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Override {
		o := Override{
			ID: "o", Role: rapid.SampledFrom([]string{"r", "r", "r", "r", "s"}).Draw(t, "role"),
			From: drawNear(t, at, "from"), Who: rapid.SampledFrom(who).Draw(t, "who").Person(),
			At: drawNear(t, at, "at"),
		}
		o.Until = o.From.Add(time.Duration(rapid.IntRange(-1, 400).Draw(t, "hours")) * time.Hour)
		if rapid.IntRange(0, 2).Draw(t, "instead?") == 0 {
			o.Instead = rapid.SampledFrom(who).Draw(t, "instead").Person()
		}
		return o
	}), 0, 6).Draw(t, "overrides")
}

// TestReached: the wall has reached the time, and had not a moment before.
func TestReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := drawZone(t)
		w := wall(rapid.Int64Range(firstYear, afterYears).Draw(t, "wall"))
		at := reached(w, zone)
		if got := wallAt(at, zone); got < w {
			t.Fatalf("the wall shows %d, which is before %d", got, w)
		}
		for _, back := range []int{1, 60, 600, 1800, 3599, 3600, 7200, 10800, 43200, 86400} {
			if got := wallAt(at.Add(-time.Duration(back)*time.Second), zone); got >= w {
				t.Fatalf("%d seconds before %s the wall shows %d already", back, at, got)
			}
		}
	})
}

// TestShiftHolds: a moment lies in its shift, and neighbours fit together.
func TestShiftHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := drawZone(t)
		at := drawMoment(t, zone)
		r := drawRota(t, "r", at, zone)
		n, from, until := r.Shift(at)
		if !r.Rotates() {
			if !from.IsZero() || !until.IsZero() {
				t.Fatal("a rota that does not rotate has boundaries")
			}
			return
		}
		if from.After(at) || !until.After(at) {
			t.Fatalf("%s is not in %s to %s", at, from, until)
		}
		if !from.Equal(r.Boundary(n)) || !until.Equal(r.Boundary(n+1)) {
			t.Fatalf("shift %d is not between its boundaries", n)
		}
		next, begin, _ := r.Shift(until)
		if next <= n || !begin.Equal(until) {
			t.Fatalf("shift %d follows %d", next, n)
		}
		before, _, end := r.Shift(from.Add(-1))
		if before >= n || !end.Equal(from) {
			t.Fatalf("shift %d comes before %d", before, n)
		}
	})
}

// TestOrderRotates: each boundary brings the next member, in both directions,
// and the first begins on or after the day the rota starts on.
func TestOrderRotates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := drawZone(t)
		at := drawMoment(t, zone)
		r := drawRota(t, "r", at, zone)
		if !r.Rotates() {
			return
		}
		n, _, _ := r.Shift(at)
		size := int64(len(r.Members))
		if got, want := r.order(n)[0], r.Members[((n%size)+size)%size]; !got.Is(want) {
			t.Fatalf("shift %d has %s, want %s", n, got, want)
		}
		start := reached(r.StartsOn.wall(Clock{}), r.Zone)
		if r.Boundary(0).Before(start) {
			t.Fatalf("the first shift begins %s, before %s", r.Boundary(0), start)
		}
		if r.Type != Custom && wall(start.Unix())+wall(r.step())+2*daySeconds < wall(r.Boundary(0).Unix()) {
			t.Fatalf("the first shift begins %s, long after %s", r.Boundary(0), start)
		}
	})
}

// oracle says who is on call by reading the rules word by word.
func oracle(s Schedule, role string, at time.Time, overrides []Override) []Member {
	r := s.Rotas[role]
	members := r.Members
	if r.Rotates() {
		n := int64(0)
		for r.Boundary(n+1).Before(at) || r.Boundary(n+1).Equal(at) {
			n++
		}
		for r.Boundary(n).After(at) {
			n--
		}
		members = []Member{r.Members[floorMod(n, int64(len(r.Members)))]}
	}
	sorted := slices.Clone(overrides)
	slices.SortStableFunc(sorted, func(a, b Override) int { return a.At.Compare(b.At) })
	for _, o := range sorted {
		if o.Role != role || at.Before(o.From) || !at.Before(o.Until) || o.Who.Nobody() {
			continue
		}
		who, _ := s.Member(o.Who)
		var replaced []Member
		hit := false
		for i, m := range members {
			if !hit && (o.Instead.Nobody() && i == 0 || m.Person().Is(o.Instead)) {
				replaced, hit = append(replaced, who), true
			} else if !m.Is(who) {
				replaced = append(replaced, m)
			}
		}
		if len(members) == 0 && o.Instead.Nobody() {
			replaced, hit = []Member{who}, true
		}
		if hit {
			members = replaced
		}
	}
	return members
}

// TestShiftsTile: shifts cover a span without gaps and overlaps, each moment
// has the answer of its shift, and the answer is the one of the rules.
func TestShiftsTile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := drawZone(t)
		at := drawMoment(t, zone)
		s := Schedule{Rotas: map[string]Rota{"r": drawRota(t, "r", at, zone)}}
		overrides := drawOverrides(t, at)
		from, to := at, at.Add(time.Duration(rapid.IntRange(1, 20*24).Draw(t, "hours"))*time.Hour)
		shifts := s.Shifts("r", from, to, overrides)
		if len(shifts) == 0 {
			t.Fatal("no shifts")
		}
		if first := shifts[0]; first.From.After(from) {
			t.Fatalf("the first shift begins %s, after %s", first.From, from)
		}
		if last := shifts[len(shifts)-1]; !last.Until.IsZero() && last.Until.Before(to) {
			t.Fatalf("the last shift ends %s, before %s", last.Until, to)
		}
		for i, shift := range shifts {
			if !shift.Until.IsZero() && !shift.Until.After(shift.From) {
				t.Fatalf("shift %d from %s to %s is empty", i, shift.From, shift.Until)
			}
			if i > 0 && !shift.From.Equal(shifts[i-1].Until) {
				t.Fatalf("shift %d begins %s, the one before ends %s", i, shift.From, shifts[i-1].Until)
			}
			if i > 0 && !shift.OnCall().Is(shifts[i-1].Next) {
				t.Fatalf("%s was to be next, and %s is", shifts[i-1].Next, shift.OnCall())
			}
		}
		moment := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))-1).Draw(t, "moment")))
		in := slices.IndexFunc(shifts, func(s Shift) bool { return s.Until.IsZero() || moment.Before(s.Until) })
		got := s.OnCall("r", moment, overrides)
		if !got.From.Equal(shifts[in].From) || !got.Until.Equal(shifts[in].Until) {
			t.Fatalf("at %s the shift is %s to %s, in the list %s to %s", moment, got.From, got.Until, shifts[in].From, shifts[in].Until)
		}
		if want := oracle(s, "r", moment, overrides); !slices.EqualFunc(got.Members, want, Member.Is) {
			t.Fatalf("at %s %v, want %v", moment, got.Members, want)
		}
		if n := s.NextBoundary(moment, overrides); !n.Equal(got.Until) {
			t.Fatalf("the next boundary is %s, the shift ends %s", n, got.Until)
		}
		last := incident.Person{}
		for _, step := range got.Why {
			if step.Kind != Unused && step.Kind != Boundary {
				last = step.Person
			}
		}
		if len(got.Members) == 1 && got.OnCall().Person().Key != last.Key {
			t.Fatalf("%s is on call, the chain ends with %s", got.OnCall(), last)
		}
	})
}

// TestHandoversAreChanges: each one is a moment at which the answer changes,
// and none is left out.
func TestHandoversAreChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := drawZone(t)
		at := drawMoment(t, zone)
		s := Schedule{Rotas: map[string]Rota{"r": drawRota(t, "r", at, zone), "s": drawRota(t, "s", at, time.UTC)}}
		overrides := drawOverrides(t, at)
		to := at.Add(20 * 24 * time.Hour)
		got := map[string][]Handover{}
		var last time.Time
		for _, h := range s.Handovers(at, to, overrides) {
			got[h.Role] = append(got[h.Role], h)
			if h.At.Before(last) || !h.At.After(at) || h.At.After(to) {
				t.Fatalf("a hand-over at %s", h.At)
			}
			last = h.At
		}
		for _, role := range s.Roles() {
			out := s.OnCall(role, at, overrides).OnCall()
			for _, h := range got[role] {
				if !h.Out.Is(out) || h.In.Is(out) {
					t.Fatalf("%s hands %s over to %s, and %s was on call", h.Out, role, h.In, out)
				}
				if before := s.OnCall(role, h.At.Add(-1), overrides).OnCall(); !before.Is(out) {
					t.Fatalf("%s went off call before %s", out, h.At)
				}
				if in := s.OnCall(role, h.At, overrides).OnCall(); !in.Is(h.In) {
					t.Fatalf("at %s %s is on call, not %s", h.At, in, h.In)
				}
				out = h.In
			}
			if in := s.OnCall(role, to, overrides).OnCall(); !in.Is(out) {
				t.Fatalf("%s is on call at the end, after hand-overs %s", in, out)
			}
		}
	})
}
