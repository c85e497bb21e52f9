package playbooks

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Judge says what a command with exactly these words would do: for whoever
// runs a step, right before each command, when all words are known. A command
// whose class Exceeds that of the step must not run.
func Judge(argv []string) Command {
	words := make([]word, len(argv))
	for i, a := range argv {
		words[i] = word{val: strings.Map(plainRune, a), text: a}
	}
	s := &script{assigned: map[string]bool{}}
	a := &analysis{script: s, values: map[string]string{}}
	j := judging{script: s, nested: a.nested}
	c := j.judge(words)
	c.Text = oneLine(strings.Join(argv, " "), 400)
	for _, inner := range j.inner {
		if inner.Class.Exceeds(c.Class) {
			c.Class, c.Why = inner.Class, inner.Why
		}
		c.Needs = append(c.Needs, inner.Needs...)
	}
	return c
}

// plainRune takes the meaning from characters that stand for parameters: in
// the words of a running command there are none.
func plainRune(r rune) rune {
	if isHole(r) || r == unknown {
		return '\ufffd'
	}
	return r
}

// judging is the judgement of one command.
type judging struct {
	*script
	// nested reads shell text that is an argument.
	nested func(string) []Command
	inner  []Command
	line   int
}

// tools are the commands that exist. /incident is one of them.
var tools map[string]func(*judging, []word) Command

func init() {
	tools = map[string]func(*judging, []word) Command{
		"kubectl": (*judging).kubectl, "curl": (*judging).curl, "openssl": (*judging).openssl,
		"watch": (*judging).watch, "/incident": (*judging).incident, "pagerduty-cli": (*judging).pagerDuty, "open": (*judging).open,
		"sleep": (*judging).sleep, "date": (*judging).date, "echo": (*judging).says, "printf": (*judging).says,
		"jq": (*judging).jq, "sed": (*judging).sed, "awk": (*judging).awk,
		"true": (*judging).nothing, "false": (*judging).nothing, ":": (*judging).nothing, "exit": (*judging).nothing,
		"break": (*judging).nothing, "continue": (*judging).nothing, "set": (*judging).set, "unset": (*judging).nothing,
		"read": (*judging).read, "test": (*judging).test, "[": (*judging).test,
	}
	for name := range filters {
		tools[name] = (*judging).filter
	}
}

