package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"muster/bot/render"
	"muster/commands"
	"muster/incident"
)

// Commands carries out what people say. *commands.Commands is one.
type Commands interface {
	Run(ctx context.Context, c commands.Call) commands.Reply
	Submit(ctx context.Context, s commands.FormSubmission) commands.Reply
	OpenForm(ctx context.Context, c commands.Call, name string) commands.Reply
}

// Incidents gives what is known of them.
type Incidents interface {
	State(ctx context.Context, id string) (incident.Incident, error)
	History(ctx context.Context, id string) ([]incident.Record, error)
	// Open lists the open ones, newest first.
	Open() []incident.Incident
	// ByPlace says which incident a channel, or a thread in it, belongs to.
	ByPlace(channel, thread string) (id string, ok bool)
}

// Config is what a Bot needs. BotToken and AppToken are required; Commands and
// Incidents must be set before Run or Handler is used (SetCommands helps where
// they need the bot's Directory).
type Config struct {
	BotToken string // xoxb-…
	AppToken string // xapp-…
	// APIURL is the Web API's address; empty: Slack's.
	APIURL string
	// Dial opens connections, for the Web API and for Socket Mode; nil: the
	// usual way, through the environment's proxy if there is one.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Commands  Commands
	Incidents Incidents
	// Lines are the configured templates; nil: the built-in wording. It is
	// asked for each message, so that a reload is seen.
	Lines func() render.Lines
	// Ahead says what the clocks of an incident will do next; nil: what its
	// state and cadence tell. The function Ahead makes one from the rules.
	Ahead func(incident.Incident, time.Time) render.Ahead
	// Evidence reads what a playbook's step left; nil: nothing is kept.
	Evidence func(ctx context.Context, incident, ref string) ([]byte, error)
	// Alerts lists the groups of alerts that fire, the worst first, for the home
	// tab; nil: none.
	Alerts func() []incident.AlertGroup
	// FollowUps lists what a person is to do after incidents, the most urgent
	// first, for the home tab; nil: none.
	FollowUps func(context.Context, incident.Person) ([]render.FollowUp, error)
	// OnCall lists who is on call now, for the home tab; nil: nobody.
	OnCall func(time.Time) []render.OnCall

	// Members gives the people of the rotas, so that one whose address Slack
	// does not know is found by handle; nil: none.
	Members func() []Member
	// Now gives the time that messages and calls carry; nil: time.Now.
	Now func() time.Time
	// Acked is told how long each acknowledged envelope took, from its arrival;
	// nil: nobody is. It must not block.
	Acked func(took time.Duration)
	// Log gets what went wrong; nil: nowhere. No token and no text of a person
	// is in it.
	Log *slog.Logger
}

// Bot is the Slack edge.
type Bot struct {
	cfg   Config
	api   API
	http  *http.Client // nil: the API is not ours
	dir   *Directory
	links *links

	mu   sync.Mutex
	self Identity

	seen     seen
	running  sync.WaitGroup
	slots    chan struct{}
	channels channelBook
	dms      dmBook
}

// Times and sizes of the bot.
const (
	// callTimeout bounds one call of the Web API.
	callTimeout = 9 * time.Second
	// busy is how many envelopes are handled at the same time.
	busy = 64
	// workTimeout bounds the work for one envelope, long after Slack was told.
	workTimeout = 30 * time.Second
	// graceful is how long Run waits at its end for what is being handled.
	graceful = 5 * time.Second
)

// New makes a bot. It does not connect.
func New(cfg Config) *Bot {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Lines == nil {
		cfg.Lines = func() render.Lines { return render.Lines{} }
	}
	if cfg.Ahead == nil {
		cfg.Ahead = aheadOfState
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	dial := cfg.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	}
	transport.DialContext = dial
	client := &http.Client{Timeout: callTimeout, Transport: transport}
	api := func(do doer) *slack.Client {
		options := []slack.Option{slack.OptionHTTPClient(do), slack.OptionAppLevelToken(cfg.AppToken), slack.OptionLog(quietLog)}
		if cfg.APIURL != "" {
			options = append(options, slack.OptionAPIURL(strings.TrimSuffix(cfg.APIURL, "/")+"/"))
		}
		return slack.New(cfg.BotToken, options...)
	}
	b := newBot(cfg, &web{client: api(client), http: client},
		newLinks(2, func() *slack.Client { return api(&openOnce{doer: client}) }, dial, cfg.Log))
	b.http = client
	return b
}

// Close gives up the connections that are kept for later calls.
func (b *Bot) Close() {
	if b.http != nil {
		b.http.CloseIdleConnections()
	}
}

func newBot(cfg Config, api API, links *links) *Bot {
	dir := NewDirectory(api)
	dir.members = cfg.Members
	return &Bot{cfg: cfg, api: api, dir: dir, links: links, slots: make(chan struct{}, busy)}
}

// SetCommands sets what Config could not have yet, since the commands ask the
// bot's Directory. Call it before Run.
func (b *Bot) SetCommands(c Commands) { b.cfg.Commands = c }

// SetIncidents is the same for the incidents.
func (b *Bot) SetIncidents(i Incidents) { b.cfg.Incidents = i }

// Directory knows the workspace's people.
func (b *Bot) Directory() *Directory { return b.dir }

// API is the Web API, for checks at start.
func (b *Bot) API() API { return b.api }

