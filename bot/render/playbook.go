package render

import (
	"fmt"
	"regexp"
	"strings"

	"muster/commands"
	"muster/incident"
)

// The action IDs of a playbook's buttons, beside ActPick, whose value is a
// whole command.
const (
	// ActStepForm opens the form of a step's values; the value is "INC PLAYBOOK
	// STEP".
	ActStepForm = "stepform"
	// ActTick is a check-list; the block's ID is "tick:N", the options' values
	// are "INC PLAYBOOK ITEM".
	ActTick = "tick"
)

// MaxSectionSteps is how many steps one message holds; a longer section is
// shown in several.
const MaxSectionSteps = 12

// Slack's number of options of one group of check-boxes.
const maxChecks = 10

// The lengths that keep a playbook readable in a thread.
const (
	mostCode  = 1500
	mostProse = 1500
)

// suggested offers the playbooks that fit.
func (f Frame) suggested(s incident.Incident, e incident.PlaybookSuggested) Message {
	text := "📖 A playbook fits:"
	if len(e.Playbooks) > 1 {
		text = "📖 Playbooks that fit:"
	}
	var buttons []Object
	for i, p := range e.Playbooks {
		if i == 5 {
			break
		}
		text += fmt.Sprintf("\n• *%s*", strings.ReplaceAll(short(line2(p.Title), 200), "*", ""))
		if p.Why != "" {
			text += ": " + Cut(line(p.Why), 300)
		}
		label := "Open the playbook"
		if len(e.Playbooks) > 1 {
			label = "Open " + p.Title
		}
		buttons = append(buttons, pick("open "+p.ID, label, "playbook "+s.ID+" "+word(p.ID), primaryFirst(i)))
	}
	return lineMessage(text, actions("playbooks", buttons...))
}

func primaryFirst(i int) string {
	if i == 0 {
		return primary
	}
	return usual
}

// pick is a button whose value is a whole command.
func pick(name, label, command, style string) Object {
	return button(Cut(ActPick+":"+name, 255), label, command, style)
}

// word keeps a playbook's name one word of a command.
func word(id string) string {
	if strings.ContainsAny(id, " \t=:") {
		return `"` + id + `"`
	}
	return id
}

// Section is the message of one section of a playbook as it is now; 0 is its
// head. It is false when there is no such section.
func (f Frame) Section(s incident.Incident, playbook string, n int) (Message, bool) {
	b, ok := s.Shelf.Book(playbook)
	switch {
	case !ok || n > len(b.Playbook.Sections):
		return Message{}, false
	case n <= 0:
		return f.bookHead(s, b), true
	}
	section1 := b.Playbook.Sections[n-1]
	title := fmt.Sprintf("📖 *%s*", bold(section1.Title))
	blocks := []Object{section(title)}
	if text := prose(section1.Text); text != "" && section1.Title == "" { // what stands before the first heading
		title, blocks = "📖 "+text, []Object{section("📖 " + text)}
	} else if text != "" {
		blocks = append(blocks, section(text))
	}
	for i, step := range section1.Steps {
		if i == MaxSectionSteps {
			blocks = append(blocks, small("… and more; `playbook "+s.ID+"` on the command line lists all."))
			break
		}
		blocks = append(blocks, f.step(s, b.Playbook, step)...)
	}
	return message(title, blocks...), true
}

func bold(text string) string { return strings.ReplaceAll(short(line2(text), 200), "*", "") }

func (f Frame) bookHead(s incident.Incident, b incident.OpenBook) Message {
	p := b.Playbook
	head := "📖 " + line2(p.Title)
	pairs := [][2]string{
		{"Severity", line(p.Severity)}, {"Response time", short2(p.Response, 300)}, {"Impact", short2(p.Impact, 600)},
		{"Escalation", short2(p.Escalation, 600)}, {"Detection", short2(strings.Join(p.Detection, ", "), 600)},
	}
	blocks := []Object{header(head)}
	for _, pair := range pairs {
		if pair[1] != "" {
			blocks = append(blocks, fields(pairs...))
			break
		}
	}
	for _, known := range s.Shelf.Suggested {
		if known.ID == p.ID && known.Why != "" {
			blocks = append(blocks, small("Suggested: "+Cut(line(known.Why), 300)))
		}
	}
	blocks = append(blocks, small("Opened by "+by(b.By)+" for "+f.titled(s)+". Reading steps run at once; a changing step shows first what it would do."))
	return message("📖 "+short(line2(p.Title), mostTitle), blocks...)
}

