package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"muster/app"
)

// commandLine is every command and flag of the program.
type commandLine struct {
	Run        runCommand       `cmd:"" help:"Run the incident commander against Slack."`
	Demo       demoCommand      `cmd:"" help:"Run a whole local Slack workspace in the browser; no account needed."`
	Check      checkCommand     `cmd:"" help:"Check the configuration and look 90 days ahead on call."`
	Doctor     doctorCommand    `cmd:"" help:"Check tokens, channels and data from this machine."`
	Oncall     oncallCommand    `cmd:"" help:"Say who is on call, until when, and who is next."`
	Simulate   simulateCommand  `cmd:"" help:"Say who would be woken, when and by what: muster simulate P0 'Sun 03:00 Europe/Berlin'."`
	Page       pageCommand      `cmd:"" help:"Send a test page: muster page --test --as alice@example.com."`
	Incident   incidentCommand  `cmd:"" help:"Give an incident command to the running program: muster incident ack INC-3." passthrough:""`
	Alert      alertCommand     `cmd:"" help:"Send a test alert through the running program."`
	Playbook   playbookCommand  `cmd:"" help:"Read playbooks: what is wrong with them, and what their steps would run."`
	Backup     backupCommand    `cmd:"" help:"Write a copy of the data and its evidence, also while the program runs."`
	Export     exportCommand    `cmd:"" help:"Write one incident as an archive with hashes, or check such a file."`
	Import     takeInCommand    `cmd:"" help:"Take an exported incident of another installation in, to be read; the program must not run."`
	Audit      auditCommand     `cmd:"" help:"Check the record."`
	Evidence   evidenceCommand  `cmd:"" help:"Work with what steps of playbooks kept."`
	Config     configCommand    `cmd:"" help:"Work with configuration files."`
	Storybook  storybookCommand `cmd:"" help:"Render every message and form that the program can produce."`
	Healthy    healthyCommand   `cmd:"" name:"healthcheck" help:"Ask the running program for its health; for containers."`
	VersionNow kong.VersionFlag `name:"version" help:"Print the version."`
}

type question struct {
	Config string `help:"The configuration directory." default:"./config" type:"path"`
	At     moment `help:"The moment the question is about, such as 2026-11-29T03:00:00Z (RFC 3339); default: now."`
	JSON   bool   `name:"json" help:"Answer in JSON."`
}

// moment is a time on the command line; zero: not given.
type moment struct{ time.Time }

// UnmarshalText reads RFC 3339; its error says how that looks.
func (m *moment) UnmarshalText(text []byte) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("%q is not a time: write it as 2026-11-29T03:00:00Z, or with a zone's distance as 2026-11-29T03:00:00+01:00", text)
	}
	return nil
}

func (q question) options() app.Question {
	return app.Question{Config: q.Config, At: q.At.Time, JSON: q.JSON, Out: os.Stdout, Env: os.LookupEnv}
}

type runCommand struct {
	Config string `help:"The configuration directory." default:"./config" type:"path"`
	Data   string `help:"The data file." default:"./data/muster.db" type:"path"`
	Listen string `help:"The HTTP address." default:"127.0.0.1:8080"`
	Log    string `help:"How much to log." enum:"debug,info,warn,error" default:"info"`
}

func (c runCommand) Run(ctx context.Context) error {
	return app.Run(ctx, app.RunFlags{Config: c.Config, Data: c.Data, Listen: c.Listen, Log: c.Log}, os.LookupEnv, os.Stderr)
}

type demoCommand struct {
	Listen string  `help:"The page's address." default:"127.0.0.1:3000"`
	Speed  float64 `help:"How fast the demo's clock runs: 1 (as the wall's) to 60." default:"1"`
	NoOpen bool    `help:"Leave the browser alone."`
	Config string  `help:"A configuration directory to try; default: the built-in one." type:"path"`
	Data   string  `help:"A data file to keep; default: one that is removed at the end." type:"path"`
	Log    string  `help:"How much to log." enum:"debug,info,warn,error" default:"warn"`
}

func (c demoCommand) Run(ctx context.Context) error {
	return app.Demo(ctx, app.DemoFlags{
		Listen: c.Listen, Speed: c.Speed, NoOpen: c.NoOpen, Config: c.Config, Data: c.Data, Log: c.Log,
	}, os.Stdout, os.Stderr)
}

type checkCommand struct {
	question
	Slack bool `help:"Also look for every member in Slack."`
}

func (c checkCommand) Run(ctx context.Context) error {
	return app.CheckConfig(ctx, c.options(), c.Slack)
}

type doctorCommand struct {
	question
	Data string `help:"The data file." default:"./data/muster.db" type:"path"`
}

func (c doctorCommand) Run(ctx context.Context) error { return app.Doctor(ctx, c.options(), c.Data) }

type oncallCommand struct {
	question
	Data string   `help:"The data file, for overrides when the program does not run." default:"./data/muster.db" type:"path"`
	ICS  bool     `name:"ics" help:"Write the shifts of the next 90 days as a calendar: of a person, a rota, or everybody."`
	When []string `arg:"" optional:"" help:"When, in words: 'Sun 03:00 Europe/Berlin'; with --ics: whose shifts."`
}

func (c oncallCommand) Run(ctx context.Context) error {
	if c.ICS {
		return app.Calendar(ctx, c.options(), c.Data, strings.Join(c.When, " "), os.Stderr)
	}
	return app.OnCall(ctx, c.options(), c.Data, strings.Join(c.When, " "))
}

type simulateCommand struct {
	question
	Data string   `help:"The data file, for overrides when the program does not run." default:"./data/muster.db" type:"path"`
	What []string `arg:"" optional:"" help:"A severity and a time."`
}

