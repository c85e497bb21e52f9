package workspace

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Slack's own numbers, https://docs.slack.dev/apis/events-api/using-socket-mode
const (
	maxSockets = 10
	// ticketLife is how long an address from apps.connections.open can be used.
	ticketLife = time.Minute
	// pingEvery is shorter than the 30 s after which clients give up.
	pingEvery = 10 * time.Second
	// warnBefore is the time between the warning and the end of a connection.
	warnBefore = 10 * time.Second
	// partingTime is how long a connection that was asked to refresh may still acknowledge.
	partingTime = 10 * time.Second
	// quietAfter is how long a connection may be silent; its answers to pings count.
	quietAfter = 3 * pingEvery
	// maxAck is the size in bytes that an acknowledgement's payload must stay under.
	maxAck = 20_000
	// maxWrite is how long one frame may take to be taken.
	maxWrite = 10 * time.Second
)

// socketHub holds the Socket Mode connections of the app. Its mu is never held while waiting, and w.mu is never taken under it.
type socketHub struct {
	mu      sync.Mutex
	tickets map[string]time.Time
	conns   []*socket
	next    int
	waiting map[string]chan json.RawMessage // by envelope
	closed  bool
}

// socket is one connection.
type socket struct {
	hub   *socketHub
	ws    *websocket.Conn
	wake  chan struct{} // of size one
	gone  chan struct{} // closed by end
	once  sync.Once
	mu    sync.Mutex
	queue [][]byte
	quit  bool // the connection ends partingTime after the queue is written
}

func appsConnectionsOpen(c *call) (obj, error) {
	c.w.base = c.base
	ticket := randomHex(16)
	h := &c.w.sockets
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tickets == nil {
		h.tickets = map[string]time.Time{}
	}
	for t, until := range h.tickets {
		if time.Now().After(until) {
			delete(h.tickets, t)
		}
	}
	h.tickets[ticket] = time.Now().Add(ticketLife)
	return obj{"url": strings.Replace(c.base, "http", "ws", 1) + "/link/?ticket=" + ticket + "&app_id=" + c.w.appID}, nil
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// serveLink is the WebSocket end of Socket Mode. It returns when the connection is over.
func (w *Workspace) serveLink(rw http.ResponseWriter, r *http.Request) {
	if w.fault.down() {
		http.Error(rw, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	h := &w.sockets
	ticket := r.URL.Query().Get("ticket")
	h.mu.Lock()
	until, ok := h.tickets[ticket]
	delete(h.tickets, ticket)
	h.mu.Unlock()
	if !ok || time.Now().After(until) {
		http.Error(rw, "invalid ticket", http.StatusUnauthorized)
		return
	}
	if !w.enter() {
		http.Error(rw, "the workspace is closing", http.StatusServiceUnavailable)
		return
	}
	defer w.wg.Done()
	ws, err := upgrader.Upgrade(rw, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	s := &socket{hub: h, ws: ws, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	defer s.end()
	n := h.add(s)
	if n > maxSockets {
		_ = s.write(rawJSON(obj{"type": "disconnect", "reason": "too_many_websockets", "debug_info": obj{"host": "workspace"}}))
		return
	}
	debug := obj{"host": "workspace", "build_number": 1, "approximate_connection_time": int(w.cfg.SocketLifetime.Seconds())}
	if s.write(rawJSON(obj{"type": "hello", "num_connections": n, "connection_info": obj{"app_id": w.appID}, "debug_info": debug})) != nil {
		h.drop(s)
		return
	}
	w.socketsChanged()
	var writer sync.WaitGroup
	writer.Go(func() { s.writeAll(w.cfg.SocketLifetime) })
	w.readAll(s)
	h.drop(s)
	s.end()
	writer.Wait()
	w.socketsChanged()
}

// socketsChanged tells the page how many connections the app has.
func (w *Workspace) socketsChanged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.toPeople(everyone, obj{"type": "bot_status", "connected": w.sockets.count()})
}

// add takes a connection among those that get envelopes, if there is room, and gives their number with it.
func (h *socketHub) add(s *socket) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return maxSockets + 1
	}
	if len(h.conns) >= maxSockets {
		return len(h.conns) + 1
	}
	h.conns = append(h.conns, s)
	return len(h.conns)
}

func (h *socketHub) drop(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = slices.DeleteFunc(h.conns, func(x *socket) bool { return x == s })
}

func (h *socketHub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// closeAll ends every connection for good.
func (h *socketHub) closeAll() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cut()
}

// cut ends every connection without a word, as a broken network does.
func (h *socketHub) cut() {
	h.mu.Lock()
	conns := h.conns
	h.conns = nil
	h.mu.Unlock()
	for _, s := range conns {
		s.end()
	}
}

// send gives a frame to the next connection in turn; false: there is none.
func (h *socketHub) send(frame []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.conns) == 0 {
		return false
	}
	h.next++
	h.conns[h.next%len(h.conns)].enqueue(frame)
	return true
}

// await registers interest in the acknowledgement of an envelope.
func (h *socketHub) await(envelope string) <-chan json.RawMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]chan json.RawMessage{}
	}
	ch := make(chan json.RawMessage, 1)
	h.waiting[envelope] = ch
	return ch
}

