package render

import (
	"fmt"
	"strings"

	"muster/commands"
	"muster/incident"
)

// The lengths of what a step says.
const (
	mostDiff = 2400
	// MaxOutput is how much of an output a message holds, in escaped code points.
	MaxOutput = 2600
)

// DigestShown is how much of a digest a button carries.
const DigestShown = 12

// Step is the message of a run as it is now. It is false for a run that nobody
// has to see.
func (f Frame) Step(s incident.Incident, n int) (Message, bool) {
	r, ok := s.Shelf.Run(n)
	if !ok {
		return Message{}, false
	}
	switch r.Phase {
	case incident.Waiting:
		return f.stepWaiting(s, r), true
	case incident.Ended:
		return f.stepEnded(s, r), true
	default:
		return f.stepUnderWay(s, r), true
	}
}

// StepProgress is the message of a run that has said something already.
func (f Frame) StepProgress(s incident.Incident, n int, output string) (Message, bool) {
	r, ok := s.Shelf.Run(n)
	if !ok || r.Phase != incident.Running {
		return Message{}, false
	}
	m := f.stepUnderWay(s, r)
	if strings.TrimSpace(output) != "" {
		last := len(m.Blocks) - 1
		m.Blocks = append(m.Blocks[:last:last], section(codeBlock(lastPart(output, MaxOutput), MaxOutput)), m.Blocks[last])
	}
	return m, true
}

// lastPart is the end of a text, from the beginning of a line.
func lastPart(text string, limit int) string {
	r := []rune(text)
	if len(r) <= limit/2 {
		return text
	}
	text = string(r[len(r)-limit/2:])
	if i := strings.IndexByte(text, '\n'); i >= 0 && i < len(text)-1 {
		text = text[i+1:]
	}
	return "…\n" + text
}

// OldStep replaces a run's earlier message once there is a newer one.
func (f Frame) OldStep(r incident.StepRun) Message {
	return lineMessage(fmt.Sprintf("🔁 *%s* · run %d: something changed after this was shown; it is asked again below.", bold(r.Title), r.N))
}

func (f Frame) stepWaiting(s incident.Incident, r incident.StepRun) Message {
	head := fmt.Sprintf("🛠️ *%s* · run %d", bold(r.Title), r.N)
	text := head + " · asked by " + by(r.By)
	blocks := []Object{section(head + "\nThis would run:\n" + codeBlock(or(strings.Join(r.Preview.Commands, "\n"), r.Command), mostCode))}
	if list := objects(r.Preview.Objects); list != "" {
		blocks = append(blocks, section("*It would change*\n"+list))
	}
	if r.Preview.Diff != "" {
		blocks = append(blocks, section(codeBlock(r.Preview.Diff, mostDiff)))
		if r.Preview.Cut {
			blocks = append(blocks, small("The difference is longer than a message; `playbook output "+fmt.Sprint(r.N)+"` has more of it."))
		}
	}
	if list := bullets("⚠️ ", r.Preview.Disruption); list != "" {
		blocks = append(blocks, section(list))
	}
	if list := bullets("• ", r.Preview.Remarks); list != "" {
		blocks = append(blocks, section(list))
	}
	if s.Drill.On {
		blocks = append(blocks, section("⚠️ "+s.ID+" is a drill, but this step is real: it would do what stands above."))
	}
	blocks = append(blocks, small(waitingSmall(r)))
	if ask := f.ask(r); ask != "" {
		blocks = append(blocks, section(ask))
		text = head + "\n" + ask
	}
	blocks = append(blocks, actions(fmt.Sprintf("step:%d", r.N), waitingButtons(s, r)...))
	return message(text, blocks...)
}

