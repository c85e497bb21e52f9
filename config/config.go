package config

import (
	"time"

	"muster/escalation/rota"
	"muster/incident"
	"muster/playbooks"
)

// Config is a whole configuration that has no problem. It is never changed
// after it is loaded.
type Config struct {
	// Dir is the directory it was loaded from.
	Dir string
	// Files are the ones that were read, relative to Dir, sorted. A file that
	// is not among them has its built-in default.
	Files    []string
	Schedule rota.Schedule
	Ladder   incident.Ladder
	// Policy is the ladder in short of oncall/rotation.yaml; empty: none. It
	// made the Ladder where there is no escalation.yaml.
	Policy          []PolicyStep
	Notify          map[incident.Class][]Channel
	Channels        Channels
	DefaultSeverity incident.Severity
	// Cadence is a spec for ParseCadence; empty: no update clock.
	Cadence map[incident.Severity]string
	// IncidentChannel tells which severities get a channel of their own.
	IncidentChannel map[incident.Severity]bool
	Permissions     map[Permission][]Subject
	Handover        Handover
	// UserGroups is the handle of the Slack user group that follows a rota,
	// by the rota's name.
	UserGroups map[string]string
	// AutoDeclare are label matchers: an alert that carries all labels of one
	// of them declares an incident.
	AutoDeclare []map[string]string
	Routes      []Route
	Alerts      Alerts
	Watchdog    Watchdog
	Storm       Storm
	Watch       Monitoring
	Postmortem  Postmortem
	Digest      Digest
	Retention   Retention
	// DataSources are PostgreSQL addresses by name.
	DataSources map[string]Secret
	Playbooks   Playbooks
	// Runbooks are the files of the playbooks directory, else the built-in
	// ones, by name.
	Runbooks []Runbook
	// Books are the Runbooks, read. What is wrong with one is a finding of
	// Check and keeps nothing else from working.
	Books     []playbooks.Playbook
	Templates *Templates
	teamOf    map[string]string // by the service's name in small letters
}

// BuiltIn tells whether a file ("oncall/rotation.yaml") was not there, so that
// its built-in default is used.
func (c *Config) BuiltIn(file string) bool {
	for _, f := range c.Files {
		if f == file {
			return false
		}
	}
	return true
}

// Channels are the two channels that Muster itself speaks in.
type Channels struct {
	Incidents  string
	Operations string
}

// Channel is one way in which incidents and alerts of a class are announced.
// Fields that do not belong to its type are empty.
type Channel struct {
	Type     string // pagerduty, phone, slack, email
	APIKey   Secret // pagerduty
	Urgency  string // pagerduty: high, low
	Provider string // phone: twilio
	Channel  string // slack: #name or ID
	Mention  string // slack: @here, @channel, @group; empty: none
	// To are e-mail addresses; empty: whoever is on call.
	To []string
}

// PolicyStep is one line of an escalation_policy.
type PolicyStep struct {
	Delay  time.Duration
	Notify string // the role
	Line   int    // in oncall/rotation.yaml
}

// Permission is something that a person may be allowed to do.
type Permission string

// The permissions. Operate runs changing steps, Approve another person's.
const (
	Declare Permission = "declare"
	Respond Permission = "respond"
	Operate Permission = "operate"
	Approve Permission = "approve"
	Admin   Permission = "admin"
)

// Permissions lists all of them, the widest first.
var Permissions = []Permission{Declare, Respond, Operate, Approve, Admin}

// SubjectKind says what a Subject names.
type SubjectKind string

// The kinds of subjects. Everyone has no name.
const (
	Everyone  SubjectKind = "everyone"
	UserGroup SubjectKind = "group"
	InRota    SubjectKind = "rota"
	HasRole   SubjectKind = "role"
	OneUser   SubjectKind = "person"
)

// Subject is who a permission is given to.
type Subject struct {
	Kind SubjectKind
	// Name is the group's handle without @, the rota's name, the incident's
	// role, or the lower-case e-mail address.
	Name string
}

// String gives the subject as the file has it.
func (s Subject) String() string {
	switch s.Kind {
	case UserGroup:
		return "@" + s.Name
	case InRota, HasRole:
		return string(s.Kind) + ":" + s.Name
	case OneUser:
		return s.Name
	default:
		return string(Everyone)
	}
}

// Handover is how shifts change hands.
type Handover struct {
	AcceptWithin time.Duration
}

// Storm is when many alerts become one incident: more than Alerts in Window.
type Storm struct {
	Alerts int
	Window time.Duration
}

// Monitoring is the look-out for regressions after resolving. For is zero:
// none.
type Monitoring struct {
	For, Every time.Duration
	Reopen     string // offer, auto, off
	// Queries are looked at beside those of the playbook and the alert.
	Queries []incident.WatchQuery
}

// Playbooks are the limits of what playbooks may do.
type Playbooks struct {
	AutoApprove []string
	ExecAllow   []string
	CurlAllow   []string
	// ReadAs and ChangeAs are the users of the cluster that steps speak as;
	// empty: the credential's own.
	ReadAs   string
	ChangeAs string
}

// Runbook is one playbook file.
type Runbook struct {
	Name string // the file's name without .md
	File string // relative to the configuration's directory
	Text string
}