func (h *socketHub) forget(envelope string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiting, envelope)
}

func (h *socketHub) acknowledged(envelope string, payload json.RawMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ch := h.waiting[envelope]; ch != nil {
		delete(h.waiting, envelope)
		ch <- payload
	}
}

func (s *socket) enqueue(frame []byte) {
	s.mu.Lock()
	s.queue = append(s.queue, frame)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Disconnect asks every connection to refresh, as Slack does now and then: reason is "warning" or "refresh_requested". After
// the latter a connection gets nothing more, and is closed ten seconds later if the app has not.
func (w *Workspace) Disconnect(reason string) {
	h := &w.sockets
	h.mu.Lock()
	conns := slices.Clone(h.conns)
	if reason == "refresh_requested" {
		h.conns = nil
	}
	h.mu.Unlock()
	for _, s := range conns {
		s.disconnect(reason)
	}
}

func (s *socket) disconnect(reason string) {
	if reason == "refresh_requested" {
		s.mu.Lock()
		s.quit = true
		s.mu.Unlock()
	}
	s.enqueue(rawJSON(obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "workspace"}}))
}

func (s *socket) write(frame []byte) error {
	if err := s.ws.SetWriteDeadline(time.Now().Add(maxWrite)); err != nil {
		return err
	}
	return s.ws.WriteMessage(websocket.TextMessage, frame)
}

// writeAll writes queued frames and pings until the connection ends; it asks for a refresh at the end of the lifetime.
func (s *socket) writeAll(lifetime time.Duration) {
	defer s.end()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	warn := time.NewTimer(max(lifetime-warnBefore, 0))
	defer warn.Stop()
	over := time.NewTimer(lifetime)
	defer over.Stop()
	var parting <-chan time.Time
	for {
		s.mu.Lock()
		frames, quit := s.queue, s.quit
		s.queue = nil
		s.mu.Unlock()
		for _, f := range frames {
			if s.write(f) != nil {
				return
			}
		}
		if quit && parting == nil {
			timer := time.NewTimer(partingTime)
			defer timer.Stop()
			parting = timer.C
		}
		select {
		case <-parting:
			return
		case <-s.gone:
			return
		case <-s.wake:
		case <-ping.C:
			if s.ws.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(maxWrite)) != nil {
				return
			}
		case <-warn.C:
			s.disconnect("warning")
		case <-over.C:
			s.hub.drop(s)
			s.disconnect("refresh_requested")
		}
	}
}

// readAll reads acknowledgements until the connection ends. Pings of the client are answered by the library.
func (w *Workspace) readAll(s *socket) {
	heard := func(string) error { return s.ws.SetReadDeadline(time.Now().Add(quietAfter)) }
	s.ws.SetPongHandler(heard)
	for {
		if heard("") != nil {
			return
		}
		kind, frame, err := s.ws.ReadMessage()
		if err != nil {
			return
		}
		if kind != websocket.TextMessage {
			continue
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(frame, &ack) != nil || ack.EnvelopeID == "" {
			continue
		}
		if len(ack.Payload) >= maxAck {
			w.calls.refuseAck()
			continue
		}
		s.hub.acknowledged(ack.EnvelopeID, ack.Payload)
	}
}

func (s *socket) end() {
	s.once.Do(func() {
		close(s.gone)
		_ = s.ws.Close() // the connection is over either way
	})
}