func waitingSmall(r incident.StepRun) string {
	parts := []string{"Asked by " + by(r.By), "nothing has run yet"}
	if r.Preview.Undo != "" {
		parts = append(parts, "undo: "+Cut(line(r.Preview.Undo), 300))
	} else {
		parts = append(parts, "it cannot be undone by a button")
	}
	if r.Again > 0 {
		parts = append(parts, "🔁 asked again: "+Cut(line(r.Reason), 300))
	}
	return strings.Join(append(parts, "holds until "+at(r.Until), "bound to `"+line(shortDigest(r.Digest))+"`"), " · ")
}

// ask says who has to decide.
func (f Frame) ask(r incident.StepRun) string {
	switch {
	case r.Approval && !r.Sure:
		return "Somebody who may *operate* has to ask for it; then somebody else has to approve it."
	case r.Approval && len(r.Approvers) == 0:
		return "Somebody else who may *approve* has to approve it."
	case r.Approval:
		var who []string
		for _, p := range r.Approvers {
			who = append(who, f.mention(p))
		}
		return "Somebody else has to approve it: " + strings.Join(who, ", ") + "?"
	case !r.Sure:
		return "Somebody who may *operate* has to run it."
	default:
		return ""
	}
}

func waitingButtons(s incident.Incident, r incident.StepRun) []Object {
	command := func(verb string) string {
		return fmt.Sprintf("playbook %s %s %d %s", verb, s.ID, r.N, shortDigest(r.Digest))
	}
	cancel := pick("cancel", "Cancel", fmt.Sprintf("playbook cancel %s %d", s.ID, r.N), usual)
	switch {
	case r.Approval && r.Sure:
		return []Object{
			pick("approve", "Approve", command("approve"), primary),
			pick("refuse", "Refuse", fmt.Sprintf("playbook refuse %s %d", s.ID, r.N), danger), cancel,
		}
	case r.Approval:
		return []Object{pick("confirm", "Ask for approval", command("confirm"), primary), cancel}
	default:
		return []Object{pick("confirm", "Run", command("confirm"), primary), cancel}
	}
}

func shortDigest(d string) string {
	if len(d) > DigestShown {
		return d[:DigestShown]
	}
	return d
}

// objects lists what is touched, one a line.
func objects(list []incident.Object) string {
	const most = 15
	var lines []string
	for i, o := range list {
		if i == most {
			lines = append(lines, fmt.Sprintf("… and %d more", len(list)-most))
			break
		}
		l := "• " + line(or(o.Verb, "change")) + " " + line(o.Kind) + " *" + bold(o.Name) + "*"
		if o.Namespace != "" {
			l += " in " + line(o.Namespace)
		}
		if o.Pods > 0 {
			l += fmt.Sprintf(" · pods that end or start anew: %d", o.Pods)
		}
		lines = append(lines, l)
	}
	return strings.Join(lines, "\n")
}

func bullets(mark string, list []string) string {
	var lines []string
	for i, l := range list {
		if i == 10 {
			break
		}
		lines = append(lines, mark+Cut(line(l), 250))
	}
	return strings.Join(lines, "\n")
}

// stepUnderWay is a run that is neither waiting for a person nor ended with an
// outcome.
func (f Frame) stepUnderWay(s incident.Incident, r incident.StepRun) Message {
	mark, what := "⏳", ""
	var buttons []Object
	switch r.Phase {
	case incident.Previewing:
		mark, what = "🔎", "what it would do is being looked at"
	case incident.Ready:
		what = "is about to run"
	case incident.Running:
		what = "runs since " + at(r.StartedAt)
		if r.Stopping.Nobody() {
			buttons = []Object{pick("cancel", "Cancel", fmt.Sprintf("playbook cancel %s %d", s.ID, r.N), usual)}
		} else {
			what += ", " + by(r.Stopping) + " is stopping it"
		}
	case incident.Refused:
		mark, what = "🚫", "refused by "+by(r.Decided)+strings.TrimSuffix(because(r.Reason), ".")+"; it did not run"
	case incident.Withdrawn:
		mark, what = "↩️", "taken back by "+by(r.Decided)+"; it did not run"
	case incident.Lapsed:
		mark, what = "⌛", "expired: it was not decided and begun within 10 minutes; it did not run"
	default:
		what = line(string(r.Phase))
	}
	head := fmt.Sprintf("%s *%s* · run %d: %s", mark, bold(r.Title), r.N, what)
	blocks := []Object{section(head + "\n" + codeBlock(commandsOf(r), mostCode)), small(whoRan(r))}
	if len(buttons) > 0 {
		blocks = append(blocks, actions(fmt.Sprintf("step:%d", r.N), buttons...))
	}
	return message(head, blocks...)
}

