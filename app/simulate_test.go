package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/commands"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/store"
)

// simulations is how many random incidents are simulated and then happen.
const simulations = 1000

// TestSimulateAgrees: what simulate says is what then leaves for people's
// phones, over random rotas, zones, matrices, overrides, swaps, severities,
// times and acknowledgements. Engine, desk, outbox, rules, commands and the
// reading of the files are the program's own; only the providers are not there.
func TestSimulateAgrees(t *testing.T) {
	pages, acks, covers, passed, last := 0, 0, 0, 0, 0
	cases := simulations
	if underRace {
		cases = simulations / 8
	}
	for n := range cases {
		c := newTrial(uint64(n))
		synctest.Test(t, func(t *testing.T) { c.run(t) })
		if t.Failed() {
			t.Fatalf("case %d, %s:\n%s\n%s", n, c.question, c.files["oncall/rotation.yaml"], c.files["escalation.yaml"])
		}
		pages += c.pages
		passed += c.passed
		last += c.last
		acks += c.acked
		covers += c.covers
	}
	t.Logf("%d cases, %d pages, %d acknowledgements, %d overrides and swaps, %d levels passed, %d last resorts", cases, pages, acks, covers, passed, last)
	for what, n := range map[string]int{"pages": pages, "acknowledgements": acks, "overrides and swaps": covers, "levels passed": passed, "last resorts": last} {
		if n < cases/20 {
			t.Errorf("only %d %s: the cases are too tame", n, what)
		}
	}
}

// trial is one random installation and what happens in it.
type trial struct {
	r        *rand.Rand
	files    map[string]string
	roles    []string
	people   []string // in some rota
	broken   map[string]string
	question string

	pages, acked, covers, passed, last int
}

func newTrial(seed uint64) *trial {
	c := &trial{r: rand.New(rand.NewPCG(seed, 7)), files: map[string]string{}, broken: map[string]string{}}
	c.files["oncall/rotation.yaml"] = c.rotation()
	c.files["escalation.yaml"] = c.matrix()
	c.files["muster.yaml"] = fmt.Sprintf("cadence: {P0: '%s', P1: '%s', P2: '%s', P3: ''}\nhandover: {accept_within: 15m}\n",
		c.one("@every 10m", "@every 7m", ""), c.one("@every 10m", "*/15 * * * *", ""), c.one("@every 30m", ""))
	for _, m := range []string{"pagerduty", "phone", "email"} {
		if c.r.IntN(5) == 0 {
			c.broken[m] = "not configured"
		}
	}
	return c
}

func (c *trial) one(of ...string) string { return of[c.r.IntN(len(of))] }

func (c *trial) minutes(atMost int) string { return fmt.Sprintf("%dm", 1+c.r.IntN(atMost)) }

func (c *trial) rotation() string {
	var b strings.Builder
	b.WriteString("oncall_schedule:\n")
	everybody := []string{"ann", "ben", "cleo", "dan", "eve", "fay", "gus", "hal"}
	contacts := map[string]string{}
	for _, name := range everybody {
		contact := fmt.Sprintf("        email: %s@example.com\n", name)
		if c.r.IntN(3) > 0 {
			contact += fmt.Sprintf("        phone: '+120255501%02d'\n", slices.Index(everybody, name))
		}
		if c.r.IntN(3) > 0 {
			contact += fmt.Sprintf("        slack: '@%s'\n", name)
		}
		if c.r.IntN(3) == 0 {
			contact += fmt.Sprintf("        timezone: %s\n", c.one("America/New_York", "Asia/Tokyo"))
		}
		contacts[name] = contact
	}
	for _, role := range []string{"primary", "secondary", "manager", "director"} {
		c.roles = append(c.roles, role)
		fmt.Fprintf(&b, "  %s:\n", role)
		zone := c.one("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")
		at := fmt.Sprintf("%02d:%02d %s", c.r.IntN(24), 15*c.r.IntN(4), zone)
		kind := c.one("daily", "weekly", "custom", "none")
		switch kind {
		case "daily":
			fmt.Fprintf(&b, "    rotation_type: daily\n    rotation_start: '%s'\n", at)
		case "weekly":
			fmt.Fprintf(&b, "    rotation_type: weekly\n    rotation_start: %s %s\n", c.one("Monday", "Wednesday", "Sunday"), at)
		case "custom":
			fmt.Fprintf(&b, "    rotation_type: custom\n    every: %s\n    rotation_start: '%s'\n", c.one("1h", "5h", "12h", "3d"), at)
		}
		if kind != "none" && c.r.IntN(2) == 0 {
			fmt.Fprintf(&b, "    starts_on: 2026-01-%02d\n", 1+c.r.IntN(28))
		}
		c.r.Shuffle(len(everybody), func(i, j int) { everybody[i], everybody[j] = everybody[j], everybody[i] })
		b.WriteString("    members:\n")
		for _, name := range everybody[:1+c.r.IntN(4)] {
			fmt.Fprintf(&b, "      - name: %s\n%s", strings.ToUpper(name[:1])+name[1:], contacts[name])
			if !slices.Contains(c.people, name) {
				c.people = append(c.people, name)
			}
		}
	}
	return b.String()
}

