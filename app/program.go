package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"muster/bot"
	"muster/bot/render"
	"muster/commands"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/playbooks/evidence"
	"muster/store"
)

// Options are what a program is made of. Live, Store and Listener are
// required; the program closes none of them.
type Options struct {
	Live     *config.Live
	Env      config.Env
	Store    *store.Store
	Listener net.Listener
	// Dial opens connections to Slack; nil: the usual way.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// HTTP speaks to PagerDuty, Twilio and the receiver of the heartbeat,
	// MailDial connects to the mail server; nil: the usual ways.
	HTTP     *http.Client
	MailDial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Now and Until are the clock that decides; nil: the plain one.
	Now   func() time.Time
	Until func(time.Time) time.Duration
	Log   *slog.Logger // nil: nowhere
	// Steps performs the steps of playbooks; nil: in child processes of this
	// binary. Evidence keeps what they leave; nil: nothing is kept or undone.
	Steps    stepRunner
	Evidence *evidence.Store
	// Watch takes over changed configuration files and listens to SIGHUP.
	Watch bool
	// Playbook names the playbook that is for an alert; nil: those of the
	// configuration.
	Playbook func(incident.Alert) (name string, ok bool)
	// Passing is told at the named moments of a step and of a delivery, for
	// tests that end the process there; nil: nobody.
	Passing func(engine.Points)
}

// Program is Muster, wired. Use New, then Run.
type Program struct {
	opt       Options
	log       *slog.Logger
	now       func() time.Time
	listener  net.Listener
	store     *store.Store
	roster    *roster
	incidents engine.Incidents
	desk      engine.Desk
	intake    *intake
	sources   sources
	outbox    *outbox.Outbox
	bot       *bot.Bot
	commands  *commands.Commands
	metrics   *metrics
	channels  channels
	steps     *steps
	runbooks  *runbooks
	groups    groups
	tests     *openTests
	setup     error // of the channels; Run returns it

	mu     sync.Mutex
	caught bool // the catch-up is done
	slack  error
	reload error
}

