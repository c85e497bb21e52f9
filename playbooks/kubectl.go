package playbooks

import (
	"fmt"
	"slices"
	"strings"
)

// kubectlCall is a kubectl command taken apart.
type kubectlCall struct {
	verb   string
	rest   []word
	values map[string][]word
	// after are the words behind --.
	after   []word
	divided bool
	// loose says that a word may turn out to be an option.
	loose bool
}

// on tells whether a flag without a value is switched on, or may be.
func (c kubectlCall) on(flag string) bool {
	v := c.values[flag]
	return len(v) > 0 && v[len(v)-1].val != "false"
}

func (j *judging) kubectl(words []word) Command {
	call, refused := j.kubectlCall(words)
	if refused != nil {
		return *refused
	}
	v := verbs[call.verb]
	c := Command{Tool: "kubectl", Verb: call.verb, Class: v.class, Why: v.does}
	c.Needs = append(c.Needs, Need{NeedCluster, strings.TrimSpace(call.verb + " " + j.resource(call))})
	if why := j.kubectlRefusal(call); why != "" {
		return Command{Tool: "kubectl", Verb: call.verb, Class: Impossible, Why: why, Needs: c.Needs}
	}
	switch {
	case call.verb == "exec":
		return j.kubectlExec(call, c)
	case call.verb == "cp":
		return j.kubectlCp(call, c)
	case v.trial && j.trial(call):
		c.Class, c.Why = Reading, "with --dry-run=client it changes nothing"
	case (call.verb == "set env" || call.verb == "label" || call.verb == "annotate") && j.lists(call):
		c.Class, c.Why = Reading, "with --list it only reads"
	case call.loose && v.class == Reading:
		c.Why += "; words that are known only when it runs are looked at again before it does"
	}
	return c
}

// resource names what a command is about, as far as it is plain to see.
func (j *judging) resource(call kubectlCall) string {
	switch {
	case call.verb == "logs" || call.verb == "exec" || call.verb == "cp" || strings.HasPrefix(call.verb, "top"):
		return ""
	case len(call.rest) == 0 || !call.rest[0].static():
		return ""
	}
	name, _, _ := strings.Cut(call.rest[0].val, "/")
	return name
}

// kubectlCall takes a command apart. What is not on the lists is refused.
func (j *judging) kubectlCall(words []word) (kubectlCall, *Command) {
	no := func(format string, args ...any) (kubectlCall, *Command) {
		c := Command{Tool: "kubectl", Class: Impossible, Why: fmt.Sprintf(format, args...)}
		return kubectlCall{}, &c
	}
	// Before the verb stand only flags of every verb.
	name, rest, why := j.verbOf(words)
	if why != "" {
		return no("%s", why)
	}
	v, known := verbs[name]
	if !known {
		return no("kubectl %s is not a verb that is run here", oneLine(name, 40))
	}
	call := kubectlCall{verb: name, values: map[string][]word{}}
	for i := 0; i < len(rest); i++ {
		w := rest[i]
		switch {
		case w.open || strings.HasPrefix(w.val, string(unknown)):
			call.rest, call.loose = append(call.rest, w), true
		case w.val == "--":
			call.after, call.divided = rest[i+1:], true
			i = len(rest)
		case strings.HasPrefix(w.val, "-") && w.val != "-":
			used, why := j.flag(&call, v, name, rest[i:])
			if why != "" {
				return no("%s", why)
			}
			i += used
		default:
			call.rest = append(call.rest, w)
		}
	}
	return call, nil
}

// verbOf finds the verb, and gives what stands around it.
func (j *judging) verbOf(words []word) (name string, rest []word, why string) {
	var names []string
	for i := 1; i < len(words); i++ {
		w := words[i]
		if !w.static() {
			return "", nil, "which verb of kubectl it is would be known only when it runs"
		}
		if strings.HasPrefix(w.val, "-") {
			taken := 1
			f := flagList(everyVerb)
			key, _, given := strings.Cut(strings.TrimLeft(w.val, "-"), "=")
			if !strings.HasPrefix(w.val, "--") && len(w.val) > 1 {
				key, given = string(w.val[1]), len(w.val) > 2
				if long := f.letters[w.val[1]]; long != "" {
					key = long
				} else if long := noLetters[w.val[1]]; long != "" {
					key = long
				}
			}
			if why := noFlags[key]; why != "" {
				return "", nil, "kubectl --" + key + ": " + why
			}
			kind, known := f.kinds[key]
			if !known {
				return "", nil, fmt.Sprintf("kubectl has no %s here", oneLine(w.val, 40))
			}
			if kind == valued && !given {
				taken = 2
			}
			rest = append(rest, words[i:min(i+taken, len(words))]...)
			i += taken - 1
			continue
		}
		names = append(names, w.val)
		if why := noVerbs[w.val]; why != "" && len(names) == 1 {
			return "", nil, "kubectl " + w.val + " is not run: " + why
		}
		family, two := families[names[0]]
		if !two {
			return w.val, append(rest, words[i+1:]...), ""
		}
		if len(names) == 2 {
			second, ok := family[w.val]
			if !ok {
				return "", nil, fmt.Sprintf("kubectl %s %s is not a verb that is run here", names[0], oneLine(w.val, 40))
			}
			return names[0] + " " + second, append(rest, words[i+1:]...), ""
		}
	}
	return "", nil, "kubectl needs a verb, such as get"
}

