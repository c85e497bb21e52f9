package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/app"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/store"
)

// BenchmarkStats asks for the statistics of 10,000 ended incidents of a year
// in each of the ways in which people ask: /incident stats, HTTP and the
// command line, whose figure has the start of its process in it.
//
//	go test ./app/bench -run '^$' -bench Stats -benchtime 10x
func BenchmarkStats(b *testing.B) {
	const incidents = 10_000
	dir := b.TempDir()
	live := configured(b, dir)
	ended(b, dataIn(dir), live, incidents)
	ws, slackURL := slack(b, people(live.Get(), 0))
	url := program(b, dataIn(dir), live, ws, slackURL, func(o *app.Options) { o.Env.MusterAPIToken = config.NewSecret("api-token") })
	binary := built(b)
	rest()
	for _, way := range []struct {
		name string
		ask  func(b *testing.B, text string) string
	}{
		{"slack", func(b *testing.B, text string) string {
			ack, err := ws.Person("alice").Command("#general", "/incident "+text)
			if err != nil {
				b.Fatal(err)
			}
			return string(ack.Payload)
		}},
		{"http", func(b *testing.B, text string) string {
			body := fmt.Sprintf(`{"text": %q, "as": "alice@example.com"}`, text)
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/commands", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer api-token")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			defer res.Body.Close()
			all, err := io.ReadAll(res.Body)
			if err != nil {
				b.Fatal(err)
			}
			return string(all)
		}},
		{"command line", func(b *testing.B, text string) string {
			c := exec.Command(binary, append([]string{"incident", "--as", "alice@example.com"}, strings.Fields(text)...)...)
			c.Env = []string{"MUSTER_URL=" + url, "MUSTER_API_TOKEN=api-token"}
			out, err := c.CombinedOutput()
			if err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			return string(out)
		}},
	} {
		for _, text := range []string{"stats since all", "stats since all by service"} {
			b.Run(way.name+"/"+text, func(b *testing.B) {
				var took []time.Duration
				said := ""
				for b.Loop() {
					began := time.Now()
					said = way.ask(b, text)
					took = append(took, time.Since(began))
				}
				if !strings.Contains(said, "10000 incidents") && !strings.Contains(said, "api") {
					b.Fatalf("the answer says nothing of %d incidents: %s", incidents, said)
				}
				beside(b, dir)
				b.ReportMetric(millis(quantile(took, 0.5)), "ms-p50")
				worst := quantile(took, 1)
				b.ReportMetric(millis(worst), "ms-max")
				if worst > lenient*time.Second {
					b.Errorf("an answer took %v, want 1 s", worst)
				}
			})
		}
	}
}

// ended writes incidents of the last year that are over, each of its own kind,
// with the summaries that the program would have written.
func ended(b *testing.B, path string, live *config.Live, n int) {
	b.Helper()
	s, err := store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion, NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	plan, members := planOf(live.Get()), live.Get().Schedule.Members()
	rng, begin := rand.New(rand.NewPCG(10_000, 1)), time.Now().Add(-360*24*time.Hour)
	lives := make(chan []incident.Event)
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for events := range lives {
				at := begin.Add(events[0].(incident.Declared).Plan.Watch.For)
				step := store.Step{New: engine.IncidentPrefix, Write: func(id string) (store.Step, error) { return over(id, at, events) }}
				if _, err := s.Commit(b.Context(), step); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range n {
		who := func() incident.Person { return members[rng.IntN(len(members))].Person() }
		p := plan
		p.Watch.For = time.Duration(rng.Int64N(int64(359 * 24 * time.Hour))) // when it began
		events := []incident.Event{incident.Declared{
			Title: "API service down - investigating", Severity: incident.Severities[rng.IntN(4)], By: who(), Plan: p,
			Service: []string{"api", "db", "web", "mail", "search", ""}[rng.IntN(6)],
		}}
		for i := range 1 + rng.IntN(20) {
			events = append(events, incident.Paged{Attempt: i + 1, Person: who(), Level: "L1", Methods: []string{"slack", "phone"}})
		}
		events = append(events, incident.Acknowledged{By: who()})
		for range 1 + rng.IntN(12) {
			events = append(events, incident.Updated{By: who(), Text: "taking the new ones out of rotation one by one"})
		}
		lives <- append(events, incident.ResolvedEvent{By: who(), Cause: "the deployment", Fix: "rolled back"}, incident.ClosedEvent{By: who()})
	}
	close(lives)
	group.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// over is the whole life of one incident as one step, three minutes between
// two of its records.
func over(id string, at time.Time, events []incident.Event) (step store.Step, err error) {
	step = store.Step{Stream: id}
	state := incident.Incident{ID: id}
	for i, e := range events {
		if declared, ok := e.(incident.Declared); ok {
			declared.ID = id
			e = declared
		}
		kind, body, err := incident.EncodeEvent(e)
		if err != nil {
			return step, err
		}
		state = incident.Apply(state, incident.Record{Seq: uint64(i + 1), At: at, Event: e})
		step.Records = append(step.Records, store.Record{At: at, Kind: kind, Version: incident.EventVersion, Body: body})
		at = at.Add(3 * time.Minute)
	}
	step.Summary, err = json.Marshal(engine.Summarise(state))
	return step, err
}