// New wires a program. Nothing runs and nothing is sent before Run.
func New(opt Options) *Program {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Until == nil {
		opt.Until = time.Until
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Passing == nil {
		opt.Passing = func(engine.Points) {}
	}
	p := &Program{opt: opt, log: opt.Log, now: opt.Now, listener: opt.Listener, store: opt.Store}
	p.metrics, p.tests = newMetrics(p), newOpenTests(opt.Store, opt.Log)
	p.roster = &roster{live: opt.Live, notifiers: notifiers(opt.Env), began: opt.Now(), blind: blindWatch(opt.Env)}
	cfg := engine.Config{
		Store: opt.Store, Now: opt.Now, Until: opt.Until, Log: opt.Log, Passing: opt.Passing,
		Send:     func(ds ...outbox.Delivery) { p.outbox.Add(ds...) },
		Lateness: func(d time.Duration) { p.metrics.lateness.Observe(d.Seconds()) },
	}
	p.steps = newSteps(opt)
	p.runbooks = &runbooks{live: opt.Live, steps: p.steps}
	p.roster.books = p.runbooks
	p.incidents = engine.NewIncidents(cfg, p.roster.rules)
	p.groups = newGroups()
	p.desk = engine.NewDesk(cfg, p.roster.deskRules, func(d incident.Desk) {
		p.roster.remember(d)
		p.groups.check()
	})
	p.intake = newIntake(p, cfg)
	p.bot = bot.New(bot.Config{
		BotToken: opt.Env.SlackBotToken.Reveal(), AppToken: opt.Env.SlackAppToken.Reveal(), APIURL: opt.Env.SlackAPIURL,
		Acked: func(took time.Duration) { p.metrics.ack.Observe(took.Seconds()) },
		Dial:  opt.Dial, Incidents: reader{p.incidents}, Lines: p.lines, OnCall: p.onCall, FollowUps: p.followUps, Now: opt.Now, Log: opt.Log,
		Evidence: p.steps.read, Ahead: bot.Ahead(p.roster.rules), Members: p.roster.members,
		Alerts: func() []incident.AlertGroup { return firing(alertDesk{p.intake}.Live()) },
	})
	p.commands = commands.New(commands.Config{
		Doer: doer{p.incidents}, Reader: reader{p.incidents}, Lister: reader{p.incidents}, Stats: p.statistics(), Draw: drawStats, Drills: reader{p.incidents}, People: p.bot.Directory(),
		Alerts: alertDesk{p.intake}, Lookout: alertDesk{p.intake},
		Rotas: p.roster, Desk: desk{p.desk, p.roster}, Rules: p.roster.rules(), Missing: p.roster.missing,
		Playbooks: p.runbooks, Runbooks: p.runbooks,
		TestPage:    p.ownTestPage,
		Plan:        func(incident.Severity) incident.Plan { return p.plan() },
		Default:     func() incident.Severity { return opt.Live.Get().DefaultSeverity },
		Permissions: func() commands.Permissions { return permissions(opt.Live.Get()) },
		Fault:       func(err error) { p.log.Error("a command failed", "error", err) },
	})
	p.bot.SetCommands(counted{p.commands, p.metrics})
	p.outbox = outbox.New(outbox.Config{
		Queue: engine.Queue{Store: opt.Store, ByPrefix: map[string]engine.Streams{
			engine.IncidentPrefix: p.incidents, "DESK-": p.desk, engine.AlertPrefix: p.intake.groups, engine.LookoutPrefix: p.intake.look,
		}},
		Handler: outbox.HandlerFunc(p.deliver), Route: p.route,
		Now: opt.Now, Until: opt.Until, Hooks: p.metrics.hooks(), Log: opt.Log,
	})
	p.channels, p.setup = p.newChannels()
	if p.setup == nil {
		p.sources, p.setup = p.newSources()
	}
	return p
}

// part is something that runs as long as the program.
type part struct {
	name string
	run  func(context.Context) error
	stop context.CancelFunc
	done chan struct{}
}

// Run catches up, then runs until the context ends or a part fails. Parts stop
// in reverse order: what comes in first, what goes out last.
func (p *Program) Run(ctx context.Context) error {
	if p.setup != nil {
		return p.setup
	}
	defer p.channels.close(p.log)
	if err := p.catchUp(ctx); err != nil {
		return err
	}
	parts := []*part{
		{name: "outbox", run: p.outbox.Run},
		{name: "clock", run: p.incidents.Run},
		{name: "hand-overs", run: p.desk.Run},
		{name: "alerts' clocks", run: p.intake.groups.Run},
		{name: "lookout", run: p.intake.look.Run},
		{name: "alerts", run: p.intake.run},
		{name: "user groups", run: p.followRotas},
		{name: "steps", run: p.performSteps},
		{name: "watch", run: p.watchResolved},
		{name: "upkeep", run: p.upkeep},
		{name: "http", run: p.serve},
		{name: "slack", run: p.runSlack},
	}
	parts = append(p.channels.parts(p), parts...)
	parts = append(parts, p.chores()...)
	if p.sources.alertmanager != nil {
		parts = append(parts, &part{name: "silences", run: p.watchSilenced})
	}
	if p.opt.Watch {
		parts = append(parts, &part{name: "configuration", run: p.watchConfig})
	}
	failed := make(chan error, len(parts))
	for _, part := range parts {
		p.begin(ctx, part, failed)
	}
	p.log.Info("ready", "open_incidents", len(p.incidents.OpenIncidents()))
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for i := len(parts) - 1; i >= 0; i-- {
		parts[i].stop()
		<-parts[i].done
	}
	return err
}

func (p *Program) begin(ctx context.Context, part *part, failed chan<- error) {
	ctx, part.stop = context.WithCancel(context.WithoutCancel(ctx))
	part.done = make(chan struct{})
	go func() {
		defer close(part.done)
		if err := part.run(ctx); err != nil && ctx.Err() == nil {
			failed <- fmt.Errorf("%s: %w", part.name, err)
		}
	}()
}

// catchUp steps every open incident once: what became due while the program
// was away happens now.
func (p *Program) catchUp(ctx context.Context) error {
	d, err := p.desk.State(ctx)
	if err != nil {
		return err
	}
	p.roster.remember(d)
	if err := p.desk.Begin(ctx); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if err := p.incidents.Start(ctx); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if err := p.intake.start(ctx); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	p.mu.Lock()
	p.caught = true
	p.mu.Unlock()
	return nil
}

// runSlack keeps the bot connected. A refusal that only a person can heal is
// said loudly, and everything else goes on.
func (p *Program) runSlack(ctx context.Context) error {
	if err := p.bot.Run(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("Slack is off until the program is started again", "error", err)
		p.mu.Lock()
		p.slack = err
		p.mu.Unlock()
	}
	<-ctx.Done()
	return nil
}

// requestsKept is how long an answered request is remembered: longer than any
// sender repeats.
const requestsKept = 48 * time.Hour

// upkeepAfter is how long after the start, and after each time, what need not
// be kept is looked for.
const (
	upkeepAfter = 5 * time.Minute
	upkeepEvery = time.Hour
)

// upkeep forgets old requests and erases old incidents.
func (p *Program) upkeep(ctx context.Context) error {
	next := time.NewTimer(upkeepAfter)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
			next.Reset(upkeepEvery)
		}
		if err := p.erase(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("old incidents were not erased; it is tried again within the hour", "error", err)
		}
		if _, err := p.store.ForgetRequests(ctx, p.now().Add(-requestsKept)); err != nil && ctx.Err() == nil {
			p.log.Warn("old requests were not forgotten", "error", err)
		}
	}
}