// flag reads the flag that the words begin with, and gives how many words
// more it took.
func (j *judging) flag(call *kubectlCall, v verb, name string, words []word) (used int, why string) {
	w := words[0]
	if strings.HasPrefix(w.val, "--") {
		key, value, given := strings.Cut(w.val[2:], "=")
		if !static(key) {
			return 0, "one of its options would be known only when it runs"
		}
		kind, known := v.flags.kinds[key]
		if why := noFlags[key]; why != "" && !offFlag(key, value, given) && (key != "recursive" || name != "explain") {
			return 0, "kubectl --" + key + ": " + why
		}
		if !known {
			return 0, fmt.Sprintf("kubectl %s has no --%s here", name, oneLine(key, 40))
		}
		if given {
			call.values[key] = append(call.values[key], word{val: value, text: value, open: w.open, place: j.isPlace(value)})
			return 0, ""
		}
		return call.take(key, kind, words)
	}
	for k := 1; k < len(w.val); k++ {
		letter := w.val[k]
		if long := noLetters[letter]; long != "" && v.flags.letters[letter] == "" {
			return 0, "kubectl -" + string(letter) + ": " + noFlags[long]
		}
		key := v.flags.letters[letter]
		if key == "" {
			return 0, fmt.Sprintf("kubectl %s has no -%s here", name, oneLine(j.holes.show(w.val[k:]), 20))
		}
		if why := noFlags[key]; why != "" && (key != "recursive" || name != "explain") {
			return 0, "kubectl -" + string(letter) + ": " + why
		}
		if v.flags.kinds[key] != valued {
			if k+1 < len(w.val) && w.val[k+1] == '=' {
				call.values[key] = append(call.values[key], word{val: w.val[k+2:]})
				return 0, ""
			}
			call.values[key] = append(call.values[key], word{val: "true"})
			continue
		}
		if k+1 < len(w.val) {
			value := strings.TrimPrefix(w.val[k+1:], "=")
			call.values[key] = append(call.values[key], word{val: value, text: value, open: w.open, place: j.isPlace(value)})
			return 0, ""
		}
		return call.take(key, valued, words)
	}
	return 0, ""
}

func (j *judging) isPlace(s string) bool {
	_, ok := j.holes.only(s)
	return ok
}

// offFlag tells whether a flag that is refused is given only to say that it
// is off.
func offFlag(key, value string, given bool) bool {
	return given && value == "false" && (key == "insecure-skip-tls-verify" || key == "interactive" || key == "local" || key == "edit" || key == "prune" || key == "recursive")
}

func (c *kubectlCall) take(key string, kind flagKind, words []word) (used int, why string) {
	if kind != valued {
		c.values[key] = append(c.values[key], word{val: "true"})
		return 0, ""
	}
	if len(words) < 2 {
		return 0, "kubectl --" + key + " needs a value"
	}
	if words[1].open {
		c.loose = true
	}
	c.values[key] = append(c.values[key], words[1])
	return 1, ""
}

// trial tells whether a changing verb surely changes nothing.
func (j *judging) trial(call kubectlCall) bool {
	runs := call.values["dry-run"]
	return len(runs) == 1 && runs[0].val == "client" && !call.loose
}

func (j *judging) lists(call kubectlCall) bool {
	if !call.on("list") || call.loose {
		return false
	}
	return !slices.ContainsFunc(call.rest, func(w word) bool {
		return !w.static() || strings.Contains(w.val, "=") || strings.HasSuffix(w.val, "-")
	})
}