// short2 is one escaped line, empty for nothing.
func short2(text string, limit int) string { return Cut(line(text), limit) }

// step is one step of a section.
func (f Frame) step(s incident.Incident, p incident.Playbook, step incident.Step) []Object {
	title := fmt.Sprintf("*%d. %s*", step.N, bold(or(step.Title, step.Kind)))
	if text := prose(step.Text); text != "" {
		title += "\n" + text
	}
	switch step.Kind {
	case "checklist":
		return append([]Object{section(title)}, f.checks(s, p, step)...)
	case "template":
		return messageStep(s, p, step, title)
	case "open":
		if address.MatchString(step.Code) {
			b := section(title)
			b["accessory"] = linkButton(ActLink+":"+step.ID, "Open", step.Code)
			return []Object{b}
		}
	}
	if !step.Runs() {
		out := []Object{section(title + "\n" + codeBlock(step.Code, mostCode))}
		if step.Why != "" {
			out = append(out, small("📋 To copy: "+Cut(line(step.Why), 500)))
		}
		return out
	}
	b := section(title)
	b["accessory"] = stepButton(s, p, step)
	return []Object{b, section(codeBlock(step.Code, mostCode)), small(f.stepState(s, p, step))}
}

// messageStep is a message that a playbook brings; its button opens the update
// form with it.
func messageStep(s incident.Incident, p incident.Playbook, step incident.Step, title string) []Object {
	if commands.ReadMessage(step.Code, nil).For != "update" {
		return []Object{section(title + "\n_Message, to copy._"), section(codeBlock(step.Code, mostCode))}
	}
	b := section(title + "\n_Message; it fills in the form of an update._")
	b["accessory"] = button(ActUpdate+":"+step.ID, "Post update …", s.ID+" "+word(p.ID)+" "+step.ID, usual)
	return []Object{b, section(codeBlock(step.Code, mostCode))}
}

// address is one that a button can open; Slack takes 3000 characters.
var address = regexp.MustCompile(`^https?://[^\s<>|"]{1,1000}$`)

func stepButton(s incident.Incident, p incident.Playbook, step incident.Step) Object {
	label := "Run"
	switch {
	case step.Needs != "":
		label = "Show"
	case step.Class == incident.Changing:
		label = "Preview"
	}
	if len(step.Params) > 0 {
		return button(ActStepForm+":"+step.ID, label+" …", s.ID+" "+word(p.ID)+" "+step.ID, usual)
	}
	return pick("step "+step.ID, label, "playbook run "+s.ID+" "+word(p.ID)+" "+step.ID, usual)
}

// stepState says what a step does, what it needs, and how it went last.
func (f Frame) stepState(s incident.Incident, p incident.Playbook, step incident.Step) string {
	var out []string
	switch {
	case step.Class == incident.Reading:
		out = append(out, "🔎 reads")
	case step.Approval:
		out = append(out, "🛠️ changes; somebody else approves it")
	default:
		out = append(out, "🛠️ changes")
	}
	if step.Class == incident.Changing && step.Why != "" {
		out[0] += " (" + Cut(line(step.Why), 200) + ")"
	}
	if step.Needs != "" {
		out = append(out, "⚙️ cannot run here yet: "+Cut(line(step.Needs), 400))
	}
	if r, ok := s.Shelf.Last(p.ID, step.ID); ok {
		out = append(out, runWord(r))
	}
	return strings.Join(out, " · ")
}

