package commands

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"muster/incident"
)

func playbookSpecs() []spec {
	return []spec{{
		name: "playbook", aliases: []string{"runbook", "playbooks", "pb"}, needs: Respond, target: targetMaybe, ids: idsAnywhere,
		about: "show the runbook that fits, and run its steps",
		usage: []string{"playbook [name]", "playbook run [name] STEP [parameter=value …]", "playbook approve|refuse|confirm|cancel|undo|output RUN",
			"playbook tick [name] ITEM …", "playbook runs", "playbook list"},
		more: "Reading steps run at once. A changing step shows first what it would do; then it needs operate, and for P0 and P1 the approval of " +
			"somebody else, who needs approve. Steps and check-list items go by their numbers, runs by theirs.",
		examples: []string{"playbook", "playbook critical-service-down", "playbook run 4 pod-name=api-7d9c", "playbook approve 7", "playbook undo 7"},
		run:      (*Commands).playbook,
	}}
}

// subs are the words behind playbook, and what each needs beyond respond.
var subs = map[string]func(*Commands, *exec) Reply{
	"list": (*Commands).bookList, "all": (*Commands).bookList,
	"run": (*Commands).stepRun, "step": (*Commands).stepRun,
	"confirm": (*Commands).stepConfirm, "go": (*Commands).stepConfirm,
	"approve": (*Commands).stepApprove,
	"refuse":  (*Commands).stepRefuse, "reject": (*Commands).stepRefuse, "deny": (*Commands).stepRefuse,
	"cancel": (*Commands).stepCancel, "stop": (*Commands).stepCancel, "withdraw": (*Commands).stepCancel,
	"undo": (*Commands).stepUndo, "revert": (*Commands).stepUndo,
	"tick": (*Commands).tick, "check": (*Commands).tick, "untick": (*Commands).tick, "uncheck": (*Commands).tick,
	"skip": (*Commands).stepSkip,
	"runs": (*Commands).runs, "output": (*Commands).output,
}

func (c *Commands) playbook(x *exec) Reply {
	if c.Runbooks == nil {
		return refuse(CodeMissing, "Playbooks are not configured here.")
	}
	word := x.args.first().word()
	if sub := subs[word]; sub != nil {
		x.args.drop(0, 1)
		if strings.HasPrefix(word, "un") && word != "undo" {
			x.args.toks = append([]token{{text: "-"}}, x.args.toks...)
		}
		if !x.at.Exists() && word != "list" && word != "all" {
			return c.none(x)
		}
		return sub(c, x)
	}
	if !x.at.Exists() {
		return c.bookList(x)
	}
	if x.args.empty() {
		return c.fitting(x)
	}
	id, wrong := c.bookNamed(x, x.args.text())
	if wrong != nil {
		if sub := nearestSub(word); sub != "" && wrong.Code == CodeUnknown {
			return usage(x.spec, "There is no playbook ", Code(shorten(x.args.text(), 60)), ", and no ", Code("playbook "+word), "; the nearest is ", Code("playbook "+sub), ".")
		}
		return *wrong
	}
	return c.open(x, id)
}

// stepSkip says that there is nothing to skip.
func (c *Commands) stepSkip(x *exec) Reply {
	return refuse(CodeUsage, "A step need not be skipped: none runs unless somebody asks for it, and ", Code("playbook cancel "+x.at.ID+" RUN"), " takes one back.")
}

// nearestSub is the word behind playbook that is closest to what was typed;
// empty: nothing is close.
func nearestSub(typed string) string {
	best, score := "", 3
	for _, name := range slices.Sorted(maps.Keys(subs)) {
		if d := distance(typed, name); d < score && d <= len(name)/3 {
			best, score = name, d
		}
	}
	return best
}

// fitting opens the one that fits, shows the one that is shown, or asks which.
func (c *Commands) fitting(x *exec) Reply {
	if open := x.at.Shelf.Open; len(open) > 0 {
		return c.open(x, open[len(open)-1].Playbook.ID)
	}
	found := c.Runbooks.Fitting(x.at)
	switch {
	case len(found) == 1:
		return c.open(x, found[0].ID)
	case len(found) > 1:
		return which(x, found, "Several playbooks fit. Which one?")
	}
	all := c.Runbooks.All()
	if len(all) == 0 {
		return refuse(CodeMissing, "There is no playbook; put Markdown files into config/playbooks.")
	}
	return which(x, all, "No playbook fits by an alert, the service or a word of the title. Which one?")
}

func which(x *exec, found []incident.Suggestion, question string) Reply {
	body := Say(question)
	r := Reply{Code: CodeWhich, Ephemeral: true}
	for _, f := range found {
		body = Say(body, "\n• ", Bold(f.Title), maybe(": ", f.Why), " ", Code("playbook "+x.at.ID+" "+f.ID))
		r.Pick = append(r.Pick, Choice{Value: "playbook " + x.at.ID + " " + quoted(f.ID), Label: f.Title})
	}
	r.Body = body
	return r
}