// kubectlRefusal finds what keeps a command of a known verb with known flags
// from running.
func (j *judging) kubectlRefusal(call kubectlCall) string {
	for _, f := range call.values["filename"] {
		if f.val != "-" {
			if strings.Contains(f.val, "://") {
				return "kubectl -f takes only - and reads what it is given by a here-document: nothing is loaded from an address"
			}
			return "kubectl -f takes only - and reads what it is given by a here-document: " + noFiles
		}
	}
	if call.on("watch") || call.on("watch-only") || call.on("output-watch-events") {
		if call.verb != "rollout status" {
			return "it would watch without end; write watch -n 5 kubectl " + call.verb + " …"
		}
	}
	if call.on("follow") {
		return "it would follow the logs without end; use --since or --tail"
	}
	for _, o := range call.values["output"] {
		if name, _, _ := strings.Cut(o.val, "="); strings.HasSuffix(name, "-file") {
			return "kubectl -o " + name + ": " + noFiles
		}
	}
	if call.verb == "create" && len(call.rest) > 0 && call.rest[0].val == "token" {
		return "it would show a token to everybody in the channel"
	}
	return j.secrets(call)
}

// secrets keeps the values of secrets out of a thread.
func (j *judging) secrets(call kubectlCall) string {
	if call.verb != "get" {
		return ""
	}
	secret := len(call.values["filename"]) > 0 // what it names is not looked into
	if len(call.rest) == 0 {
		call.rest = []word{{}}
	}
	for kind := range strings.SplitSeq(call.rest[0].val, ",") {
		kind, _, _ = strings.Cut(strings.ToLower(kind), "/")
		kind, _, _ = strings.Cut(kind, ".")
		secret = secret || kind == "secret" || kind == "secrets"
	}
	for _, w := range call.rest[1:] {
		kind, _, ok := strings.Cut(strings.ToLower(w.val), "/")
		secret = secret || ok && strings.HasPrefix(kind, "secret")
	}
	if !secret {
		return ""
	}
	for _, o := range call.values["output"] {
		switch o.val {
		case "name", "wide":
		default:
			return "it would show the values of secrets to everybody in the channel; use -o name, or describe"
		}
	}
	return ""
}

var shells = map[string]bool{"sh": true, "bash": true, "ash": true, "dash": true, "zsh": true, "ksh": true, "busybox": true}

func (j *judging) kubectlExec(call kubectlCall, c Command) Command {
	no := func(why string) Command {
		return Command{Tool: "kubectl", Verb: "exec", Class: Impossible, Why: why, Needs: c.Needs}
	}
	if !call.divided || len(call.after) == 0 {
		return no("what runs inside the pod must stand behind --")
	}
	if len(call.rest) != 1 {
		return no("kubectl exec takes one pod")
	}
	program := call.after[0]
	if !program.static() {
		return no("which command runs inside the pod would be known only when it runs")
	}
	base := program.val[strings.LastIndexByte(program.val, '/')+1:]
	if shells[base] {
		if len(call.after) == 1 {
			return no("nobody is at the keyboard for a shell inside the pod; give it a command with -c")
		}
		for _, w := range call.after[1:] {
			if hasHole(w.val) {
				return no("a parameter inside text that a shell in the pod reads again is not filled in; give the command as separate words")
			}
		}
	}
	c.Needs = append(c.Needs, Need{NeedExec, j.text(call.after)})
	c.Why = "it runs " + oneLine(program.val, 60) + " inside a pod, which exec_allow must allow"
	return c
}

func (j *judging) kubectlCp(call kubectlCall, c Command) Command {
	no := func(why string) Command {
		return Command{Tool: "kubectl", Verb: "cp", Class: Impossible, Why: why, Needs: c.Needs}
	}
	if len(call.rest) != 2 {
		return no("kubectl cp takes a place in a pod and evidence/NAME")
	}
	from, to := call.rest[0].val, call.rest[1].val
	if !strings.Contains(from, ":") || strings.Contains(to, ":") {
		return no("files are copied out of a pod only: there are no files to copy into it")
	}
	name, ok := strings.CutPrefix(strings.TrimPrefix(to, "./"), "evidence/")
	if !ok || strings.Contains(name, "/") || name == "" || strings.HasPrefix(name, ".") || call.rest[1].open {
		return no("a file out of a pod goes to evidence/NAME, and nowhere else")
	}
	_, path, _ := strings.Cut(from, ":")
	c.Needs = append(c.Needs, Need{NeedExec, "tar cf - " + j.holes.show(path)}, Need{NeedEvidence, j.holes.show(name)})
	return c
}
