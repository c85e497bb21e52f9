package outbox_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"muster/outbox"
	"muster/outbox/outboxtest"
)

// slackRoute has the limits of Slack that matter here: about one message a
// second and channel, 50 updates a minute for the workspace.
func slackRoute(d outbox.Delivery) outbox.Route {
	r := outbox.Route{Provider: "slack"}
	switch d.Kind {
	case "update":
		r.Limits = []outbox.Limit{{Name: "chat.update", Every: time.Minute / 50, Burst: 5}}
	case "dm":
		r.Limits = []outbox.Limit{{Name: "chat.postMessage in D" + string(d.Body), Every: time.Second, Burst: 1}}
	default:
		r.Limits = []outbox.Limit{{Name: "chat.postMessage in C" + d.Stream, Every: time.Second, Burst: 1}}
	}
	return r
}

func TestAPageDoesNotWaitBehindTwoThousandCardUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := pageBehind(t, 2000, 8000)
		if late > time.Second {
			t.Errorf("the page left %v late", late)
		}
	})
}

// pageBehind gives how late a new page leaves when updates of cards and other
// messages wait already.
func pageBehind(tb testing.TB, cards, messages int) time.Duration {
	q, p := &outboxtest.Queue{}, &outboxtest.Provider{}
	p.Answer = func(context.Context, outbox.Delivery, int) error { time.Sleep(150 * time.Millisecond); return nil }
	box := outbox.New(outbox.Config{Queue: q, Handler: p, Route: slackRoute})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	synctest.Wait()
	var ds []outbox.Delivery
	for i := range cards {
		s := fmt.Sprint("card", i)
		ds = append(ds, outbox.Delivery{ID: s + "/1/0", Stream: s, Lane: outbox.Chat, Priority: outbox.Card,
			Kind: "update", Replaces: "card", At: time.Now()})
	}
	for i := range messages {
		s := fmt.Sprint("stream", i%100)
		ds = append(ds, outbox.Delivery{ID: fmt.Sprintf("%s/%d/0", s, i), Stream: s, Lane: outbox.Chat,
			Priority: outbox.Update, Kind: "post", At: time.Now()})
	}
	q.Store(ds...)
	box.Add(ds...)
	time.Sleep(5 * time.Second)
	page := outbox.Delivery{ID: "p/1/0", Stream: "p", Lane: outbox.Page, Priority: outbox.Paging,
		Kind: "dm", Body: []byte("ann"), At: time.Now()}
	q.Store(page)
	box.Add(page)
	time.Sleep(5 * time.Second)
	cancel()
	if err := <-done; err != nil {
		tb.Error(err)
	}
	for _, c := range p.Calls() {
		if c.ID == page.ID {
			return c.Begin.Sub(page.At)
		}
	}
	tb.Error("the page did not leave")
	return 0
}

// sixty incidents declared in one second: two pages each, a card and a note.
func TestSixtyIncidentsInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, p := &outboxtest.Queue{}, &outboxtest.Provider{}
		p.Answer = func(context.Context, outbox.Delivery, int) error { time.Sleep(200 * time.Millisecond); return nil }
		box := outbox.New(outbox.Config{Queue: q, Handler: p, Route: slackRoute})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- box.Run(ctx) }()
		synctest.Wait()
		began := time.Now()
		for i := range 60 {
			s := fmt.Sprint("inc", i)
			ds := []outbox.Delivery{
				{ID: s + "/1/0", Stream: s, Lane: outbox.Chat, Priority: outbox.Card, Kind: "post", Replaces: "card"},
				{ID: s + "/1/1", Stream: s, Lane: outbox.Decor, Priority: outbox.Decoration, Kind: "update"},
				{ID: s + "/1/2", Stream: s, Lane: outbox.Page, Kind: "dm", Body: fmt.Append(nil, i%10)},
			}
			q.Store(ds...)
			box.Add(ds...)
			time.Sleep(time.Second / 60)
		}
		time.Sleep(time.Hour)
		cancel()
		<-done
		last := time.Duration(0)
		for _, c := range p.Calls() {
			if c.Lane == outbox.Page {
				last = max(last, c.End.Sub(began))
			}
		}
		if last > 7*time.Second { // six to each of ten people, one a second
			t.Errorf("the last page was out after %v", last)
		}
		if q.Stored() > 0 {
			t.Errorf("%d left", q.Stored())
		}
	})
}

