package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Times of the socket.
const (
	// quietTooLong is the age of the last frame at which a connection counts as
	// dead; Slack pings several times a minute.
	quietTooLong = 45 * time.Second
	// livedWell is how long a connection must have lived for the next one to be
	// opened without waiting.
	livedWell      = 20 * time.Second
	firstReconnect = 200 * time.Millisecond
	lastReconnect  = 15 * time.Second
	// After a connection that was open the first link comes back at once, no
	// two openings closer than openEvery, and the others wait up to lastAgain:
	// together they stay under the fifty a minute that apps.connections.open
	// takes, and a socket that is cut again and again is mostly open.
	openEvery = 1600 * time.Millisecond
	lastAgain = 6 * time.Second
	// ackWithin is how long handing over an acknowledgement may take.
	ackWithin = 2 * time.Second
	handshake = 10 * time.Second
	// writeBuffer keeps a frame whole: Slack does not join continuations.
	writeBuffer = 32 << 10
)

// envelope is one thing that Slack sent.
type envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
	Accepts bool            `json:"accepts_response_payload"`
	Retry   int             `json:"retry_attempt"`
	at      time.Time       // received
	from    *link
}

// links is the pair of Socket Mode clients: while one is replaced, the other
// is open.
type links struct {
	list []*link
	log  *slog.Logger
	// lastFrame is when something last arrived on any of them, in Unix
	// nanoseconds; zero: never.
	lastFrame  atomic.Int64
	reconnects atomic.Int64
	received   atomic.Int64
}

// link is one of them, over all its connections.
type link struct {
	n      int
	all    *links
	open   func(*websocket.Dialer) *socketmode.Client
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	mu     sync.Mutex
	client *socketmode.Client // of the present connection
	up     bool
	frame  atomic.Int64
	told   time.Duration // to wait, by Slack; used by run's goroutine only
	opened bool          // whether the last connection was ever open; the same
}

func newLinks(n int, api func() *slack.Client, dial func(ctx context.Context, network, addr string) (net.Conn, error), log *slog.Logger) *links {
	all := &links{log: log}
	open := func(d *websocket.Dialer) *socketmode.Client {
		return socketmode.New(api(), socketmode.OptionDialer(d), socketmode.OptionLog(quietLog))
	}
	for i := range n {
		all.list = append(all.list, &link{n: i + 1, all: all, open: open, dial: dial})
	}
	return all
}

// quietLog takes what slack-go would write to standard error.
var quietLog = log.New(io.Discard, "", 0)

// connected counts the open connections.
func (l *links) connected() int {
	n := 0
	for _, one := range l.list {
		one.mu.Lock()
		if one.up {
			n++
		}
		one.mu.Unlock()
	}
	return n
}

// seen notes that bytes arrived.
func (l *link) seen() {
	now := time.Now().UnixNano()
	l.frame.Store(now)
	l.all.lastFrame.Store(now)
}

// errFatal marks what no reconnecting heals.
var errFatal = errors.New("Slack refuses the connection")

// run keeps one connection after another open until ctx ends or Slack says
// that the token is no good.
func (l *link) run(ctx context.Context, take func(envelope)) error {
	wait := time.Duration(0)
	for first := true; ; first = false {
		if !first {
			l.all.reconnects.Add(1)
		}
		start := time.Now()
		err := l.once(ctx, take)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errFatal) {
			return err
		}
		if err != nil {
			l.all.log.Warn("Slack connection ended", "link", l.n, "error", err)
		}
		lived := time.Since(start)
		if wait = min(max(2*wait, firstReconnect), lastReconnect); lived >= livedWell {
			wait = 0
		}
		switch {
		case l.opened && l.n == 1:
			wait = max(firstReconnect, openEvery-lived)
		case l.opened:
			wait = min(wait, lastAgain)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(wait, l.told)):
			l.told = 0
		}
	}
}

// once opens one connection and drains it until it ends. slack-go would open
// the next one itself, at once and without end; its second attempt is stopped.
func (l *link) once(ctx context.Context, take func(envelope)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	client := l.open(&websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, HandshakeTimeout: handshake, WriteBufferSize: writeBuffer,
		NetDialContext: l.watched,
	})
	done := make(chan error, 1)
	go func() { done <- client.RunContext(ctx) }()
	l.opened = false
	l.set(client, false)
	defer l.set(nil, false)
	l.frame.Store(time.Now().UnixNano())
	watch := time.NewTicker(quietTooLong / 3)
	defer watch.Stop()
	for {
		select {
		case e := <-client.Events:
			if !l.event(client, e, take) {
				stop()
			}
		case <-watch.C:
			if age := time.Since(time.Unix(0, l.frame.Load())); age > quietTooLong {
				l.all.log.Warn("Slack connection is silent, opening another", "link", l.n, "age", age.Round(time.Second))
				stop()
			}
		case err := <-done:
			for {
				select {
				case e := <-client.Events: // what came just before the end
					l.event(client, e, take)
					continue
				default:
				}
				return fatal(err)
			}
		}
	}
}

