package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// obj is a JSON object on its way out.
type obj = map[string]any

// Config describes a workspace. The zero value is a workspace with a bot, #general and nobody in it.
type Config struct {
	// Now gives the time of message timestamps and rate tiers. Nil: time.Now.
	Now func() time.Time
	// Speed tells the client how fast Now runs; nil: 1. SetSpeed changes it; nil: the clock is fixed.
	Speed    func() float64
	SetSpeed func(float64)

	TeamName string // empty: "Local workspace"
	BotName  string // the bot's handle; empty: "muster"
	BotToken string // empty: a made-up one beginning with xoxb-
	AppToken string // empty: a made-up one beginning with xapp-
	Hint     string // one line of what to try, shown by the page
	// Actions are buttons that the page shows beside Slack; Act carries one out,
	// named by its Name. Its error is shown to the person.
	Actions []Action
	Act     func(name string) error

	// Scopes are the bot token's. Nil: every scope there is.
	Scopes []string
	// BotEvents are the event subscriptions (app_mention, message.channels, ...). Nil: all.
	BotEvents []string

	Commands   []Command
	Shortcuts  []Shortcut
	People     []Profile
	Channels   []Channel
	UserGroups []UserGroup

	// Unlimited switches the rate tiers off.
	Unlimited bool
	// SocketLifetime is the age at which a Socket Mode connection is asked to refresh. Zero: one hour.
	SocketLifetime time.Duration
	// KeepMessages is the number of messages kept in a conversation; the oldest go first. Zero: 20,000.
	KeepMessages int
	// OnCall is told of every call of the app after it was answered. It must not block. Nil: nobody is told.
	OnCall func(Call)
	// Phone is told of a key that a person presses on a phone that rings here ([Workspace.Tell] of a call). An error, or nil: there
	// is no such call.
	Phone func(callID, key string) error
}

// Command is a slash command of the app.
type Command struct {
	Command     string `json:"command"` // with the slash
	Description string `json:"description"`
	UsageHint   string `json:"usage_hint"`
	// ShouldEscape replaces @handles and #channels in the text by <@U…|handle> and <#C…|name>.
	ShouldEscape bool `json:"should_escape"`
}

// Action is a button of the page that is none of Slack's.
type Action struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Note  string `json:"note"` // one sentence of what it does
}

// Shortcut is a shortcut of the app.
type Shortcut struct {
	Type       string `json:"type"` // "message" or "global"
	CallbackID string `json:"callback_id"`
	Name       string `json:"name"`
}

// Profile is a person of the workspace. ID, Name, TZ and Color have defaults.
type Profile struct {
	ID          string // empty: made up
	Handle      string
	Name        string // empty: the handle
	Email       string
	Title       string
	TZ          string // empty: UTC
	Color       string // six hexadecimal digits; empty: chosen
	Deactivated bool
}

// Channel is a channel that exists from the start.
type Channel struct {
	ID      string // empty: made up
	Name    string
	Topic   string
	Purpose string
	Private bool
	// Members are handles, the bot's included. Nil: everybody and the bot.
	Members []string
}

// UserGroup is a user group that exists from the start. Members are handles.
type UserGroup struct {
	ID      string
	Handle  string
	Name    string
	Members []string
}

// Workspace is one Slack workspace with one app installed. Make it with [New].
type Workspace struct {
	cfg   Config
	begun time.Time

	ctx    context.Context // ends when Run's does
	cancel context.CancelFunc

	life   sync.Mutex // guards closed, and wg against an Add after the end
	closed bool
	wg     sync.WaitGroup

	mu      sync.Mutex
	seq     map[string]int
	lastTS  int64 // microseconds
	people  []*user
	chans   []*conversation
	groups  []*subteam
	files   map[string]*file
	canvas  map[string]*canvasDoc
	views   map[string]*View
	stacks  map[string][]string // person to view ids, bottom first
	homes   map[string]string   // person to view id
	trigger map[string]*trigger
	hooks   map[string]*responseHook
	eph     []*Ephemeral
	base    string // where the app reached us last, for response_url

	bot   *user
	appID string
	botID string
	team  obj

	sockets socketHub
	stream  stream
	limits  rateBook
	calls   callBook
	fault   faultBook
}

