package bench

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// ways are the methods that are measured: those that need no Slack.
var ways = []string{"pagerduty", "phone", "email"}

// The bounds at which these benchmarks fail are four times the goals, since
// other work on the machine costs that much; the figures themselves say whether
// a goal is met.
const lenient = 4

// BenchmarkPage declares 20 incidents a second over HTTP for 20 seconds, each of
// which pages by PagerDuty, phone or mail in turn, and tells the time from the
// request to the page being at the provider.
//
//	go test ./app/bench -run '^$' -bench 'Page$' -benchtime 1x
func BenchmarkPage(b *testing.B) {
	const perSecond, seconds, warm = 20, 20, 6
	w := newWire(b)
	for n := range warm {
		w.say(fmt.Sprintf("create P%d %s is down", n%len(ways), aCase(n)))
	}
	until(b, 20*time.Second, "page over each", func() bool { return w.there(0, warm) })
	rest()
	all := map[string][]time.Duration{}
	paced := pace(b, w.dir)
	next := warm
	for b.Loop() {
		first, last := next, next+perSecond*seconds
		next = last
		said := make([]time.Time, last)
		var group sync.WaitGroup
		tick := time.NewTicker(time.Second / perSecond)
		for n := first; n < last; n++ {
			<-tick.C
			group.Go(func() {
				said[n] = time.Now()
				w.say(fmt.Sprintf("create P%d %s is down", n%len(ways), aCase(n)))
			})
		}
		tick.Stop()
		group.Wait()
		until(b, time.Minute, "page of each", func() bool { return w.there(first, last) })
		for n := first; n < last; n++ {
			way := ways[n%len(ways)]
			took := w.at(n, way).Sub(said[n])
			all[way], all[""] = append(all[way], took), append(all[""], took)
		}
	}
	asleep := paced()
	f := beside(b, w.dir)
	p50, p99 := quantile(all[""], 0.5), quantile(all[""], 0.99)
	b.ReportMetric(millis(p50), "ms-p50")
	b.ReportMetric(millis(p99), "ms-p99")
	b.ReportMetric(millis(quantile(all[""], 1)), "ms-max")
	for _, way := range ways {
		b.ReportMetric(millis(quantile(all[way], 0.5)), "ms-p50-"+way)
	}
	b.ReportMetric(float64(asleep.Microseconds()), "paced-F-µs")
	goal := 10*f + 5*time.Millisecond
	b.ReportMetric(millis(goal), "ms-goal-p50")
	if p50 > lenient*goal || p99 > lenient*100*time.Millisecond {
		b.Errorf("p50 %v and p99 %v, want at most %v and 100 ms", p50, p99, goal)
	}
}

// there tells whether the pages of some cases were all there.
func (w *wire) there(first, last int) bool {
	for n := first; n < last; n++ {
		if w.at(n, ways[n%len(ways)]).IsZero() {
			return false
		}
	}
	return true
}

// BenchmarkBurst declares 60 incidents at one moment, each of which pages
// another person by PagerDuty, phone and mail, 20 times one after another, and
// in an order of its own each time. It tells when the last page of a burst was
// there, by method, of the worst burst. A person's wait is the time from the
// burst's beginning to the last of that person's three pages. In each burst
// somebody is first and somebody last; whether anybody is always last is the
// fairness: the longest mean wait of a person over all bursts, as a multiple of
// the shortest.
//
//	go test ./app/bench -run '^$' -bench Burst -benchtime 1x
func BenchmarkBurst(b *testing.B) {
	const bursts = 20
	w := newWire(b)
	w.burst(0)
	rest()
	last := map[string]time.Duration{}
	waits := make([]time.Duration, crowd)
	rounds := 0
	for b.Loop() {
		for range bursts {
			rounds++
			began, order := w.burst(rounds)
			for n, person := range order {
				longest := time.Duration(0)
				for _, way := range ways {
					took := w.at(rounds*crowd+n, way).Sub(began)
					last[way], longest = max(last[way], took), max(longest, took)
				}
				waits[person] += longest
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	beside(b, w.dir)
	for _, way := range ways {
		b.ReportMetric(last[way].Seconds(), "s-last-"+way)
		if last[way] > lenient*2*time.Second {
			b.Errorf("the last page over %s was there after %v, want 2 s", way, last[way])
		}
	}
	mean := func(share float64) time.Duration { return quantile(waits, share) / time.Duration(rounds) }
	b.ReportMetric(millis(mean(0)), "ms-mean-wait-least")
	b.ReportMetric(millis(mean(1)), "ms-mean-wait-most")
	fairness := float64(mean(1)) / float64(mean(0))
	b.ReportMetric(fairness, "times-most/least")
	if fairness > 2 {
		b.Errorf("somebody waits %.1f times as long as somebody else", fairness)
	}
}

// burst pages everybody of the crowd at once and waits until all pages are
// there. order gives the person of each case.
func (w *wire) burst(round int) (began time.Time, order []int) {
	order = rand.Perm(crowd)
	start := make(chan struct{})
	var group sync.WaitGroup
	for n, person := range order {
		group.Go(func() {
			<-start
			id := w.say(fmt.Sprintf("create P3 %s is down", aCase(round*crowd+n)))
			w.say(fmt.Sprintf("page person%02d@example.com %s you know it best", person, id))
		})
	}
	began = time.Now()
	close(start)
	group.Wait()
	until(w.B, time.Minute, "page to everybody by every method", func() bool {
		for n := range crowd {
			for _, way := range ways {
				if w.at(round*crowd+n, way).IsZero() {
					return false
				}
			}
		}
		return true
	})
	return began, order
}