func commandsOf(r incident.StepRun) string {
	if len(r.Outcome.Commands) > 0 {
		return strings.Join(r.Outcome.Commands, "\n")
	}
	return or(strings.Join(r.Preview.Commands, "\n"), r.Command)
}

func whoRan(r incident.StepRun) string {
	text := "Asked by " + by(r.By)
	if r.Approval && !r.Decided.Nobody() && (r.Phase == incident.Ready || r.Phase == incident.Running || r.Phase == incident.Ended) {
		text += " · approved by " + by(r.Decided)
	}
	return text
}

func (f Frame) stepEnded(s incident.Incident, r incident.StepRun) Message {
	o := r.Outcome
	mark := "✅"
	switch {
	case o.End == incident.EndUnknown:
		mark = "❓"
	case o.End == incident.EndCancelled, o.End == incident.EndNotRun:
		mark = "🚫"
	case o.End != incident.EndDone, failedCheck(o):
		mark = "❌"
	}
	head := fmt.Sprintf("%s *%s* · run %d %s", mark, bold(r.Title), r.N, line(commands.EndWord(o)))
	first := head
	if o.Why != "" {
		first += ": " + Cut(line(o.Why), 800)
	}
	blocks := []Object{section(first + "\n" + codeBlock(commandsOf(r), 600))}
	if strings.TrimSpace(o.Output) != "" {
		blocks = append(blocks, section(codeBlock(o.Output, MaxOutput)))
	}
	if o.Cut && o.Ref != "" {
		blocks = append(blocks, small(fmt.Sprintf("This is the beginning of %d bytes; the whole comes as a file.", o.Size)))
	}
	if check := checkText(o); check != "" {
		blocks = append(blocks, section(check))
	}
	if list := bullets("• ", append(append([]string{}, o.Remarks...), o.Said...)); list != "" {
		blocks = append(blocks, section(list))
	}
	blocks = append(blocks, small(endedSmall(r)))
	var buttons []Object
	for i, l := range o.Links {
		if address.MatchString(l) && i < 5 {
			buttons = append(buttons, linkButton(fmt.Sprintf("%s:%d", ActLink, i), "Open the link", l))
		}
	}
	if r.CanUndo() {
		style := usual
		if mark == "❌" {
			style = danger
		}
		buttons = append(buttons, pick("undo", "Undo", fmt.Sprintf("playbook undo %s %d", s.ID, r.N), style))
	}
	if len(buttons) > 0 {
		blocks = append(blocks, actions(fmt.Sprintf("step:%d", r.N), buttons...))
	}
	return message(first, blocks...)
}

func failedCheck(o incident.Outcome) bool { return o.Check != "" && o.Check != "ok" }

func checkText(o incident.Outcome) string {
	switch {
	case o.Check == "":
		return ""
	case o.Check == "ok":
		return "✅ The check after it passed."
	case o.Journal != "":
		return "❌ The check after it failed: " + Cut(line(o.Check), 600) + "\n*Undo* puts back what it changed."
	default:
		return "❌ The check after it failed: " + Cut(line(o.Check), 600)
	}
}