// quoted keeps a playbook's name one word of a command.
func quoted(id string) string {
	if strings.ContainsAny(id, " \t=:") || id == "" {
		return `"` + id + `"`
	}
	return id
}

func (c *Commands) bookList(x *exec) Reply {
	all := c.Runbooks.All()
	if len(all) == 0 {
		return refuse(CodeMissing, "There is no playbook; put Markdown files into config/playbooks.")
	}
	var lines []Rich
	for _, f := range all {
		lines = append(lines, Say("• ", Bold(f.Title), " ", Code("playbook "+quoted(f.ID))))
	}
	r := answer(Join(lines, "\n"))
	r.Data = all
	return r
}

// bookNamed finds a playbook by its ID, or by words of its title.
func (c *Commands) bookNamed(x *exec, name string) (string, *Reply) {
	all := c.Runbooks.All()
	want := strings.ToLower(strings.TrimSpace(name))
	var near []incident.Suggestion
	for _, f := range all {
		if strings.EqualFold(f.ID, want) || strings.EqualFold(f.Title, want) {
			return f.ID, nil
		}
		if strings.Contains(strings.ToLower(f.ID+" "+f.Title), want) {
			near = append(near, f)
		}
	}
	switch len(near) {
	case 1:
		return near[0].ID, nil
	case 0:
		body := Say("There is no playbook ", Code(shorten(name, 60)), ". There are: ")
		for i, f := range all {
			if i > 0 {
				body = Say(body, ", ")
			}
			body = Say(body, Code(f.ID))
		}
		r := refuse(CodeUnknown, body, ".")
		return "", &r
	}
	r := which(x, near, "Several playbooks are called like that. Which one?")
	return "", &r
}

func (c *Commands) open(x *exec, id string) Reply {
	book, ok := c.Runbooks.Book(id, x.at)
	if !ok {
		return refuse(CodeUnknown, "There is no playbook ", Code(id), " any more. ", Code("playbook list"), " lists them.")
	}
	return c.do(x, incident.OpenPlaybook{By: x.call.By, Playbook: book}, func(o outcome) Reply {
		verb := "is shown already"
		if _, fresh := happened[incident.PlaybookOpened](o); fresh {
			verb = "is shown now"
		}
		body := Say(Bold(book.Title), " ", verb, " in the thread of ", Bold(o.after.ID), ": ", count(len(book.Sections), "section"), ", ", runnable(book), ".")
		if x.call.Via != ViaSlack {
			body = Say(body, "\n", outline(book, o.after.Shelf))
		}
		return Reply{Body: body, Data: book}
	})
}

func runnable(p incident.Playbook) string {
	n := 0
	for _, s := range p.Sections {
		for _, step := range s.Steps {
			if step.Runs() && step.Needs == "" {
				n++
			}
		}
	}
	return count(n, "step") + " can run here"
}

// outline is a playbook as words: each step with its number, what it does and
// what it runs.
func outline(p incident.Playbook, shelf incident.Shelf) Rich {
	var lines []Rich
	for _, s := range p.Sections {
		lines = append(lines, Say(Bold(s.Title)))
		for _, step := range s.Steps {
			switch {
			case len(step.Items) > 0:
				for i, item := range step.Items {
					mark := "[ ] "
					if t, ok := shelf.Ticked(p.ID, step.Item(i)); ok {
						mark = "[x] (" + t.By.String() + ") "
					}
					lines = append(lines, Say("  ", fmt.Sprintf("%d.%d ", step.N, i+1), mark, item))
				}
			case step.Runs():
				lines = append(lines, Say("  ", step.N, " ", step.Title, " (", string(step.Class), maybe("; ", step.Needs), ")"), Say(indented(step.Code)))
			default:
				lines = append(lines, Say("  ", step.N, " ", step.Title, maybe(" (to copy: ", step.Why), closes2(step.Why)), Say(indented(step.Code)))
			}
		}
	}
	return Join(lines, "\n")
}

func closes2(why string) string {
	if why == "" {
		return ""
	}
	return ")"
}

func indented(code string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(code, "\n"), "\n", "\n    ")
}

// stepOf reads "[playbook] STEP" and the values behind it.
func (c *Commands) stepOf(x *exec) (book incident.Playbook, step incident.Step, values map[string]string, wrong *Reply) {
	values = map[string]string{}
	x.args.toks = slices.DeleteFunc(slices.Clone(x.args.toks), func(t token) bool {
		key, value, ok := strings.Cut(t.text, "=")
		if !ok || t.quoted || key == "" {
			return false
		}
		values[strings.ToLower(key)] = value
		return true
	})
	name, words := "", x.args.toks
	if len(words) == 0 {
		r := usage(x.spec, "Which step? ", Code("playbook "+x.at.ID), " shows them with their numbers.")
		return book, step, nil, &r
	}
	step1 := words[len(words)-1].text
	x.args.toks = words[:len(words)-1]
	name = x.args.text()
	id, wrong := c.bookOr(x, name)
	if wrong != nil {
		return book, step, nil, wrong
	}
	book, ok := c.Runbooks.Book(id, x.at)
	if !ok {
		r := refuse(CodeUnknown, "There is no playbook ", Code(id), " any more. ", Code("playbook list"), " lists them.")
		return book, step, nil, &r
	}
	for _, s := range book.Sections {
		for _, st := range s.Steps {
			if st.ID == step1 || strconv.Itoa(st.N) == step1 {
				return book, st, values, nil
			}
		}
	}
	r := refuse(CodeUnknown, Bold(book.Title), " has no step ", Code(shorten(step1, 40)), ". It may have been changed since it was shown: ",
		Code("playbook "+x.at.ID+" "+quoted(id)), " shows it as it is now.")
	return book, step, nil, &r
}