// Tools lists the commands that exist, sorted.
func Tools() []string {
	var names []string
	for name := range tools {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// refusals are well-known commands that do not exist, and why.
var refusals = map[string]string{
	"eval":    "eval makes commands out of text, so nobody could see what runs",
	"source":  "there are no files to read commands from",
	".":       "there are no files to read commands from",
	"exec":    "exec would replace the step by a program of the host",
	"command": "write the command itself", "builtin": "write the command itself", "env": "there is no environment; write the command itself",
	"alias": "one command must not get the name of another", "trap": "nothing runs at a signal", "cd": "there are no folders",
	"bash": "no shell of the host is started; write the commands out", "sh": "no shell of the host is started; write the commands out",
	"zsh":  "no shell of the host is started; write the commands out",
	"sudo": "nothing runs as another user", "su": "nothing runs as another user",
	"xargs": "xargs makes commands out of text; use for NAME in $(…)", "tee": "there are no files to write",
	"psql": "write the query as a block of ```sql", "pg_dump": "no program of the host is started; run it in a pod with kubectl exec",
	"ssh": "there is no way to other machines", "scp": "there is no way to other machines",
	"wget": "use curl", "cat": "", "timeout": "every step has a deadline anyway; leave it out", "nohup": "nothing outlives its step",
	"helm": "helm is not part of this program; use kubectl rollout undo, or run helm yourself", "docker": "no program of the host is started",
	"rm": "there are no files to remove", "mkdir": "there are no folders; what a step prints is kept as evidence anyway",
	"python": "no program of the host is started", "python3": "no program of the host is started", "perl": "no program of the host is started",
	"promtool": "write the query as a block of ```promql", "logcli": "write the query as a block of ```logql",
	"wait": "nothing runs in the background", "shift": "a step has no arguments", "mapfile": "lists in variables are not run",
	"readarray": "lists in variables are not run", "return": "functions are not run", "vi": "nobody is at the keyboard", "less": "nobody is at the keyboard",
}

func (j *judging) impossible(tool, format string, args ...any) Command {
	return Command{Tool: tool, Class: Impossible, Why: fmt.Sprintf(format, args...)}
}

func reading(tool, why string, needs ...Need) Command {
	return Command{Tool: tool, Class: Reading, Why: why, Needs: needs}
}

func (j *judging) judge(words []word) Command {
	if len(words) == 0 {
		return reading("shell", "it only gives variables a value")
	}
	name := words[0].val
	if !words[0].static() {
		return j.impossible("shell", "which command it is would be known only when it runs")
	}
	if why, found := foreign(name); found {
		return j.impossible("shell", "in the command's name %s", why)
	}
	tool, ok := tools[name]
	if !ok {
		return j.unknownCommand(name)
	}
	if name != "echo" && name != "printf" && name != "/incident" && name != "grep" && name != "[" && name != "test" {
		for _, w := range words[1:] {
			if why, found := foreign(w.val); found && !strings.ContainsAny(w.text, `'"`) {
				return j.impossible(name, "in %s %s", j.holes.show(w.val), why)
			}
		}
	}
	c := tool(j, words)
	if c.Tool == "" {
		c.Tool = name
	}
	return c
}

func (j *judging) unknownCommand(name string) Command {
	if why := refusals[name]; why != "" {
		return j.impossible(name, "%s is not a command here: %s", name, why)
	}
	if strings.Contains(name, "/") {
		return j.impossible(name, "%s is a program of the host, and none is started", oneLine(name, 60))
	}
	return j.impossible(name, "%s is not a command here; there are kubectl, curl, jq, text filters and a few more", oneLine(name, 60))
}

func (j *judging) nothing(words []word) Command { return reading(words[0].val, "it changes nothing") }

func (j *judging) says(words []word) Command { return reading(words[0].val, "it only prints") }

func (j *judging) set(words []word) Command {
	for _, w := range words[1:] {
		switch w.val {
		case "-e", "-u", "-eu", "-ue", "-x", "-ex", "-eux", "+x", "+e", "-o", "pipefail", "-euo", "-eo", "-euxo", "errexit", "nounset":
		default:
			return j.impossible("set", "only set -e, -u, -x and -o pipefail are run")
		}
	}
	return reading("set", "it changes nothing")
}

func (j *judging) read(words []word) Command {
	for _, w := range words[1:] {
		if !w.static() || strings.HasPrefix(w.val, "-") && w.val != "-r" {
			return j.impossible("read", "only read and read -r with names are run")
		}
		if !strings.HasPrefix(w.val, "-") && !variableName(w.val) {
			return j.impossible("read", "%s is the shell's own variable", w.val)
		}
	}
	return reading("read", "it takes a line of what it is given")
}

func (j *judging) test(words []word) Command {
	for i, w := range words[1:] {
		if !w.static() {
			continue
		}
		switch w.val {
		case "-n", "-z", "-eq", "-ne", "-lt", "-le", "-gt", "-ge":
		default:
			if i == 0 && len(words) > 2 && len(w.val) == 2 && w.val[0] == '-' {
				return j.impossible(words[0].val, "there are no files to test; only texts and numbers can be compared")
			}
		}
	}
	return reading(words[0].val, "it compares texts or numbers")
}

// longestSleep is what one sleep may ask for, in seconds.
const longestSleep = 600

func (j *judging) sleep(words []word) Command {
	total := 0.0
	for _, w := range words[1:] {
		if !w.static() {
			if w.place {
				continue
			}
			return reading("sleep", "it waits, at most as long as the step may take")
		}
		unit := 1.0
		text := w.val
		switch {
		case strings.HasSuffix(text, "m"):
			unit = 60
		case strings.HasSuffix(text, "h"):
			unit = 3600
		case strings.HasSuffix(text, "d"):
			unit = 86400
		}
		n, err := strconv.ParseFloat(strings.TrimRight(text, "smhd"), 64)
		if err != nil || !(n >= 0) {
			return j.impossible("sleep", "%s is no time to wait", oneLine(text, 40))
		}
		total += n * unit
	}
	if len(words) == 1 || !(total <= longestSleep) {
		return j.impossible("sleep", "it waits longer than 10 minutes, and no step takes that long")
	}
	return reading("sleep", "it waits")
}

func (j *judging) date(words []word) Command {
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case w.val == "-d" || w.val == "--date":
			i++
		case strings.HasPrefix(w.val, "-d"), strings.HasPrefix(w.val, "--date="), strings.HasPrefix(w.val, "+"), strings.HasPrefix(w.val, "-I"),
			strings.HasPrefix(w.val, "--iso-8601"), strings.HasPrefix(w.val, "--rfc-3339="), w.val == "-u", w.val == "--utc", w.val == "-R":
		default:
			return j.impossible("date", "date only tells the time: -u, -d and +FORMAT; %s is not among them", j.holes.show(oneLine(w.val, 40)))
		}
	}
	return reading("date", "it tells the time")
}

