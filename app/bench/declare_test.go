package bench

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/workspace"
)

// BenchmarkDeclare declares 60 incidents within one second, each of which gets
// a channel of its own and pages somebody else by direct message, under the
// workspace's rate limits. It tells when the last of those messages was there,
// the longest wait for one, and how many channels stood by then: pages that
// waited behind channels would need three minutes, at 20 a minute.
//
//	go test ./app/bench -run '^$' -bench Declare -benchtime 1x
func BenchmarkDeclare(b *testing.B) {
	const incidents = 60
	for b.Loop() {
		dir := b.TempDir()
		live := configured(b, dir)
		setup := people(live.Get(), incidents)
		calls := &calls{}
		setup.OnCall = calls.note
		ws, url := slack(b, setup)
		program(b, dataIn(dir), live, ws, url)
		until(b, 20*time.Second, "answer", func() bool { // everybody is known by now
			ack, err := ws.Person("alice").Command("#general", "/incident list")
			return err == nil && ack.Took < time.Second
		})
		rest()
		began := time.Now()
		said := make([]time.Time, incidents)
		var group sync.WaitGroup
		for i := range incidents {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / incidents)
				said[i] = time.Now()
				who := ws.Person(fmt.Sprintf("person%02d", i))
				for _, text := range []string{
					fmt.Sprintf(`/incident create P1 "Service %02d is down"`, i),
					fmt.Sprintf("/incident page @person%02d INC-%d you know it best, case %02d.", i, i+1, i),
				} {
					if _, err := who.Command("#incidents", text); err != nil {
						b.Errorf("%s: %v", text, err)
					}
				}
			})
		}
		group.Wait()
		declared := time.Since(began)
		until(b, 3*time.Minute, "page to each", func() bool { return len(calls.pages()) == incidents })
		var all []time.Duration
		last := began
		for i, at := range calls.pages() {
			all = append(all, at.Sub(said[i]))
			if at.After(last) {
				last = at
			}
		}
		beside(b, dir)
		b.ReportMetric(declared.Seconds(), "s-declared")
		b.ReportMetric(last.Sub(began).Seconds(), "s-all-out")
		b.ReportMetric(quantile(all, 0.5).Seconds(), "s-p50")
		b.ReportMetric(quantile(all, 1).Seconds(), "s-max")
		b.ReportMetric(float64(calls.count("conversations.create", last)), "channels-by-then")
		b.ReportMetric(float64(calls.refused()), "refused-429")
	}
}

// calls is what the program asked of the workspace.
type calls struct {
	mu  sync.Mutex
	all []workspace.Call
}

func (c *calls) note(one workspace.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, one)
}

// pages gives when each case's direct message was there.
func (c *calls) pages() map[int]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[int]time.Time{}
	for _, one := range c.all {
		_, rest, found := strings.Cut(one.Args["blocks"]+one.Args["text"], "you know it best, case ")
		if one.Method != "chat.postMessage" || !one.OK || !found || one.Args["channel"][0] == 'C' {
			continue
		}
		var i int
		if _, err := fmt.Sscanf(rest, "%02d.", &i); err == nil {
			out[i] = one.At
		}
	}
	return out
}

func (c *calls) count(method string, before time.Time) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		if one.Method == method && one.OK && one.At.Before(before) {
			n++
		}
	}
	return n
}

func (c *calls) refused() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		if one.Status == 429 {
			n++
		}
	}
	return n
}