// New makes a workspace. It panics when the configuration names a person or channel that it does not have, since that is a
// mistake in the caller's program.
func New(cfg Config) *Workspace {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.TeamName == "" {
		cfg.TeamName = "Local workspace"
	}
	if cfg.BotName == "" {
		cfg.BotName = "muster"
	}
	if cfg.BotToken == "" {
		cfg.BotToken = "xoxb-local-workspace-bot"
	}
	if cfg.AppToken == "" {
		cfg.AppToken = "xapp-1-local-workspace-app"
	}
	if cfg.Scopes == nil {
		cfg.Scopes = allScopes()
	}
	if cfg.SocketLifetime == 0 {
		cfg.SocketLifetime = time.Hour
	}
	if cfg.KeepMessages == 0 {
		cfg.KeepMessages = 20_000
	}
	w := &Workspace{
		cfg:     cfg,
		begun:   cfg.Now(),
		seq:     map[string]int{},
		files:   map[string]*file{},
		canvas:  map[string]*canvasDoc{},
		views:   map[string]*View{},
		stacks:  map[string][]string{},
		homes:   map[string]string{},
		trigger: map[string]*trigger{},
		hooks:   map[string]*responseHook{},
		appID:   "A0MUSTER001",
		botID:   "B0MUSTER001",
		base:    "http://workspace.invalid",
		team:    obj{"id": "T0LOCAL001", "name": cfg.TeamName, "domain": "local", "email_domain": "example.com", "icon": obj{"image_default": true}},
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.stream.init()
	w.limits.init()
	w.calls.init()
	w.bot = w.addUser(Profile{ID: "U0MUSTER01", Handle: cfg.BotName, Name: displayName(cfg.BotName)})
	w.bot.bot = true
	for _, p := range cfg.People {
		w.addUser(p)
	}
	for _, c := range cfg.Channels {
		w.seedChannel(c)
	}
	if w.channelNamed("general") == nil {
		w.seedChannel(Channel{Name: "general"})
	}
	for _, g := range cfg.UserGroups {
		w.seedGroup(g)
	}
	return w
}

func displayName(handle string) string {
	return strings.ToUpper(handle[:1]) + handle[1:]
}

// BotToken is the token for the Web API.
func (w *Workspace) BotToken() string { return w.cfg.BotToken }

// AppToken is the token for Socket Mode.
func (w *Workspace) AppToken() string { return w.cfg.AppToken }

// BotUser is the user ID of the app's bot.
func (w *Workspace) BotUser() string { return w.bot.id }

// AppID is the ID of the app.
func (w *Workspace) AppID() string { return w.appID }

// Run keeps the workspace's goroutines (sockets, redelivery, event streams) until ctx ends, and returns when all are done.
func (w *Workspace) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, w.shutDown)
	defer stop()
	<-ctx.Done()
	w.shutDown()
	w.wg.Wait()
	return nil
}

func (w *Workspace) shutDown() {
	w.life.Lock()
	w.closed = true
	w.life.Unlock()
	w.cancel()
	w.sockets.closeAll()
}

// spawn runs f as a goroutine that Run waits for. After the end it does nothing.
func (w *Workspace) spawn(f func()) {
	if w.enter() {
		go func() {
			defer w.wg.Done()
			f()
		}()
	}
}

// enter counts the calling goroutine among those that Run waits for; the caller owes w.wg.Done.
func (w *Workspace) enter() bool {
	w.life.Lock()
	defer w.life.Unlock()
	if w.closed {
		return false
	}
	w.wg.Add(1)
	return true
}

// Serve runs the workspace and its HTTP server on ln until ctx ends, and returns when nothing of either runs any more.
func (w *Workspace) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(ln)
		cancel()
	}()
	err := errors.Join(w.Run(ctx), srv.Close())
	if serr := <-served; !errors.Is(serr, http.ErrServerClosed) && !errors.Is(serr, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("serve the workspace: %w", serr))
	}
	return err
}

// nextID makes an ID such as U0A000001; kind is its first letters. The caller holds mu or is New.
func (w *Workspace) nextID(kind string) string {
	w.seq[kind]++
	return fmt.Sprintf("%s0A%07d", kind, w.seq[kind])
}

// nextTS makes a message timestamp that no other message has. The caller holds mu or is New.
func (w *Workspace) nextTS() string {
	t := w.cfg.Now().UnixMicro()
	if t <= w.lastTS {
		t = w.lastTS + 1
	}
	w.lastTS = t
	return fmt.Sprintf("%d.%06d", t/1e6, t%1e6)
}

// tsLess orders message timestamps.
func tsLess(a, b string) bool { return tsMicro(a) < tsMicro(b) }

// tsMicro reads "seconds.micros"; what cannot be read is -1.
func tsMicro(ts string) int64 {
	sec, frac, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(sec, 10, 64)
	if err != nil || s < 0 || s > 1<<40 || len(frac) > 6 {
		return -1
	}
	for len(frac) < 6 {
		frac += "0"
	}
	f, err := strconv.ParseInt(frac, 10, 64)
	if err != nil || f < 0 {
		return -1
	}
	return s*1e6 + f
}

func (w *Workspace) speed() float64 {
	if w.cfg.Speed == nil {
		return 1
	}
	return w.cfg.Speed()
}

func (w *Workspace) clock() obj {
	return obj{"now": float64(w.cfg.Now().UnixMicro()) / 1e6, "speed": w.speed()}
}

// rawJSON encodes what is known to be encodable.
func rawJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("workspace: encode %T: %v", v, err))
	}
	return b
}

func remove(list []string, s string) []string {
	return slices.DeleteFunc(list, func(x string) bool { return x == s })
}
