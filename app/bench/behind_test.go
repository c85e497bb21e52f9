package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkBehindCards has the cards of 2,000 incidents wait for Slack, which
// takes one announcement a second, and then declares 30 more, one after
// another. It tells the longest time from the request to the page being at
// PagerDuty, Twilio or the mail server.
//
//	go test ./app/bench -run '^$' -bench BehindCards -benchtime 1x
func BenchmarkBehindCards(b *testing.B) {
	const cards, more = 2000, 30
	w := newWire(b)
	for b.Loop() {
		w.many(cards, func(n int) string { return fmt.Sprintf("create P3 Noise %d", n) })
		w.many(cards, func(n int) string { return fmt.Sprintf("critical INC-%d", n+1) })
		rest()
		waiting := w.figure(`muster_outbox_waiting{lane="chat"}`)
		if waiting < cards {
			b.Fatalf("only %v deliveries wait for Slack", waiting)
		}
		var all []time.Duration
		for n := range more {
			said := time.Now()
			w.say(fmt.Sprintf("create P%d %s is down", n%len(ways), aCase(n)))
			until(b, 20*time.Second, "page", func() bool { return w.there(n, n+1) })
			all = append(all, w.at(n, ways[n%len(ways)]).Sub(said))
		}
		b.ReportMetric(waiting, "waiting")
		b.ReportMetric(millis(quantile(all, 0.5)), "ms-p50")
		longest := quantile(all, 1)
		b.ReportMetric(millis(longest), "ms-max")
		if longest > lenient*time.Second {
			b.Errorf("a page took %v, want less than 1 s", longest)
		}
	}
	beside(b, w.dir)
}

// many gives as many commands, sixteen at a time.
func (w *wire) many(n int, text func(int) string) {
	next := make(chan int)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for i := range next {
				w.say(text(i))
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

// figure reads one of the program's metrics.
func (w *wire) figure(name string) float64 {
	w.Helper()
	resp, err := w.http.Get(w.url + "/metrics")
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, _ := strconv.ParseFloat(value, 64)
			return f
		}
	}
	return 0
}