// fatal tells the refusals that end RunContext from everything else.
func fatal(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	switch err.Error() {
	case "invalid_auth", "account_inactive", "not_authed", "token_revoked":
		return fmt.Errorf("%w: %w; check SLACK_APP_TOKEN", errFatal, err)
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok && e.Code == http.StatusNotFound {
		return fmt.Errorf("%w: %w; check SLACK_API_URL", errFatal, err)
	}
	return err
}

func (l *link) set(c *socketmode.Client, up bool) {
	l.mu.Lock()
	l.client, l.up = c, up
	l.mu.Unlock()
}

// event handles one event of slack-go; false: this connection is over.
func (l *link) event(client *socketmode.Client, e socketmode.Event, take func(envelope)) bool {
	switch e.Type {
	case socketmode.EventTypeConnected:
		l.set(client, true)
		l.opened = true
		l.seen()
	case socketmode.EventTypeConnecting:
		if c, ok := e.Data.(*slack.ConnectingEvent); ok && c.ConnectionCount > 0 {
			l.set(client, false)
			return false
		}
	case socketmode.EventTypeConnectionError:
		if c, ok := e.Data.(*slack.ConnectionErrorEvent); ok && !errors.Is(c.ErrorObj, context.Canceled) {
			l.all.log.Warn("Slack cannot be reached over Socket Mode", "link", l.n, "error", c.ErrorObj)
			if e, ok := errors.AsType[*slack.RateLimitedError](c.ErrorObj); ok {
				l.told = e.RetryAfter
			}
		}
		return false // slack-go would wait for up to five minutes
	case socketmode.EventTypeErrorWriteFailed:
		if w, ok := e.Data.(*socketmode.ErrorWriteFailed); ok && w.Response != nil {
			l.all.again(l, w.Response)
		}
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
			l.raw(bad.Message, take)
		}
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		if r := e.Request; r != nil {
			l.all.received.Add(1)
			take(envelope{ID: r.EnvelopeID, Type: r.Type, Payload: r.Payload, Accepts: r.AcceptsResponsePayload, Retry: r.RetryAttempt, at: time.Now(), from: l})
		}
	default: // hello, incoming errors and the like end or change nothing here
	}
	return true
}

// raw takes the envelope out of a message that slack-go could not read, so
// that it is handled where we can and acknowledged in any case.
func (l *link) raw(message json.RawMessage, take func(envelope)) {
	var env envelope
	if json.Unmarshal(message, &env) != nil || env.ID == "" {
		return
	}
	l.all.received.Add(1)
	env.at, env.from = time.Now(), l
	take(env)
}

// ack acknowledges an envelope on the connection that received it, else on
// one that is open.
func (l *links) ack(ctx context.Context, env envelope, payload any) error {
	ctx, stop := context.WithTimeout(ctx, ackWithin)
	defer stop()
	for {
		if c := l.choose(env.from); c != nil {
			if err := c.AckCtx(ctx, env.ID, payload); err != nil {
				return fmt.Errorf("acknowledge %s: %w", env.Type, err)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("acknowledge %s: no connection to Slack is open", env.Type)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// choose gives the open client, preferably of the link given.
func (l *links) choose(first *link) *socketmode.Client {
	for _, one := range append([]*link{first}, l.list...) {
		if one == nil {
			continue
		}
		one.mu.Lock()
		c, up := one.client, one.up
		one.mu.Unlock()
		if up {
			return c
		}
	}
	return nil
}

// again sends an acknowledgement over another connection when one broke while
// it was written.
func (l *links) again(from *link, r *socketmode.Response) {
	for _, one := range l.list {
		one.mu.Lock()
		c, up := one.client, one.up && one != from
		one.mu.Unlock()
		if !up {
			continue
		}
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		err := c.SendCtx(ctx, socketmode.Response{EnvelopeID: r.EnvelopeID, Payload: r.Payload})
		stop()
		if err == nil {
			return
		}
	}
	l.log.Warn("an acknowledgement was lost with its connection")
}

// watched dials and notes whenever bytes arrive, pings included.
func (l *link) watched(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return watchedConn{c, l}, nil
}

type watchedConn struct {
	net.Conn
	link *link
}

// Read notes that something arrived.
func (c watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.link.seen()
	}
	return n, err
}

// doer performs one HTTP request.
type doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// openOnce lets one connection be opened: slack-go would open the next one at
// once and without end, and run's waits would come too late.
type openOnce struct {
	doer
	used atomic.Bool
}

// Do refuses the second request for a connection.
func (o *openOnce) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/apps.connections.open") && o.used.Swap(true) {
		return nil, context.Canceled
	}
	return o.doer.Do(r)
}