// LastFrame is when something last arrived over Socket Mode, pings included;
// the zero time: never.
func (b *Bot) LastFrame() time.Time {
	if n := b.links.lastFrame.Load(); n > 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Stats are counts for metrics.
type Stats struct {
	Connected  int   // open Socket Mode connections now
	Reconnects int64 // since the start
	Received   int64 // envelopes since the start
}

// Stats counts what the sockets did.
func (b *Bot) Stats() Stats {
	return Stats{Connected: b.links.connected(), Reconnects: b.links.reconnects.Load(), Received: b.links.received.Load()}
}

// Check tells in one sentence what is wrong with the tokens, and learns who
// the bot is.
func (b *Bot) Check(ctx context.Context) error {
	if err := CheckTokens(b.cfg.BotToken, b.cfg.AppToken); err != nil {
		return err
	}
	id, err := b.api.AuthTest(ctx)
	if err != nil {
		if why, ok := permanent[code(err)]; ok {
			return TokenError(fmt.Sprintf("Slack does not accept SLACK_BOT_TOKEN (%s: %s); copy it again from the app's page \"OAuth & Permissions\".", code(err), why))
		}
		return fmt.Errorf("ask Slack who the bot is: %w", err)
	}
	b.mu.Lock()
	b.self = id
	b.mu.Unlock()
	return nil
}

// TokenError is one sentence about a token, for the person who set it.
type TokenError string

// Error gives the sentence.
func (e TokenError) Error() string { return string(e) }

// CheckTokens looks at the shape of the tokens only. Its error is a TokenError.
func CheckTokens(bot, app string) error {
	switch {
	case bot == "":
		return TokenError(`SLACK_BOT_TOKEN is not set; copy the "Bot User OAuth Token" (xoxb-…) from the app's page "OAuth & Permissions".`)
	case strings.HasPrefix(bot, "xapp-") && strings.HasPrefix(app, "xoxb-"):
		return TokenError("SLACK_BOT_TOKEN and SLACK_APP_TOKEN are exchanged; the bot's begins with xoxb-, the app's with xapp-.")
	case !strings.HasPrefix(bot, "xoxb-"):
		return TokenError(`SLACK_BOT_TOKEN is not a bot token; it must begin with xoxb- (page "OAuth & Permissions").`)
	case app == "":
		return TokenError(`SLACK_APP_TOKEN is not set; make an "App-Level Token" (xapp-…) with the scope connections:write on the app's page "Basic Information".`)
	case !strings.HasPrefix(app, "xapp-"):
		return TokenError(`SLACK_APP_TOKEN is not an app token; it must begin with xapp- (page "Basic Information", scope connections:write).`)
	}
	return nil
}

// me is who the bot is; it is asked from Slack once.
func (b *Bot) me(ctx context.Context) (Identity, error) {
	b.mu.Lock()
	id := b.self
	b.mu.Unlock()
	if id.UserID != "" {
		return id, nil
	}
	id, err := b.api.AuthTest(ctx)
	if err != nil {
		return Identity{}, err
	}
	b.mu.Lock()
	b.self = id
	b.mu.Unlock()
	return id, nil
}

// Run checks the tokens, connects, and handles what comes until ctx ends. It
// returns an error that only a person can heal; while Slack cannot be reached
// it keeps trying.
func (b *Bot) Run(ctx context.Context) error {
	if err := b.start(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var parts sync.WaitGroup
	for _, l := range b.links.list {
		parts.Go(func() {
			if err := l.run(ctx, func(env envelope) { b.take(ctx, env) }); err != nil {
				stop(err)
			}
		})
	}
	parts.Go(func() { b.keepDirectory(ctx) })
	<-ctx.Done()
	parts.Wait()
	b.drain()
	if err := context.Cause(ctx); errors.Is(err, errFatal) {
		return err
	}
	return nil
}

// start checks the tokens, and waits while Slack is away.
func (b *Bot) start(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, lastReconnect) {
		err := b.Check(ctx)
		if err == nil {
			return nil
		}
		if _, ours := errors.AsType[TokenError](err); ours {
			return err
		}
		if e, ok := errors.AsType[*Error](err); ok {
			wait = max(wait, e.RetryAfter)
		}
		if ctx.Err() != nil {
			return nil
		}
		b.cfg.Log.Warn("Slack cannot be reached, trying again", "error", err, "wait", wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// keepDirectory reads the workspace's people, again after a failure and every
// hour.
func (b *Bot) keepDirectory(ctx context.Context) {
	for {
		wait := refreshEvery
		call, stop := context.WithTimeout(ctx, time.Minute)
		if err := b.dir.Refresh(call); err != nil && ctx.Err() == nil {
			b.cfg.Log.Warn("the workspace's people could not be read", "error", err)
			wait = time.Minute
		}
		stop()
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// drain waits a while for what is being handled.
func (b *Bot) drain() {
	done := make(chan struct{})
	go func() {
		b.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(graceful):
		b.cfg.Log.Warn("stopped while envelopes were still being handled")
	}
}

// frame is what rendering needs now.
func (b *Bot) frame() render.Frame {
	b.mu.Lock()
	base := b.self.URL
	b.mu.Unlock()
	return render.Frame{
		Now: b.cfg.Now(), Mention: b.dir.Mention, Lines: b.cfg.Lines(), Ahead: b.cfg.Ahead,
		Link: func(s incident.Spot) string { return permalink(base, s.Channel, s.TS) },
	}
}

// permalink is the address of a message or a channel; empty: not known.
func permalink(base, channel, ts string) string {
	if base == "" || channel == "" {
		return ""
	}
	url := strings.TrimSuffix(base, "/") + "/archives/" + channel
	if ts != "" {
		url += "/p" + strings.ReplaceAll(ts, ".", "")
	}
	return url
}
