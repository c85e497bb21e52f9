package bot

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"muster/bot/render"
	"muster/commands"
)

// interaction is a click, a form or a shortcut.
// https://docs.slack.dev/reference/interaction-payloads
type interaction struct {
	Type     string `json:"type"`
	Trigger  string `json:"trigger_id"`
	Response string `json:"response_url"`
	Callback string `json:"callback_id"`
	ActionTS string `json:"action_ts"`
	User     struct {
		ID string `json:"id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Message struct {
		TS     string          `json:"ts"`
		Thread string          `json:"thread_ts"`
		Text   string          `json:"text"`
		User   string          `json:"user"`
		Blocks json.RawMessage `json:"blocks"`
	} `json:"message"`
	Container struct {
		Channel string `json:"channel_id"`
		Message string `json:"message_ts"`
		Thread  string `json:"thread_ts"`
	} `json:"container"`
	Actions []struct {
		ID      string `json:"action_id"`
		Block   string `json:"block_id"`
		Value   string `json:"value"`
		TS      string `json:"action_ts"`
		Checked []struct {
			Value string `json:"value"`
		} `json:"selected_options"`
		Selected struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	} `json:"actions"`
	View view `json:"view"`
}

type view struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Hash     string `json:"hash"`
	Callback string `json:"callback_id"`
	Meta     string `json:"private_metadata"`
	Title    struct {
		Text string `json:"text"`
	} `json:"title"`
	Blocks []struct {
		Type string `json:"type"`
		ID   string `json:"block_id"`
	} `json:"blocks"`
	State struct {
		Values map[string]map[string]answer `json:"values"`
	} `json:"state"`
}

// answer is one field of a form as it was sent.
type answer struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	User     string `json:"selected_user"`
	Date     string `json:"selected_date"`
	Time     string `json:"selected_time"`
	Selected struct {
		Value string `json:"value"`
	} `json:"selected_option"`
	Checked []struct {
		Value string `json:"value"`
	} `json:"selected_options"`
}

// text is what the commands understand.
func (a answer) text() string {
	switch {
	case a.User != "":
		return "<@" + a.User + ">"
	case len(a.Checked) > 0:
		return a.Checked[0].Value
	case a.Selected.Value == render.EmptyChoice:
		return ""
	case a.Selected.Value != "":
		return a.Selected.Value
	case a.Date != "":
		return a.Date
	case a.Time != "":
		return a.Time
	default:
		return a.Value
	}
}

func (b *Bot) interactive(payload json.RawMessage) job {
	var in interaction
	if json.Unmarshal(payload, &in) != nil || in.User.ID == "" {
		return job{}
	}
	switch in.Type {
	case "block_actions":
		return b.click(in)
	case "view_submission":
		return b.submission(in)
	case "message_action":
		return b.messageShortcut(in)
	default:
		return job{} // a closed form, and whatever Slack invents, is only acknowledged
	}
}

// verbs are the clicks that stand for a command, and the title of the form
// that a click asks for; empty: it asks for none.
var verbs = map[string]string{
	render.ActAck: "", render.ActNoChange: "", render.ActSnooze: "", render.ActShow: "", render.ActPlaybook: "",
	render.ActCreate: "Declare incident", render.ActUpdate: "Post update", render.ActResolve: "Resolve", render.ActEscalate: "Escalate",
	render.ActHold: "Hold", render.ActSeverity: "Severity", render.ActRole: "Role", render.ActNote: "Note", render.ActAction: "Follow-up",
	render.ActReopen: "Reopen", render.ActLead: "Hand over", render.ActPage: "Page",
	render.ActUnack: "", render.ActCritical: "", render.ActTimeline: "", render.ActStepForm: "Step", render.ActAlert: "",
}

// quiet are the clicks whose success is seen on the card or in the thread.
var quiet = []string{render.ActAck, render.ActNoChange, render.ActSnooze, render.ActUnack, render.ActCritical}

// clicked is what a click asks for.
type clicked struct {
	verb, id string
	text     string // of a picker: a whole command
}

func (in interaction) clicked() (clicked, string) {
	if len(in.Actions) == 0 {
		return clicked{}, ""
	}
	a := in.Actions[0]
	ts := a.TS
	if ts == "" {
		ts = in.ActionTS
	}
	key := "" // nothing tells one from another
	switch {
	case in.Trigger != "":
		key = "click/" + in.Trigger
	case ts != "":
		key = "click/" + in.User.ID + "/" + ts + "/" + a.ID
	}
	if text, mine := ticked(in); mine {
		return clicked{text: text}, key
	}
	switch {
	case strings.HasPrefix(a.ID, render.ActStepForm+":"):
		return clicked{verb: render.ActStepForm, id: a.Value}, key
	case strings.HasPrefix(a.ID, render.ActUpdate+":"): // with a playbook's message
		return clicked{verb: render.ActUpdate, id: a.Value}, key
	case a.ID == render.ActMenu || a.ID == render.ActPeople:
		verb, id, _ := strings.Cut(a.Selected.Value, " ")
		return clicked{verb: verb, id: id}, key
	case a.ID == render.ActPick || strings.HasPrefix(a.ID, render.ActPick+":"):
		return clicked{text: a.Value}, key
	case strings.HasPrefix(a.ID, render.ActAlert+":"):
		return clicked{verb: render.ActAlert, id: a.Value + a.Selected.Value}, key
	case a.ID == render.ActCreate:
		return clicked{verb: a.ID}, key
	default:
		return clicked{verb: a.ID, id: a.Value}, key
	}
}

// place is where the answer to an interaction goes.
func (in interaction) place() place {
	p := place{url: in.Response, channel: in.Channel.ID, thread: in.Message.Thread, user: in.User.ID}
	if p.channel == "" {
		p.channel = in.Container.Channel
	}
	if p.thread == "" {
		p.thread = in.Container.Thread
	}
	return p
}

func (b *Bot) click(in interaction) job {
	c, key := in.clicked()
	title, known := verbs[c.verb]
	if !known && c.text == "" {
		return job{}
	}
	to := in.place()
	return job{
		key:     key,
		to:      to,
		sayLate: func(ctx context.Context) { b.tell(ctx, to, lateMessage()) },
		run: func(ctx context.Context) result {
			if c.text != "" {
				title = bareForm(c.text)
			}
			if in.View.Type == "modal" {
				title = "" // it is open already
			}
			form := b.loading(in.Trigger, title, to)
			if in.View.Type == "modal" {
				form.id = make(chan string, 1)
				form.id <- in.View.ID
			}
			call := b.call(b.dir.Person(ctx, in.User.ID), c.text, key, to.channel, to.thread)
			r := b.clickedReply(ctx, c, title != "" && c.text == "", call)
			if form.show(r, render.Meta{Channel: to.channel, Thread: to.thread}) {
				return result{fault: fault(r)}
			}
			return result{fault: fault(r), after: func(ctx context.Context, late, _ bool) { b.afterClick(ctx, in, c, r, late) }}
		},
	}
}

func (b *Bot) clickedReply(ctx context.Context, c clicked, form bool, call commands.Call) (r commands.Reply) {
	switch {
	case form:
		defer b.caught(&r)
		call.Text = c.id
		if c.verb == render.ActStepForm {
			c.verb = commands.StepForm
		}
		return b.cfg.Commands.OpenForm(ctx, call, c.verb)
	case c.text == "":
		call.Text = strings.TrimSpace(c.verb + " " + c.id)
	}
	return b.run(ctx, call)
}

// afterClick says what the click came to, where it is not seen anyway.
func (b *Bot) afterClick(ctx context.Context, in interaction, c clicked, r commands.Reply, late bool) {
	to := in.place()
	home := in.View.Type == "home"
	if home {
		b.publishHome(ctx, in.User.ID)
	}
	direct := strings.HasPrefix(to.channel, "D")
	if r.OK && (slices.Contains(quiet, c.verb) || r.Shown) && !direct && !late {
		return
	}
	if home && !late {
		if _, err := b.api.OpenView(ctx, in.Trigger, b.frame().NoticeView("Muster", b.reply(r))); err == nil {
			return
		}
	}
	b.tell(ctx, to, b.reply(r))
}

// submission carries out a form.
func (b *Bot) submission(in interaction) job {
	if in.View.Callback != render.CallForm {
		return job{}
	}
	meta := render.DecodeMeta(in.View.Meta)
	key := ""
	if in.View.ID != "" {
		key = "view/" + in.View.ID + "/" + in.View.Hash
	}
	var names []string
	for _, bl := range in.View.Blocks {
		if bl.Type == "input" {
			names = append(names, bl.ID)
		}
	}
	values := map[string]string{}
	for name, byAction := range in.View.State.Values {
		for _, a := range byAction {
			values[name] = a.text()
		}
	}
	to := place{channel: meta.Channel, thread: meta.Thread, user: in.User.ID}
	return job{
		key:  key,
		to:   to,
		late: map[string]any{"response_action": "update", "view": render.LateView(in.View.Title.Text)},
		run: func(ctx context.Context) result {
			call := b.call(b.dir.Person(ctx, in.User.ID), "", key, meta.Channel, meta.Thread)
			call.Link, call.Source = meta.Link, meta.Source
			r := b.submit(ctx, commands.FormSubmission{Call: call, Name: meta.Form, Incident: meta.Incident, Values: values})
			return b.submitted(in, meta, names, r, to)
		},
	}
}

func (b *Bot) submitted(in interaction, meta render.Meta, names []string, r commands.Reply, to place) result {
	f := b.frame()
	notice := f.NoticeView(in.View.Title.Text, b.reply(r))
	res := result{fault: fault(r), refused: !r.OK}
	switch {
	case res.fault:
		res.ack = errorsAck(map[string]string{first(names): render.PlainNotRecorded})
	case r.Form != nil:
		notice = f.Form(*r.Form, meta, b.dir.UserID)
		res.ack = map[string]any{"response_action": "update", "view": notice}
	case !r.OK && len(names) > 0:
		res.ack = errorsAck(render.Refused(r, names))
	case !r.OK || meta.Form == render.ActCreate:
		// The declarer is told what was taken from where.
		res.ack = map[string]any{"response_action": "update", "view": notice}
	}
	if raw, err := json.Marshal(res.ack); err != nil || len(raw) > maxAck {
		res.ack = nil
	}
	whole := res.ack != nil || r.OK
	res.after = func(ctx context.Context, late, lost bool) {
		switch {
		case late:
			if persist(ctx, func() error { return b.api.UpdateView(ctx, in.View.ID, notice) }) != nil {
				b.tell(ctx, to, b.reply(r))
			}
		case lost || !whole:
			b.tell(ctx, to, b.reply(r))
		}
	}
	return res
}

func errorsAck(errs map[string]string) map[string]any {
	return map[string]any{"response_action": "errors", "errors": errs}
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