func endedSmall(r incident.StepRun) string {
	o := r.Outcome
	parts := []string{whoRan(r)}
	if o.Ref != "" {
		parts = append(parts, fmt.Sprintf("%d bytes in the evidence, SHA-256 %s", o.Size, line(shortDigest(o.SHA256))))
	}
	if len(o.Files) > 0 {
		parts = append(parts, "put into the evidence: "+Cut(line(strings.Join(o.Files, ", ")), 300))
	}
	switch {
	case r.UndoneBy != 0:
		parts = append(parts, fmt.Sprintf("run %d undoes it", r.UndoneBy))
	case r.Class == incident.Changing && o.UndoNote != "":
		parts = append(parts, "undo: "+Cut(line(o.UndoNote), 300))
	}
	return strings.Join(parts, " · ")
}

// askDirectly asks one person for an approval.
func (f Frame) askDirectly(s incident.Incident, n int, lead string) (Message, bool) {
	r, ok := s.Shelf.Run(n)
	if !ok || r.Phase != incident.Waiting {
		return Message{}, false
	}
	m := f.stepWaiting(s, r)
	lead = "🛠️ " + lead + "\n" + by(r.By) + " asks for your approval."
	return message(lead, append([]Object{section(lead)}, m.Blocks...)...), true
}

// saidStep is the one plain line of a step's record in the thread; empty: it
// deserves none.
func (f Frame) saidStep(s incident.Incident, event incident.Event) string {
	title := func(n int) string {
		r, _ := s.Shelf.Run(n)
		return fmt.Sprintf("*%s* · run %d", bold(r.Title), n)
	}
	switch e := event.(type) {
	case incident.StepRefused:
		return fmt.Sprintf("🚫 %s refused %s%s", by(e.By), title(e.N), because(e.Reason))
	case incident.StepLapsed:
		if e.Was == incident.Ready {
			return fmt.Sprintf("⌛ %s has expired: it was approved and had not begun within 10 minutes. It did not run%s.", title(e.N), late(e.Late))
		}
		return fmt.Sprintf("⌛ %s has expired: nobody decided within 10 minutes. It did not run; ask for the step again%s.", title(e.N), late(e.Late))
	case incident.StepChanged:
		return fmt.Sprintf("🔁 %s was not made%s What it would do now is being looked at, and is asked again.", title(e.N), because(strings.TrimSuffix(e.Reason, ".")+"."))
	case incident.StepEnded:
		return f.saidStepEnded(s, e, title(e.N))
	default:
		return ""
	}
}

func (f Frame) saidStepEnded(s incident.Incident, e incident.StepEnded, title string) string {
	r, _ := s.Shelf.Run(e.N)
	who := "asked by " + by(r.By)
	if r.Approval && !r.Decided.Nobody() {
		who += ", approved by " + by(r.Decided)
	}
	switch {
	case e.Outcome.End == incident.EndUnknown:
		return fmt.Sprintf("❓ %s: %s", title, Cut(line(e.Outcome.Why), 600))
	case e.Outcome.End == incident.EndDone && !failedCheck(e.Outcome):
		return fmt.Sprintf("✅ %s %s (%s).", title, line(commands.EndWord(e.Outcome)), who)
	case e.Outcome.End == incident.EndDone:
		return fmt.Sprintf("❌ %s %s (%s), but the check after it failed.", title, line(commands.EndWord(e.Outcome)), who)
	default:
		return fmt.Sprintf("❌ %s %s (%s)%s", title, line(commands.EndWord(e.Outcome)), who, because(e.Outcome.Why))
	}
}

// waitingSteps are the runs on a person's home tab that they may approve.
func (f Frame) waitingSteps(h Home) []Object {
	const most = 5
	var out []Object
	for _, s := range h.Open {
		for _, r := range commands.PendingApprovals([]incident.Incident{s}, h.Person) {
			if len(out) >= 2*most {
				return out
			}
			text := fmt.Sprintf("🛠️ *%s* · %s run %d · asked by %s · until %s\n%s", bold(r.Title), f.titled(s), r.N, by(r.By), at(r.Until),
				codeBlock(commandsOf(r), 400))
			row := actions(fmt.Sprintf("step:%s:%d", s.ID, r.N), waitingButtons(s, r)...)
			out = append(out, section(text), row)
		}
	}
	return out
}