func (c *trial) matrix() string {
	var b strings.Builder
	b.WriteString("levels:\n")
	due := 0
	for i := range 1 + c.r.IntN(5) {
		methods := []string{"pagerduty", "phone", "slack", "email"}
		c.r.Shuffle(len(methods), func(i, j int) { methods[i], methods[j] = methods[j], methods[i] })
		fmt.Fprintf(&b, "  - level: L%d\n    role: %s\n    methods: [%s]\n    due: %dm\n    until: %s\n", i+1, c.one(c.roles...),
			strings.Join(methods[:1+c.r.IntN(4)], ", "), due, c.one("acknowledged", "acknowledged", "resolved"))
		if c.r.IntN(5) > 0 {
			fmt.Fprintf(&b, "    respond_within: %s\n", c.minutes(40))
		}
		if c.r.IntN(5) == 0 {
			b.WriteString("    only: business_critical\n")
		}
		if c.r.IntN(4) == 0 {
			fmt.Fprintf(&b, "    severities: [%s]\n", c.one("P0", "P0, P1, P2", "P1", "P0, P1, P2, P3"))
		}
		due += c.r.IntN(60)
	}
	fmt.Fprintf(&b, "mode: %s\nstep: %s\nrepeat: %d\nrepeat_after: %s\nack_expires: %s\n", c.one("all", "sequence"), c.minutes(5), c.r.IntN(3), c.minutes(45),
		c.one("0s", "10m", "30m", "2h"))
	b.WriteString("last_resort: " + c.one("{slack: '#incidents', mention: '@channel'}", "{person: "+c.one(c.people...)+"@example.com}") + "\n")
	return b.String()
}

// leaving is one page on its way out of the program.
type leaving struct {
	At      time.Time
	Attempt int
	Level   string
	Who     string
	Method  string
}

// run asks for the simulation, lets the incident happen, and compares.
func (c *trial) run(t *testing.T) {
	dir := t.TempDir()
	for name, text := range c.files {
		writeFile(t, filepath.Join(dir, name), text)
	}
	live, err := config.NewLive(dir, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Error(err)
		return
	}
	time.Sleep(time.Duration(c.r.IntN(3*365*24*3600)) * time.Second) // any season, any time of day
	p := begin(t, live, c.broken)
	defer p.stop()

	for range c.r.IntN(4) {
		c.cover(t, p)
	}
	c.covers = len(p.roster.Overrides())
	wait := time.Duration(c.r.IntN(48*3600)) * time.Second
	at := p.clock.Now().Round(0).UTC().Add(wait).Truncate(time.Second)
	severity := c.one("P0", "P0", "P1", "P1", "P1", "P2", "P3")
	c.question = fmt.Sprintf("simulate %s %s", severity, at.Format(time.RFC3339))
	mark := c.r.IntN(4) == 0
	if mark {
		c.question += " critical"
	}
	var acked time.Duration
	by := c.one(c.people...) + "@example.com"
	if c.r.IntN(2) == 0 {
		acked = time.Duration(c.r.IntN(5000))*time.Second + 500*time.Millisecond // never together with a page
		c.question += fmt.Sprintf(" ack %.1fs %s", acked.Seconds(), by)
		c.acked = 1
	}
	said := p.say(t, "eve@example.com", c.question)
	foreseen, _ := said.Data.([]commands.Simulated)

	p.until(at)
	text := fmt.Sprintf("create %s It is really happening", severity)
	p.declare(t, severity, mark, text)
	declared := p.state(t).DeclaredAt
	if acked > 0 {
		p.until(declared.Add(acked))
		p.say(t, by, "ack INC-1")
	}
	// A simulation looks 24 hours ahead; the ladder's first round may end before.
	for end := declared.Add(24 * time.Hour); p.clock.Now().Before(end) && !startedAgain(p.history(t)); {
		p.until(p.clock.Now().Add(time.Hour))
	}
	c.compare(t, p, foreseen, declared)
}

