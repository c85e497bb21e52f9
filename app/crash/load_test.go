package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"muster/commands"
)

// marker is the word by which a command is found again in the history.
var marker = regexp.MustCompile(`\bm\d{6}\b`)

// saying is one command that a person gave.
type saying struct {
	marker, text, by, stream string
	// once is set when the sender repeated it under the same key until it was
	// answered; every other command was given at most once.
	once bool
	// acked is when the person was told that it is done; zero: never.
	acked time.Time
	// doing are words of the answer without which nothing was done.
	doing string
	// ack is set for an acknowledgement: it has no words of its own.
	ack bool
}

// ledger is everything that people said and were told.
type ledger struct {
	mu   sync.Mutex
	said []*saying
	open []string // incidents, as last listed
}

func (l *ledger) add(one *saying) *saying {
	l.mu.Lock()
	defer l.mu.Unlock()
	one.marker = fmt.Sprintf("m%06d", len(l.said)+1)
	one.text = strings.ReplaceAll(one.text, "MARK", one.marker)
	l.said = append(l.said, one)
	return one
}

func (l *ledger) acked(one *saying) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one.acked = time.Now().Round(0)
}

// all are copies of what was said.
func (l *ledger) all() []saying {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]saying, len(l.said))
	for i, one := range l.said {
		out[i] = *one
	}
	return out
}

func (l *ledger) some() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return ""
	}
	return l.open[rand.IntN(len(l.open))]
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// answer is what a command over HTTP got.
type answer struct {
	status int
	commands.Reply
}

// post gives a command over HTTP once.
func (w *world) post(ctx context.Context, as, text, key string) (answer, error) {
	body, err := json.Marshal(map[string]string{"text": text, "as": as + "@example.com"})
	if err != nil {
		return answer{}, err
	}
	var a answer
	a.status, err = w.fetch(ctx, http.MethodPost, "/v1/commands", strings.NewReader(string(body)), key, &a.Reply)
	return a, err
}

// fetch makes one authorised request and reads its JSON.
func (w *world) fetch(ctx context.Context, method, path string, body io.Reader, key string, into any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.url(path), body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+apiToken)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, json.NewDecoder(resp.Body).Decode(into)
}

// insist gives a command over HTTP under one key until it is answered.
func (w *world) insist(ctx context.Context, l *ledger, one *saying) (answer, bool) {
	for ctx.Err() == nil {
		a, err := w.post(ctx, one.by, one.text, one.marker)
		if err == nil && a.status != http.StatusInternalServerError {
			if a.OK && strings.Contains(a.Text, one.doing) {
				l.acked(one)
			}
			return a, true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return answer{}, false
}

// must gives a command over HTTP and fails unless it is done.
func (w *world) do(l *ledger, as, stream, text string) answer {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	one := l.add(&saying{text: text, by: as, stream: stream, once: true})
	a, answered := w.insist(ctx, l, one)
	if !answered || !a.OK {
		w.Fatalf("%q was answered %d %q", one.text, a.status, a.Text)
	}
	return a
}

// list asks for the open incidents.
func (w *world) list(ctx context.Context) ([]string, error) {
	var answer struct {
		Incidents []struct {
			ID string `json:"id"`
		} `json:"incidents"`
	}
	if _, err := w.fetch(ctx, http.MethodGet, "/v1/incidents?state=open", nil, "", &answer); err != nil {
		return nil, err
	}
	ids := make([]string, len(answer.Incidents))
	for i, one := range answer.Incidents {
		ids[i] = one.ID
	}
	return ids, nil
}

// Of the load: how often somebody says something, how many repeat over HTTP at
// once, and how many incidents are open.
const (
	sayEvery  = 25 * time.Millisecond
	repeaters = 12
	mostOpen  = 4
)

// load has people work until stop is called, which waits until everything that
// they repeat is answered, or abandon, which leaves it. Slack's own commands end
// by themselves, with an answer or without.
func (w *world) load(l *ledger) (stop, abandon func()) {
	ctx, cancel := context.WithCancel(context.Background())
	repeat, leave := context.WithCancel(context.Background())
	var people sync.WaitGroup
	slots := make(chan struct{}, repeaters)
	over := func(one *saying) {
		select {
		case slots <- struct{}{}:
		default:
			return
		}
		l.add(one)
		people.Go(func() {
			defer func() { <-slots }()
			w.insist(repeat, l, one)
		})
	}
	people.Go(func() {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if open, err := w.list(ctx); err == nil {
				l.mu.Lock()
				l.open = open
				l.mu.Unlock()
			}
		}
	})
	people.Go(func() {
		for tick := time.NewTicker(sayEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			who, id := w.people[rand.IntN(len(w.people))], l.some()
			n := rand.IntN(20)
			switch {
			case id == "" || n < 2 && l.count() < mostOpen:
				severity := []string{"P0", "P1"}[rand.IntN(2)]
				if n%2 == 0 {
					over(&saying{text: "create " + severity + " MARK is slow", by: who, once: true})
					break
				}
				one := l.add(&saying{text: "create " + severity + " MARK is slow", by: who})
				go w.slash(l, one)
			case w.ws.Sockets() == 0:
			case n == 2 && l.count() >= mostOpen:
				over(&saying{text: "resolve " + id + " MARK", by: who, stream: id, once: true, doing: "resolved after"})
			case n < 6:
				over(&saying{text: "note " + id + " MARK", by: who, stream: id, once: true})
			case n < 8:
				over(&saying{text: "update " + id + " MARK", by: who, stream: id, once: true})
			case n < 10:
				go w.clickPage(l, who)
			case n < 12:
				one := l.add(&saying{text: "@muster note " + id + " MARK", by: who, stream: id})
				people.Go(func() { _, _ = w.ws.Person(who).Say("#general", one.text, "") })
			default:
				one := l.add(&saying{text: "note " + id + " MARK", by: who, stream: id})
				go w.slash(l, one)
			}
		}
	})
	stop = func() {
		cancel()
		people.Wait()
	}
	w.Cleanup(leave)
	return stop, func() {
		leave()
		stop()
	}
}

// slash types a slash command, once.
func (w *world) slash(l *ledger, one *saying) {
	ack, err := w.ws.Person(one.by).Command("#general", "/incident "+one.text)
	if err != nil {
		return
	}
	reply := string(ack.Payload)
	if strings.Contains(reply, "Noted in the timeline") || strings.Contains(reply, "Severity P") {
		l.acked(one)
	}
}

// clickPage acknowledges the newest page that somebody got.
func (w *world) clickPage(l *ledger, who string) {
	p := w.ws.Person(who)
	dm := p.DM("muster")
	list := p.Messages(dm)
	for i := len(list) - 1; i >= 0; i-- {
		stream := regexp.MustCompile(`INC-\d+`).FindString(list[i].Text)
		if stream == "" || !strings.Contains(string(list[i].Blocks), `"ack"`) {
			continue
		}
		one := l.add(&saying{text: "MARK click", by: who, stream: stream, ack: true})
		if _, err := p.Click(dm, list[i].TS, "Acknowledge"); err == nil {
			l.acked(one)
		}
		return
	}
}