// deliver brings one effect to where it goes.
func (p *Program) deliver(ctx context.Context, d outbox.Delivery, maybeSent bool) ([]byte, error) {
	effect, err := incident.DecodeEffect(d.Kind, d.Body)
	if err != nil {
		return nil, outbox.PermanentError{Err: err}
	}
	p.opt.Passing(BeforeSend)
	if receipt, ours, err := p.deliverAlert(ctx, d, effect, maybeSent); ours {
		p.opt.Passing(AfterSend)
		return receipt, err
	}
	var receipt []byte
	switch e := effect.(type) {
	case incident.Tell:
		if d.Stream == engine.DeskStream {
			receipt, err = p.tellDesk(ctx, d, maybeSent, e)
			break
		}
		receipt, err = p.bot.Handler().Deliver(ctx, d, maybeSent)
	case incident.Post:
		receipt, err = p.postDesk(ctx, d, maybeSent, e)
	case incident.Pass:
		err = p.pass(ctx, d, e)
	case incident.Perform:
		err = p.perform(ctx, d, e)
	case incident.Interrupt:
		p.steps.cancel(d.Stream, e.N)
	case incident.CountImpact:
		err = p.countImpact(ctx, d, e)
	case incident.LookBack:
		err = p.lookBack(ctx, d)
	case incident.ShowDocument:
		receipt, err = p.postDocument(ctx, d, e, maybeSent)
	case incident.MeetingMail:
		err = p.mailMeeting(ctx, d, e, maybeSent)
	case incident.MeetingFile:
		receipt, err = p.postMeeting(ctx, d, e, maybeSent)
	case incident.ShowWatch, incident.ShowRegression:
		receipt, err = p.showWatch(ctx, d, e, maybeSent)
	case incident.Page:
		if e.Method != "slack" {
			receipt, err = p.page(ctx, d, e, maybeSent)
			break
		}
		receipt, err = p.bot.Handler().Deliver(ctx, d, maybeSent)
	case incident.Notify:
		if e.Channel.Name == "" {
			receipt, err = p.announceByMail(ctx, d, e, maybeSent)
			break
		}
		receipt, err = p.bot.Handler().Deliver(ctx, d, maybeSent)
	case incident.Follow:
		if e.Method != "slack" {
			err = p.follow(ctx, d, e, maybeSent)
			break
		}
		receipt, err = p.bot.Handler().Deliver(ctx, d, maybeSent)
	default:
		receipt, err = p.bot.Handler().Deliver(ctx, d, maybeSent)
	}
	p.opt.Passing(AfterSend)
	return receipt, p.insist(ctx, d, effect, err)
}

// The named moments of a delivery.
const (
	BeforeSend engine.Points = "before send"
	AfterSend  engine.Points = "after send"
)

