package bench

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"muster/workspace"
)

// BenchmarkAnswer is the time from an envelope leaving the workspace to its
// acknowledgement, through the whole program over TCP to a real file: 100 open
// incidents, 50 commands a second for 20 seconds, whether or not the one
// before was answered.
//
//	go test ./app/bench -run '^$' -bench Answer -benchtime 1x
func BenchmarkAnswer(b *testing.B) {
	const (
		open      = 100
		perSecond = 50
		seconds   = 20
	)
	dir := b.TempDir()
	live := configured(b, dir)
	prepared(b, dataIn(dir), live, open, 50)
	setup := people(live.Get(), 0)
	for i := range open {
		id := fmt.Sprint("INC-", i+1)
		setup.Channels = append(setup.Channels, workspace.Channel{ID: roomOf(id), Name: "inc-" + fmt.Sprint(i+1)})
	}
	ws, url := slack(b, setup)
	program(b, dataIn(dir), live, ws, url)
	until(b, 20*time.Second, "answer", func() bool { // everybody is known by now
		ack, err := ws.Person("alice").Command("#general", "/incident list")
		return err == nil && ack.Took < time.Second
	})
	rest()
	names := []string{"alice", "bob", "carol", "dan", "erin", "frank"}
	var took []time.Duration
	paced := pace(b, dir)
	for b.Loop() {
		var mu sync.Mutex
		var group sync.WaitGroup
		tick := time.NewTicker(time.Second / perSecond)
		for n := range perSecond * seconds {
			<-tick.C
			group.Go(func() {
				channel, text := command(n, n%open+1)
				ack, err := ws.Person(names[n%len(names)]).Command(channel, text)
				if err != nil {
					b.Errorf("%s: %v", text, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, ack.Took)
			})
		}
		tick.Stop()
		group.Wait()
	}
	asleep := paced()
	f := beside(b, dir)
	p50 := quantile(took, 0.5)
	b.ReportMetric(millis(p50), "ms-p50")
	b.ReportMetric(float64(p50)/float64(f), "F-p50")
	b.ReportMetric(float64(asleep.Microseconds()), "paced-F-µs")
	b.ReportMetric(float64(p50)/float64(asleep), "paced-F-p50")
	b.ReportMetric(millis(quantile(took, 0.99)), "ms-p99")
	b.ReportMetric(millis(quantile(took, 1)), "ms-max")
}

// command is one of what people write: most in the incident's own channel,
// some by its number, a few that ask.
func command(n, number int) (channel, text string) {
	room := fmt.Sprint("#inc-", number)
	switch n % 10 {
	case 0, 1, 2:
		return room, fmt.Sprintf("/incident update identified the pool is used up on replica %d, rolling back next=watch the error rate eta=30m", n)
	case 3, 4:
		return "#incidents", fmt.Sprintf("/incident note INC-%d replica %d is out of rotation, connections fall", number, n)
	case 5:
		return room, fmt.Sprintf("/incident action alert on the size of the pool %d @bob", n)
	case 6:
		return room, "/incident ack"
	case 7:
		return "#incidents", fmt.Sprintf("/incident severity INC-%d P%d it is not what it was", number, 1+n/10%2)
	case 8:
		return room, "/incident status"
	default:
		return "#general", "/incident update what is this about"
	}
}