// BenchmarkPageBehind10000 measures, in simulated time, how late a page leaves
// behind 10,000 waiting deliveries, 2,000 of them card updates.
func BenchmarkPageBehind10000(b *testing.B) {
	var worst time.Duration
	for b.Loop() {
		// A bubble needs a test of its own.
		testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
			Name: "bubble", F: func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { worst = max(worst, pageBehind(t, 2000, 8000)) })
			}}})
	}
	b.ReportMetric(float64(worst.Milliseconds()), "simulated-ms-late")
}

// BenchmarkDrain measures the whole cost of a delivery with that many waiting:
// it must not grow with their number.
func BenchmarkDrain(b *testing.B) {
	for _, waiting := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			for b.Loop() {
				drain(b, waiting)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*waiting), "ns/delivery")
		})
	}
}

func drain(tb testing.TB, n int) {
	q, done := &outboxtest.Queue{}, make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	left := n
	box := outbox.New(outbox.Config{
		Queue:   q,
		Handler: outbox.HandlerFunc(func(context.Context, outbox.Delivery, bool) ([]byte, error) { return nil, nil }),
		Route: func(d outbox.Delivery) outbox.Route {
			return outbox.Route{Provider: "slack", Limits: []outbox.Limit{{Name: d.Stream}, {Name: "all", Every: time.Nanosecond}}}
		},
		Slots: outbox.Slots{All: 1, PerProvider: 1},
		Hooks: outbox.Hooks{Settled: func(outbox.Delivery, outbox.Outcome, time.Duration) {
			if left--; left == 0 {
				cancel()
			}
		}},
	})
	ds := make([]outbox.Delivery, n)
	for i := range ds {
		s := fmt.Sprint("s", i%(n/4))
		ds[i] = outbox.Delivery{ID: fmt.Sprintf("%s/%d/0", s, i), Stream: s, Lane: outbox.Chat, Priority: outbox.Priority(i % 5)}
	}
	q.Store(ds...)
	box.Add(ds...)
	go func() { done <- box.Run(ctx) }()
	if err := <-done; err != nil {
		tb.Error(err)
	}
	if q.Stored() != 0 {
		tb.Errorf("%d left", q.Stored())
	}
}

func TestMemoryOfWhatWaits(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	synctest.Test(t, func(t *testing.T) {
		const n = 10_000
		q := &outboxtest.Queue{}
		box := outbox.New(outbox.Config{Queue: q, Route: slackRoute, Handler: outbox.HandlerFunc(
			func(ctx context.Context, _ outbox.Delivery, _ bool) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- box.Run(ctx) }()
		var ds []outbox.Delivery
		for i := range n {
			s := fmt.Sprint("s", i%1000)
			ds = append(ds, outbox.Delivery{ID: fmt.Sprintf("%s/%d/0", s, i), Stream: s, Lane: outbox.Chat, Kind: "post", At: time.Now()})
		}
		q.Store(ds...)
		before, goroutines := heap(), runtime.NumGoroutine()
		box.Add(ds...)
		synctest.Wait()
		if grown := int64(heap()) - int64(before); grown > 1024*n {
			t.Errorf("%d bytes for each waiting delivery", grown/n)
		} else {
			t.Logf("%d bytes for each waiting delivery", grown/n)
		}
		if more := runtime.NumGoroutine() - goroutines; more > 64 {
			t.Errorf("%d goroutines for %d waiting deliveries", more, n)
		}
		cancel()
		<-done
	})
}