// bookOr is the playbook that is named, else the one shown last, else the only
// one that fits.
func (c *Commands) bookOr(x *exec, name string) (string, *Reply) {
	if name != "" {
		return c.bookNamed(x, name)
	}
	if open := x.at.Shelf.Open; len(open) > 0 {
		return open[len(open)-1].Playbook.ID, nil
	}
	if found := c.Runbooks.Fitting(x.at); len(found) == 1 {
		return found[0].ID, nil
	}
	r := usage(x.spec, "Of which playbook? ", Code("playbook list"), " lists them.")
	return "", &r
}

// runOf reads a run's number and what its button knew.
func runOf(x *exec) (n int, digest string, wrong *Reply) {
	words := x.args.toks
	if len(words) > 0 && (words[0].word() == "run" || words[0].word() == "step") {
		words = words[1:]
	}
	if len(words) > 0 {
		if n, err := strconv.Atoi(words[0].word()); err == nil && n > 0 {
			if len(words) > 1 {
				digest = strings.TrimSpace(between(x.args.src, words[1:]))
			}
			x.args.toks = words[1:]
			return n, digest, nil
		}
	}
	var waiting []string
	for _, r := range x.at.Shelf.Runs {
		if r.Phase == incident.Waiting {
			waiting = append(waiting, strconv.Itoa(r.N))
		}
	}
	said := ""
	if len(waiting) > 0 {
		said = "Waiting: " + strings.Join(waiting, ", ") + ". "
	}
	r := usage(x.spec, "Which run? ", said, Code("playbook runs "+x.at.ID), " lists them.")
	return 0, "", &r
}

// needs refuses what a person may not do; nil: it may go on.
func (c *Commands) needs(x *exec, what string, p Permission) *Reply {
	return c.permit(x.ctx, &spec{name: "playbook " + what, needs: p}, x.call.By, x.at, x.call.Now)
}

// tick ticks entries of check-lists, or with - in front unticks them.
func (c *Commands) tick(x *exec) Reply {
	off := false
	if !x.args.empty() && x.args.toks[0].text == "-" {
		off = true
		x.args.drop(0, 1)
	}
	words := x.args.toks
	name := ""
	if len(words) > 1 && !itemShape(words[0].text) {
		name, words = words[0].text, words[1:]
	}
	id, wrong := c.bookOr(x, name)
	if wrong != nil {
		return *wrong
	}
	if len(words) == 0 {
		return usage(x.spec, "Which entry? They are numbered, for example ", Code("playbook tick 3.1"), ".")
	}
	shown, ok := x.at.Shelf.Book(id)
	if !ok {
		return refuse(CodeUnknown, "That playbook is not shown in ", x.at.ID, ". ", Code("playbook "+x.at.ID+" "+quoted(id)), " shows it.")
	}
	in := incident.TickItems{By: x.call.By, Playbook: id}
	for _, w := range words {
		item, minus := strings.CutPrefix(w.text, "-")
		named := item
		item = itemOf(shown.Playbook, item)
		if _, _, ok := shown.Playbook.Item(item); !ok {
			return refuse(CodeUnknown, "The playbook ", Bold(shown.Playbook.Title), " has no check-list entry ", Code(shorten(named, 40)), "; ",
				Code("playbook "+x.at.ID+" "+quoted(id)), " shows what it has.")
		}
		if minus || off {
			in.Off = append(in.Off, item)
		} else {
			in.On = append(in.On, item)
		}
	}
	return c.do(x, in, func(o outcome) Reply {
		var lines []Rich
		for _, e := range o.events {
			if t, ok := e.(incident.ItemTicked); ok {
				lines = append(lines, Say(Line(t), "."))
			}
		}
		if len(lines) == 0 {
			lines = []Rich{Say("That is so already.")}
		}
		return Reply{Body: Join(lines, "\n"), Shown: true}
	})
}

func itemShape(text string) bool {
	text = strings.TrimPrefix(text, "-")
	head, n, ok := strings.Cut(text, ".")
	_, err := strconv.Atoi(n)
	return ok && head != "" && err == nil
}

// itemOf reads "3.1" as the first entry of step 3; an ID stays one.
func itemOf(p incident.Playbook, text string) string {
	head, n, _ := strings.Cut(text, ".")
	for _, s := range p.Sections {
		for _, st := range s.Steps {
			if strconv.Itoa(st.N) == head && len(st.Items) > 0 {
				return st.ID + "." + n
			}
		}
	}
	return text
}