// cover makes a random override, or a swap that is accepted or not.
func (c *trial) cover(t *testing.T, p *pretend) {
	role, who, with := c.one(c.roles...), c.one(c.people...), c.one(c.people...)
	from := p.clock.Now().Add(time.Duration(c.r.IntN(24*60)) * time.Minute).UTC()
	until := from.Add(time.Duration(1+c.r.IntN(48)) * time.Hour)
	span := fmt.Sprintf("%s from %s to %s", role, from.Format(time.RFC3339), until.Format(time.RFC3339))
	if c.r.IntN(2) == 0 || who == with {
		p.say(t, "eve@example.com", fmt.Sprintf("override %s@example.com %s", who, span))
		return
	}
	asked := p.commands.Run(t.Context(), commands.Call{Text: fmt.Sprintf("swap %s@example.com %s", with, span), By: p.person(who), Via: commands.ViaHTTP, Now: p.clock.Now()})
	if swap, ok := asked.Data.(commands.Swap); ok && c.r.IntN(4) > 0 { // else somebody else is on call then
		p.say(t, with+"@example.com", "swap accept "+swap.ID)
	}
}

// compare holds what was said beside what is recorded, and beside what left.
func (c *trial) compare(t *testing.T, p *pretend, foreseen []commands.Simulated, declared time.Time) {
	var said, done []string
	line := func(at time.Time, e incident.Event) string {
		e = scrub(e)
		body, _ := json.Marshal(e)
		return fmt.Sprintf("%10s %s %s", at.Sub(declared).Round(grain), incident.EventKind(e), body)
	}
	for _, f := range foreseen {
		said = append(said, line(f.At, f.Event))
	}
	var due []leaving
	for _, r := range p.history(t) {
		if r.At.After(declared.Add(24 * time.Hour)) {
			break
		}
		switch e := r.Event.(type) {
		case incident.Paged:
			for _, m := range e.Methods {
				due = append(due, leaving{r.At, e.Attempt, e.Level, e.Person.Key, m})
			}
		case incident.LevelPassed:
			c.passed++
		case incident.LastResortPaged:
			c.last++
		case incident.Acknowledged, incident.AckLapsed, incident.LadderStarted:
		default:
			continue
		}
		if e, ok := r.Event.(incident.LadderStarted); !ok || e.Round > 0 {
			done = append(done, line(r.At, r.Event))
		}
		if e, ok := r.Event.(incident.LadderStarted); ok && e.Round > 0 {
			break
		}
	}
	c.pages = len(due)
	slices.Sort(said) // two that are due at the same moment may change places
	slices.Sort(done)
	if !slices.Equal(said, done) {
		for i := range max(len(said), len(done)) {
			a, b := "nothing", "nothing"
			if i < len(said) {
				a = said[i]
			}
			if i < len(done) {
				b = done[i]
			}
			if a != b {
				t.Errorf("line %d:\nsimulated %s\nhappened  %s", i+1, a, b)
				return
			}
		}
	}
	left := p.left()
	for _, d := range due {
		if !slices.ContainsFunc(left, func(l leaving) bool {
			return l.Attempt == d.Attempt && l.Level == d.Level && l.Who == d.Who && l.Method == d.Method && l.At.Sub(d.At).Abs() < 10*time.Second
		}) {
			t.Errorf("recorded, and did not leave then: %+v", d)
		}
	}
	first, again := 0, false // what left before the next round's first page must have been foreseen
	for _, r := range p.history(t) {
		switch e := r.Event.(type) {
		case incident.LadderStarted:
			again = again || e.Round > 0
		case incident.Paged:
			if again && first == 0 {
				first = e.Attempt
			}
		}
	}
	for _, l := range left {
		known := slices.ContainsFunc(due, func(d leaving) bool { return d.Attempt == l.Attempt && d.Method == l.Method })
		if !known && (first == 0 || l.Attempt < first) && l.At.Before(declared.Add(24*time.Hour)) {
			t.Errorf("left, and nobody foresaw it: %+v", l)
		}
	}
}

// grain is coarser than what the fast clock is off by.
const grain = 100 * time.Millisecond

// scrub takes away what only a real incident has: moments that are off by a
// hair, the number of a page, and over what somebody acknowledged.
func scrub(e incident.Event) incident.Event {
	switch e := e.(type) {
	case incident.Paged:
		e.Late, e.Demand, e.Attempt, e.AnswerBy = 0, 0, 0, e.AnswerBy.Round(grain)
		return e
	case incident.LevelPassed:
		e.Demand = 0
		return e
	case incident.LastResortPaged:
		e.Demand = 0
		return e
	case incident.AckLapsed:
		e.Late, e.Since = 0, e.Since.Round(grain)
		return e
	case incident.LadderStarted:
		e.Late = 0
		return e
	case incident.Acknowledged:
		return incident.Acknowledged{By: e.By}
	}
	return e
}

func startedAgain(history []incident.Record) bool {
	return slices.ContainsFunc(history, func(r incident.Record) bool {
		e, ok := r.Event.(incident.LadderStarted)
		return ok && e.Round > 0
	})
}

