package bench

import (
	"fmt"
	"testing"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/store"
	"muster/store/storetest"
)

// BenchmarkDisk plays 600 incidents from their declaration to the post-mortem,
// with every page, reminder, message and request, and holds the file against
// what people and clocks had to record: the bodies of the records.
//
//	go test ./app/bench -run '^$' -bench Disk -benchtime 1x
func BenchmarkDisk(b *testing.B) {
	const incidents = 600
	dir := b.TempDir()
	live := configured(b, dir)
	var payload, records, disk int64
	for b.Loop() {
		s, err := store.Open(dataIn(dir), store.Options{SnapshotVersion: engine.SnapshotVersion, NoSync: true})
		if err != nil {
			b.Fatal(err)
		}
		t := newTeller(b, s, live, time.Now().Add(-30*24*time.Hour))
		for i := range incidents {
			t.life(i)
			if i%20 == 0 { // as the program does every hour
				if _, err := s.ForgetRequests(b.Context(), t.now.Add(-48*time.Hour)); err != nil {
					b.Fatal(err)
				}
			}
		}
		for name, err := range s.Streams(engine.IncidentPrefix) {
			if err != nil {
				b.Fatal(err)
			}
			all, err := s.Records(name, 1)
			if err != nil {
				b.Fatal(err)
			}
			for _, r := range all {
				payload += int64(len(r.Body))
				records++
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		disk = storetest.OnDisk(b, dataIn(dir))
	}
	beside(b, dir)
	b.ReportMetric(float64(payload)/1e6, "payload-MB")
	b.ReportMetric(float64(disk)/1e6, "disk-MB")
	b.ReportMetric(float64(disk)/float64(payload), "disk/payload")
	b.ReportMetric(float64(payload)/float64(records), "B/record")
	b.ReportMetric(float64(records)/incidents, "records/incident")
}

// life plays one incident of about two hours.
func (t *teller) life(i int) {
	t.now = t.now.Add(2 * time.Hour)
	id := t.declare(fmt.Sprint("API service down - investigating, case ", i))
	for n := range 20 + i%20 {
		t.work(id, n)
		t.wake(id, 3*time.Minute)
	}
	t.say(id, time.Minute, incident.AddAction{By: ann, Text: "Alert on the size of the connection pool before it is used up", Owner: bob, Due: "friday"})
	t.say(id, time.Minute, incident.Resolve{By: bob, Cause: "the deployment at 20:14 opened a connection for each request", Fix: "rolled back to 4.1"})
	t.say(id, time.Hour, incident.Close{By: ann, Reason: "the post-mortem is written"})
}