func (j *judging) openssl(words []word) Command {
	if len(words) < 2 || words[1].val != "rand" || !words[1].static() {
		return j.impossible("openssl", "of openssl there is only `openssl rand`")
	}
	for _, w := range words[2:] {
		n, err := strconv.Atoi(w.val)
		switch {
		case w.val == "-hex" || w.val == "-base64":
		case w.place || err == nil && n > 0 && n <= 4096:
		default:
			return j.impossible("openssl", "openssl rand takes -hex or -base64 and a number of bytes up to 4096, not %s", j.holes.show(oneLine(w.val, 40)))
		}
	}
	return reading("openssl", "it makes a random value, which is masked wherever it is shown")
}

func (j *judging) incident(words []word) Command {
	verb := ""
	if len(words) > 1 && words[1].static() {
		verb = strings.ToLower(words[1].val)
	}
	c := reading("/incident", "it speaks for this incident, with the rights of whoever clicks", Need{NeedIncident, verb})
	c.Verb = verb
	if len(words) > 1 && verb == "" {
		return j.impossible("/incident", "which of Muster's commands it is would be known only when it runs")
	}
	if slices.Contains([]string{"playbook", "playbooks", "runbook", "pb"}, verb) {
		return j.impossible("/incident", "a step neither runs nor approves steps")
	}
	return c
}

func (j *judging) pagerDuty(words []word) Command {
	if len(words) < 3 || words[1].val != "incidents" || words[2].val != "acknowledge" && words[2].val != "resolve" {
		return j.impossible("pagerduty-cli", "of pagerduty-cli there are only `incidents acknowledge` and `incidents resolve`, for this incident")
	}
	c := reading("pagerduty-cli", "it speaks for this incident's page only, whichever is named", Need{NeedPagerDuty, ""})
	c.Verb = words[2].val
	return c
}

func (j *judging) open(words []word) Command {
	if len(words) != 2 || words[1].open || strings.ContainsRune(words[1].val, unknown) {
		return j.impossible("open", "open takes one address")
	}
	u, err := url.Parse(j.sample(words[1].val))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return j.impossible("open", "open takes an address that begins with https:// and has no password in it")
	}
	return reading("open", "it becomes a link")
}

// sample gives a text with a plain word in the place of each parameter.
func (j *judging) sample(s string) string {
	return strings.Map(func(r rune) rune {
		if isHole(r) {
			return 'x'
		}
		return r
	}, s)
}

// watch is a bounded repeat of a reading command.
func (j *judging) watch(words []word) Command {
	i := 1
	for ; i < len(words) && strings.HasPrefix(words[i].val, "-"); i++ {
		w := words[i]
		switch {
		case !static(w.val):
			return j.impossible("watch", "its options would be known only when it runs")
		case w.val == "-n" || w.val == "--interval" || w.val == "-c" || w.val == "--count":
			i++
			if i < len(words) && !words[i].place && !number(words[i].val) {
				return j.impossible("watch", "%s takes a number", w.val)
			}
		case strings.HasPrefix(w.val, "-n") && number(w.val[2:]), strings.HasPrefix(w.val, "--interval=") && number(w.val[11:]):
		case strings.HasPrefix(w.val, "--count=") && number(w.val[8:]):
		case w.val == "-x" || w.val == "--exec" || w.val == "-d" || w.val == "--differences" || w.val == "-t" || w.val == "--no-title":
		default:
			return j.impossible("watch", "watch takes -n SECONDS and a command; %s is not among them", oneLine(w.val, 40))
		}
	}
	if i >= len(words) {
		return j.impossible("watch", "watch needs a command to repeat")
	}
	var inner []Command
	if rest := words[i:]; len(rest) == 1 {
		if rest[0].open || strings.ContainsRune(rest[0].val, unknown) {
			return j.impossible("watch", "which command it repeats would be known only when it runs")
		}
		inner = j.nested(rest[0].val)
	} else {
		k := judging{script: j.script, nested: j.nested, line: j.line}
		c := k.judge(rest)
		c.Text = oneLine(j.text(rest), 400)
		inner = append([]Command{c}, k.inner...)
	}
	c := reading("watch", "it repeats a reading command a bounded number of times")
	for _, in := range inner {
		switch in.Class {
		case Impossible:
			return j.impossible("watch", "what it repeats cannot run: %s", in.Why)
		case Changing:
			return j.impossible("watch", "a command that changes something is not repeated: %s", in.Why)
		}
		c.Needs = append(c.Needs, in.Needs...)
	}
	j.inner = append(j.inner, inner...)
	return c
}

func (j *judging) text(words []word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = j.holes.show(w.text)
	}
	return strings.Join(texts, " ")
}

func number(s string) bool {
	n, err := strconv.ParseFloat(s, 64)
	return err == nil && n >= 0 && n < 1e6
}