// pass hands an intent to another incident; the delivery's ID makes a repeat
// harmless.
func (p *Program) pass(ctx context.Context, d outbox.Delivery, e incident.Pass) error {
	_, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: e.To, Intent: e.TakeOver, Key: "delivery:" + d.ID,
		Reply: func(incident.Incident, []incident.Event) []byte { return nil },
	})
	var refusal incident.Refusal
	if errors.As(err, &refusal) {
		return outbox.PermanentError{Err: err}
	}
	if err != nil {
		return err
	}
	return p.intake.follow(ctx, d, e.TakeOver.From, e.To, e.TakeOver.By)
}

func (p *Program) route(d outbox.Delivery) outbox.Route {
	if d.Kind == incident.EffectKind(incident.Pass{}) {
		return outbox.Route{Provider: "muster"}
	}
	switch e, _ := incident.DecodeEffect(d.Kind, d.Body); e := e.(type) {
	case incident.OpenIncident, incident.Inform, incident.Fold, incident.CountImpact, incident.LookBack:
		return outbox.Route{Provider: "muster"}
	case incident.AlertMail, incident.MeetingMail:
		return outbox.Route{Provider: "email"}
	case incident.AlertPage:
		return outbox.Route{Provider: e.Method}
	case incident.AlertSilence, incident.AlertUnsilence:
		return outbox.Route{Provider: "alertmanager"}
	case incident.Perform, incident.Interrupt:
		return outbox.Route{Provider: "steps"}
	case incident.Page:
		if e.Method != "slack" {
			return outbox.Route{Provider: e.Method}
		}
	case incident.Follow:
		if e.Method != "slack" {
			return outbox.Route{Provider: e.Method}
		}
	case incident.Notify:
		if e.Channel.Name == "" {
			return outbox.Route{Provider: "email"}
		}
	}
	return bot.Route(d)
}

// lines are the templates in force.
func (p *Program) lines() render.Lines { return lines(p.opt.Live.Get()) }

// onCall lists who is on call, for the home tab.
func (p *Program) onCall(at time.Time) []render.OnCall {
	var out []render.OnCall
	s := p.roster.Schedule()
	for _, role := range s.Roles() {
		shift := s.OnCall(role, at, p.roster.Overrides())
		out = append(out, render.OnCall{Role: role, Person: shift.OnCall().Person(), Until: shift.Until})
	}
	return out
}

// plan is what an incident that is declared now gets for its life.
func (p *Program) plan() incident.Plan {
	if hasEmail(p.opt.Env) {
		return planWithMail(p.opt.Live.Get())
	}
	return plan(p.opt.Live.Get())
}

// lastFrame is when Slack was last heard.
func (p *Program) lastFrame() time.Time { return p.bot.LastFrame() }

// person finds who is meant by an e-mail address. An address that neither the
// rotas nor Slack know is refused: a mistyped one would acknowledge for nobody.
// While Slack does not answer, it is believed.
func (p *Program) person(ctx context.Context, email string) (incident.Person, error) {
	if m, ok := p.roster.Schedule().Find(email); ok {
		return m.Person(), nil
	}
	stranger := incident.Person{Key: email, Name: email}
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	user, err := p.bot.Directory().Lookup(ctx, stranger)
	switch said, slack := errors.AsType[*bot.Error](err); {
	case err == nil && !user.Deactivated:
		return p.bot.Directory().Person(ctx, user.ID), nil
	case err == nil, slack && said.Code == "users_not_found":
		return incident.Person{}, incident.Refusal{
			Code: "person", Text: email + " is nobody that the rotas or Slack know.", Hint: "Look for a slip in the address.",
		}
	default:
		return stranger, nil
	}
}

// counted counts the commands and the forms that were sent.
type counted struct {
	*commands.Commands
	metrics *metrics
}

func (c counted) Run(ctx context.Context, call commands.Call) commands.Reply {
	reply := c.Commands.Run(ctx, call)
	c.metrics.commands.WithLabelValues(call.Via, reply.Code).Inc()
	return reply
}

func (c counted) Submit(ctx context.Context, form commands.FormSubmission) commands.Reply {
	reply := c.Commands.Submit(ctx, form)
	c.metrics.commands.WithLabelValues(form.Via, reply.Code).Inc()
	return reply
}