// runWord says in a few words how a run stands.
func runWord(r incident.StepRun) string {
	switch r.Phase {
	case incident.Running:
		return fmt.Sprintf("⏳ run %d by %s runs since %s", r.N, by(r.By), at(r.StartedAt))
	case incident.Ended:
		mark := "✅"
		if r.Outcome.End != incident.EndDone || r.Outcome.Check != "" && r.Outcome.Check != "ok" {
			mark = "❌"
		}
		return fmt.Sprintf("%s run %d by %s %s, %s", mark, r.N, by(r.By), line(commands.EndWord(r.Outcome)), at(r.EndedAt))
	case incident.Refused:
		return fmt.Sprintf("🚫 run %d was refused by %s", r.N, by(r.Decided))
	case incident.Withdrawn:
		return fmt.Sprintf("run %d was taken back", r.N)
	case incident.Lapsed:
		return fmt.Sprintf("⌛ run %d expired", r.N)
	default:
		return fmt.Sprintf("run %d by %s is %s", r.N, by(r.By), line(string(r.Phase)))
	}
}

// checks are a check-list's boxes, in groups that Slack takes, and who ticked
// what.
func (f Frame) checks(s incident.Incident, p incident.Playbook, step incident.Step) []Object {
	var groups []Object
	var who []string
	for from := 0; from < len(step.Items) && len(groups) < 5; from += maxChecks {
		e := Object{"type": "checkboxes", "action_id": fmt.Sprintf("%s:%d", ActTick, from/maxChecks)}
		var options, ticked []Object
		for i := from; i < min(from+maxChecks, len(step.Items)); i++ {
			o := checkOption(step.Items[i], s.ID+" "+word(p.ID)+" "+step.Item(i))
			options = append(options, o)
			if t, ok := s.Shelf.Ticked(p.ID, step.Item(i)); ok {
				ticked = append(ticked, o)
				who = append(who, fmt.Sprintf("%d ☑︎ %s %s", i+1, by(t.By), at(t.At)))
			}
		}
		e["options"] = options
		if len(ticked) > 0 {
			e["initial_options"] = ticked
		}
		groups = append(groups, e)
	}
	if len(groups) == 0 {
		return nil
	}
	out := []Object{actions("tick:"+step.ID, groups...)}
	if len(who) > 0 {
		out = append(out, small(strings.Join(who, " · ")))
	}
	return out
}

// checkOption spreads a long entry over an option's two lines.
func checkOption(text, value string) Object {
	text = strings.TrimSpace(strings.ReplaceAll(text, "**", ""))
	if Length(text) <= MaxOption {
		return option(text, value)
	}
	var head string
	if i := strings.LastIndexByte(Cut(text, MaxOption), ' '); i > 20 {
		head = text[:i]
	} else {
		head = string([]rune(text)[:MaxOption])
	}
	o := option(head, value)
	o["description"] = plainText(strings.TrimSpace(text[len(head):]), MaxOption)
	return o
}

// codeBlock is code that nothing in it can break out of.
func codeBlock(code string, limit int) string {
	code = strings.ReplaceAll(strings.Trim(code, "\n"), "```", "'''")
	return "```\n" + or(Cut(Escape(code), limit), " ") + "\n```"
}

var (
	markdownBold = regexp.MustCompile(`\*\*([^*\n]+)\*\*|__([^_\n]+)__`)
	markdownLink = regexp.MustCompile(`\[([^\]\n]+)\]\((https?://[^)\s<>|]+)\)`)
	markdownHead = regexp.MustCompile(`(?m)^#{1,6}\s+(.+)$`)
	markdownList = regexp.MustCompile(`(?m)^(\s*)[-*]\s+`)
)

// prose turns a runbook's Markdown into mrkdwn; what it does not know stays as
// it is written.
func prose(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	text = markdownLink.ReplaceAllString(text, "\x01$2\x02$1\x03")
	text = Escape(strings.NewReplacer("\x01", "\ue001", "\x02", "\ue002", "\x03", "\ue003").Replace(text))
	text = strings.NewReplacer("\ue001", "<", "\ue002", "|", "\ue003", ">").Replace(text)
	text = markdownHead.ReplaceAllString(text, "*$1*")
	text = markdownList.ReplaceAllString(text, "$1• ")
	text = markdownBold.ReplaceAllString(text, "*$1$2*")
	return Cut(text, mostProse)
}