// pretend is the program without its edges: what would leave is written down.
type pretend struct {
	clock     *clock
	roster    *roster
	incidents engine.Incidents
	desk      engine.Desk
	commands  *commands.Commands
	stop      func()

	mu   sync.Mutex
	sent []leaving
}

// begin starts it on a clock that runs fast, so that a day takes few looks at it.
func begin(t *testing.T, live *config.Live, broken map[string]string) *pretend {
	p := &pretend{clock: newClock(3600), roster: &roster{live: live, notifiers: broken}}
	kept := store.Memory()
	var out *outbox.Outbox
	cfg := engine.Config{
		Store: kept, Now: p.clock.Now, Until: p.clock.Until, Send: func(ds ...outbox.Delivery) { out.Add(ds...) },
	}
	p.incidents = engine.NewIncidents(cfg, p.roster.rules)
	p.desk = engine.NewDesk(cfg, p.roster.deskRules, p.roster.remember)
	out = outbox.New(outbox.Config{
		Queue:   engine.Queue{Store: kept, ByPrefix: map[string]engine.Streams{engine.IncidentPrefix: p.incidents, "DESK-": p.desk}},
		Handler: outbox.HandlerFunc(p.deliver), Route: func(outbox.Delivery) outbox.Route { return outbox.Route{Provider: "nobody"} },
		Now: p.clock.Now, Until: p.clock.Until,
	})
	p.commands = commands.New(commands.Config{
		Doer: doer{p.incidents}, Reader: reader{p.incidents}, Lister: reader{p.incidents}, People: &people{roster: p.roster},
		Rotas: p.roster, Desk: desk{p.desk, p.roster}, Rules: p.roster.rules(), Missing: p.roster.missing,
		Plan:        func(incident.Severity) incident.Plan { return plan(live.Get()) },
		Default:     func() incident.Severity { return live.Get().DefaultSeverity },
		Permissions: func() commands.Permissions { return permissions(live.Get()) },
	})
	if err := p.desk.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.incidents.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{out.Run, p.incidents.Run, p.desk.Run} {
		parts.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("a part ended badly: %v", err)
			}
		})
	}
	p.stop = func() {
		cancel()
		parts.Wait()
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	}
	return p
}

func (p *pretend) deliver(_ context.Context, d outbox.Delivery, _ bool) ([]byte, error) {
	effect, err := incident.DecodeEffect(d.Kind, d.Body)
	if err != nil {
		return nil, err
	}
	if e, ok := effect.(incident.Page); ok {
		p.mu.Lock()
		p.sent = append(p.sent, leaving{p.clock.Now(), e.Attempt, e.Level, e.Person.Key, e.Method})
		p.mu.Unlock()
	}
	return nil, nil
}

func (p *pretend) left() []leaving {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// until lets the program's time pass, fast.
func (p *pretend) until(at time.Time) {
	time.Sleep(p.clock.Until(at))
	synctest.Wait()
}

func (p *pretend) person(name string) incident.Person {
	who, _ := (&people{roster: p.roster}).Find(context.Background(), strings.TrimSuffix(name, "@example.com")+"@example.com", incident.Person{})
	return who
}

func (p *pretend) say(t *testing.T, by, text string) commands.Reply {
	t.Helper()
	reply := p.commands.Run(t.Context(), commands.Call{Text: text, By: p.person(by), Via: commands.ViaHTTP, Now: p.clock.Now()})
	if !reply.OK && !strings.HasPrefix(text, "ack ") {
		t.Errorf("%s: %s", text, reply.Text)
	}
	return reply
}

func (p *pretend) declare(t *testing.T, severity string, mark bool, text string) {
	t.Helper()
	if !mark {
		p.say(t, "eve@example.com", text)
		return
	}
	var s incident.Severity
	if err := s.UnmarshalText([]byte(severity)); err != nil {
		t.Fatal(err)
	}
	_, err := p.incidents.Do(t.Context(), engine.Request[incident.Incident]{New: true, Intent: incident.Declare{
		Title: "It is really happening", Severity: s, Critical: true, Plan: plan(p.roster.live.Get()), By: p.person("eve"),
	}})
	if err != nil {
		t.Error(err)
	}
}

func (p *pretend) state(t *testing.T) incident.Incident {
	t.Helper()
	s, err := p.incidents.State(t.Context(), "INC-1")
	if err != nil {
		t.Error(err)
	}
	return s
}

func (p *pretend) history(t *testing.T) []incident.Record {
	t.Helper()
	h, err := p.incidents.History(t.Context(), "INC-1")
	if err != nil {
		t.Error(err)
	}
	return h
}
