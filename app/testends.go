package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/notify/pagerduty"
	"muster/store"
)

const (
	// testsOpen is where the store keeps the test pages that PagerDuty shows.
	testsOpen = "tests open"
	// testEnds is how long an unanswered test page stays open in PagerDuty.
	testEnds = 10 * time.Minute
	// testLook is the time between two looks at the open ones.
	testLook = 5 * time.Second
)

// openTest is a test page that PagerDuty shows as an open incident.
type openTest struct {
	Ref    string          `json:"ref"`
	Person incident.Person `json:"person"`
	At     time.Time       `json:"at"`
	// Answered is set once the person has answered it in any way.
	Answered bool `json:"answered,omitempty"`
}

// openTests are the open ones, also after a restart.
type openTests struct {
	store *store.Store
	log   *slog.Logger
	soon  chan struct{} // an answer came

	mu   sync.Mutex
	list []openTest
}

func newOpenTests(s *store.Store, log *slog.Logger) *openTests {
	o := &openTests{store: s, log: log, soon: make(chan struct{}, 1)}
	value, found, err := s.Get(testsOpen)
	if err == nil && found {
		err = json.Unmarshal(value, &o.list)
	}
	if err != nil {
		log.Warn("which test pages are open is not known; resolve them in PagerDuty", "error", err)
	}
	return o
}

// change changes the list and keeps it.
func (o *openTests) change(ctx context.Context, how func([]openTest) []openTest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = how(o.list)
	value, err := json.Marshal(o.list)
	if err == nil {
		err = o.store.Put(ctx, testsOpen, value)
	}
	if err != nil {
		o.log.Warn("an open test page is forgotten if the program stops now", "error", err)
	}
}

func (o *openTests) add(ctx context.Context, t openTest) {
	o.change(ctx, func(list []openTest) []openTest { return append(list, t) })
}

// answered notes that a person has answered, in whatever way.
func (o *openTests) answered(by incident.Person) {
	o.mu.Lock()
	for i := range o.list {
		o.list[i].Answered = o.list[i].Answered || o.list[i].Person.Is(by)
	}
	o.mu.Unlock()
	select {
	case o.soon <- struct{}{}:
	default:
	}
}

// all gives the open ones.
func (o *openTests) all() []openTest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.list)
}

// open gives them as pages whose answers PagerDuty is asked for.
func (o *openTests) open() []pagerduty.Open {
	var out []pagerduty.Open
	for _, t := range o.all() {
		out = append(out, pagerduty.Open{Ref: t.Ref, Incident: testIncident, Person: t.Person, Attempt: 1, Since: t.At})
	}
	return out
}

// endTests resolves in PagerDuty the test pages that were answered, or that
// nobody has answered for a while.
func (p *Program) endTests(ctx context.Context) error {
	tick := time.NewTicker(testLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-p.tests.soon:
		}
		for _, t := range p.tests.all() {
			if t.Answered || p.now().Sub(t.At) >= testEnds {
				p.endTest(ctx, t)
			}
		}
	}
}

// endTest is tried again with the next look until PagerDuty takes it, or for an
// hour.
func (p *Program) endTest(ctx context.Context, t openTest) {
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	now := p.now()
	err := p.channels.pagerduty.Follow(ctx, notify.Follow{
		Delivery: "test end:" + t.Ref, Incident: incident.Incident{ID: testIncident, Title: testTitle}, Refs: []string{t.Ref},
		Record: incident.Record{Seq: 1, At: now, Event: incident.ResolvedEvent{By: incident.Self, Cause: "it was a test page"}}, Now: now,
	}, false)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return
	case err != nil && now.Sub(t.At) < time.Hour:
		p.log.Debug("a test page is not resolved in PagerDuty yet", "error", err)
		return
	case err != nil:
		p.log.Warn("a test page could not be resolved in PagerDuty; resolve it there", "error", err)
	}
	p.tests.change(ctx, func(list []openTest) []openTest {
		return slices.DeleteFunc(list, func(o openTest) bool { return o.Ref == t.Ref })
	})
}