func (c simulateCommand) Run(ctx context.Context) error {
	return app.Simulate(ctx, c.options(), c.Data, c.What)
}

type pageCommand struct {
	Test bool   `required:"" help:"Mark the page as a test; pages that are none come from incidents."`
	As   string `required:"" placeholder:"ADDRESS" help:"Who is paged: an e-mail address of oncall/rotation.yaml."`
	JSON bool   `name:"json" help:"Answer in JSON."`
}

func (c pageCommand) Run(ctx context.Context) error {
	return app.TestPage(ctx, app.Question{JSON: c.JSON, Out: os.Stdout, Env: os.LookupEnv}, c.As)
}

type alertCommand struct {
	Test alertTestCommand `cmd:"" help:"Send a sample alert through everything: the inlet, the record, the channels, and an incident where one is declared."`
}

type alertTestCommand struct {
	Severity string `help:"The alert's severity." enum:"critical,warning,info" default:"warning"`
	Resolved bool   `help:"Send the end of the alert."`
	JSON     bool   `name:"json" help:"Answer in JSON."`
}

func (c alertTestCommand) Run(ctx context.Context) error {
	return app.AlertTest(ctx, app.Question{JSON: c.JSON, Out: os.Stdout, Env: os.LookupEnv}, c.Severity, c.Resolved)
}

type incidentCommand struct {
	Words []string `arg:"" optional:"" help:"The command, as behind /incident; --as alice@example.com says for whom."`
}

func (c incidentCommand) Run(ctx context.Context) error {
	if len(c.Words) == 1 && (c.Words[0] == "--help" || c.Words[0] == "-h") {
		return app.IncidentHelp(ctx, os.Stdout)
	}
	return app.Incident(ctx, c.Words, os.LookupEnv, os.Stdout)
}

type playbookCommand struct {
	Lint lintCommand         `cmd:"" help:"Say what every block of a playbook is, what it needs, and why it cannot run; exit code 1 with problems."`
	Plan playbookPlanCommand `cmd:"" help:"Say what each step of a playbook would run."`
}

type lintCommand struct {
	question
	Files []string `arg:"" optional:"" help:"Playbook files, or names of the configuration's; default: all of the configuration's."`
}

func (c lintCommand) Run() error { return app.LintPlaybooks(c.options(), c.Files) }

type playbookPlanCommand struct {
	question
	File string   `arg:"" help:"A playbook file, or the name of one of the configuration's."`
	Step []string `arg:"" optional:"" help:"The step's number, or the beginning of its title."`
}

func (c playbookPlanCommand) Run() error {
	return app.PlanPlaybook(c.options(), c.File, strings.Join(c.Step, " "))
}

type backupCommand struct {
	question
	Data string `help:"The data file." default:"./data/muster.db" type:"path"`
	To   string `arg:"" help:"The file to write." type:"path"`
}

func (c backupCommand) Run(ctx context.Context) error {
	return app.Backup(ctx, c.options(), c.Data, c.To)
}

type exportCommand struct {
	question
	Data   string `help:"The data file." default:"./data/muster.db" type:"path"`
	Out    string `help:"The file to write; INC-n.zip if not given." type:"path"`
	Verify bool   `help:"Check the archive FILE instead of writing one."`
	What   string `arg:"" placeholder:"INC-n|FILE" help:"The incident, or with --verify the file."`
}

func (c exportCommand) Run(ctx context.Context) error {
	if c.Verify {
		return app.VerifyExport(c.options(), c.What)
	}
	return app.Export(ctx, c.options(), c.Data, strings.ToUpper(c.What), c.Out)
}

type takeInCommand struct {
	question
	Data string `help:"The data file." default:"./data/muster.db" type:"path"`
	File string `arg:"" help:"The archive that muster export wrote." type:"path"`
}

func (c takeInCommand) Run(ctx context.Context) error {
	return app.Import(ctx, c.options(), c.Data, c.File)
}

type auditCommand struct {
	Verify verifyCommand `cmd:"" help:"Check the chain of hashes over the whole history."`
}

type verifyCommand struct {
	question
	Data    string `help:"The data file." default:"./data/muster.db" type:"path"`
	Archive string `help:"Check this archive of an incident instead; nothing else is needed." placeholder:"FILE" type:"path"`
}

func (c verifyCommand) Run(ctx context.Context) error {
	if c.Archive != "" {
		return app.VerifyExport(c.options(), c.Archive)
	}
	return app.Verify(ctx, c.options(), c.Data)
}

type configCommand struct {
	Init   initCommand   `cmd:"" help:"Write the built-in configuration, complete and commented; never overwrites a file."`
	Import importCommand `cmd:"" name:"import-pagerduty" help:"Print PagerDuty's schedules as oncall/rotation.yaml; what a rota cannot express is said on standard error."`
}

type initCommand struct {
	Config string `help:"The directory to write to." default:"./config" type:"path"`
}

func (c initCommand) Run() error { return app.InitConfig(c.Config, os.Stdout) }

type importCommand struct{}

func (importCommand) Run(ctx context.Context) error {
	return app.ImportPagerDuty(ctx, os.LookupEnv, os.Stdout, os.Stderr)
}

type storybookCommand struct {
	Format string `help:"json or html." enum:"json,html" default:"html"`
}

func (c storybookCommand) Run() error { return app.Storybook(c.Format, os.Stdout) }

type healthyCommand struct{}

func (healthyCommand) Run(ctx context.Context) error {
	return app.Healthcheck(ctx, os.LookupEnv, os.Stdout)
}
