package workspace

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// everyone is the audience of what all people may see.
var everyone []string

// keepEvents is how many events a client can miss and still resume.
const keepEvents = 5000

type streamed struct {
	id   int64
	to   []string // user IDs; nil: everyone
	data json.RawMessage
}

// stream is the log of events for people's clients. The workspace's mu guards it; grown is closed and replaced at each event.
type stream struct {
	events []streamed
	last   int64
	grown  chan struct{}
}

func (s *stream) init() { s.grown = make(chan struct{}) }

// toPeople sends an event to the clients of the people in to; everyone (nil): all. The caller holds mu.
func (w *Workspace) toPeople(to []string, event obj) {
	s := &w.stream
	s.last++
	s.events = append(s.events, streamed{id: s.last, to: to, data: rawJSON(event)})
	if len(s.events) > keepEvents+keepEvents/10 {
		s.events = slices.Clone(s.events[len(s.events)-keepEvents:])
	}
	close(s.grown)
	s.grown = make(chan struct{})
}

// Tell sends an event of the caller's own making (a phone call, a mail) to the named people's clients; none named: to all.
// kind becomes its type.
func (w *Workspace) Tell(kind string, event map[string]any, people ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var to []string
	for _, p := range people {
		u := w.findUser(p)
		if u == nil {
			return fmt.Errorf("tell a person's client: nobody here is called %q", p)
		}
		to = append(to, u.id)
	}
	o := obj{"type": kind}
	for k, v := range event {
		o[k] = v
	}
	w.toPeople(to, o)
	return nil
}

// since gives what u may see of the events after id, and the channel that closes when there are more. lost: some are forgotten.
func (w *Workspace) since(u *user, id int64) (events []streamed, last int64, grown chan struct{}, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.stream
	lost = id > s.last || len(s.events) > 0 && id < s.events[0].id-1
	for _, e := range slices.Backward(s.events) {
		if e.id <= id {
			break
		}
		if e.to == nil || slices.Contains(e.to, u.id) {
			events = append(events, e)
		}
	}
	slices.Reverse(events)
	return events, s.last, s.grown, lost
}

// keepAlive is how often an idle event stream gets a comment.
const keepAlive = 15 * time.Second

// serveEvents is the event stream of one person's client.
func (w *Workspace) serveEvents(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	kind, u, err := w.who(tokenOf(r, map[string]string{"token": r.URL.Query().Get("token")}))
	last := w.stream.last
	w.mu.Unlock()
	if err != nil || kind != tokenPerson {
		writeJSON(rw, http.StatusUnauthorized, obj{"ok": false, "error": "invalid_auth"})
		return
	}
	if !w.enter() {
		writeJSON(rw, http.StatusServiceUnavailable, obj{"ok": false, "error": ErrClosed.Error()})
		return
	}
	defer w.wg.Done()
	for _, s := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")} {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			last = n
			break
		}
	}
	out := http.NewResponseController(rw)
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(http.StatusOK)
	fmt.Fprintf(rw, "retry: 1000\n\n")
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		events, newest, grown, lost := w.since(u, last)
		if lost {
			fmt.Fprintf(rw, "id: %d\ndata: {\"type\":\"resync\"}\n\n", newest)
		} else {
			for _, e := range events {
				fmt.Fprintf(rw, "id: %d\ndata: %s\n\n", e.id, e.data)
			}
		}
		last = newest
		if out.Flush() != nil {
			return
		}
		select {
		case <-grown:
		case <-alive.C:
			fmt.Fprintf(rw, ": still here\n\n")
		case <-r.Context().Done():
			return
		case <-w.ctx.Done():
			return
		}
	}
}
