package bot

import (
	"context"
	"encoding/json"
	"strings"

	"muster/bot/render"
	"muster/commands"
)

// slashCommand is what /incident sends.
// https://docs.slack.dev/interactivity/implementing-slash-commands
type slashCommand struct {
	Channel  string `json:"channel_id"`
	User     string `json:"user_id"`
	Text     string `json:"text"`
	Response string `json:"response_url"`
	Trigger  string `json:"trigger_id"`
}

// askForms are the words that, alone, ask for a form: it is opened at once and
// filled in afterwards, since a trigger lives three seconds.
var askForms = map[string]string{
	"create": "Declare an incident", "declare": "Declare an incident", "new": "Declare an incident",
	"update": "Post update", "resolve": "Resolve",
}

// bareForm gives the title of the form that a text surely asks for.
func bareForm(text string) string {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 || len(words) > 2 || len(words) == 2 && !strings.HasPrefix(words[1], "inc-") {
		return ""
	}
	return askForms[words[0]]
}

func (b *Bot) slash(payload json.RawMessage) job {
	var c slashCommand
	if json.Unmarshal(payload, &c) != nil || c.User == "" {
		return job{}
	}
	to := place{url: c.Response, channel: c.Channel, user: c.User}
	key := ""
	if c.Trigger != "" {
		key = "slash/" + c.Trigger
	}
	return job{
		key:  key,
		to:   to,
		late: ephemeral(lateMessage()),
		run: func(ctx context.Context) result {
			form := b.loading(c.Trigger, bareForm(c.Text), to)
			text := typed(c.Text)
			if strings.TrimSpace(text) == "" {
				text = "help"
			}
			r := b.run(ctx, b.call(b.dir.Person(ctx, c.User), text, key, c.Channel, ""))
			if form.show(r, render.Meta{Channel: c.Channel}) {
				return result{fault: fault(r)}
			}
			m := b.reply(r)
			res := result{ack: fits(m), fault: fault(r)}
			whole := res.ack != nil
			res.after = func(ctx context.Context, late, lost bool) {
				if late || lost || !whole {
					b.tell(ctx, to, m)
				}
				b.hand(ctx, c.User, r)
			}
			return res
		},
	}
}

// opening is a form that is being opened while its content is found out.
type opening struct {
	b       *Bot
	trigger string
	to      place       // where to tell that it failed
	id      chan string // of the loading view; nil: none was opened
}

// loading opens the waiting form at once, if title is not empty.
func (b *Bot) loading(trigger, title string, to place) *opening {
	o := &opening{b: b, trigger: trigger, to: to}
	if title == "" || trigger == "" {
		return o
	}
	o.id = make(chan string, 1)
	b.running.Go(func() {
		ctx, stop := context.WithTimeout(context.Background(), callTimeout)
		defer stop()
		id, err := b.api.OpenView(ctx, trigger, render.Loading(title))
		if err != nil {
			b.cfg.Log.Warn("a form could not be opened", "error", err)
		}
		o.id <- id
	})
	return o
}

// show fills in the form in the background and tells whether the answer is
// seen there; false: it must be given in another way.
func (o *opening) show(r commands.Reply, meta render.Meta) bool {
	if o.id == nil && (r.Form == nil || o.trigger == "") {
		return false
	}
	f := o.b.frame()
	view := f.NoticeView("Muster", o.b.reply(r))
	if r.Form != nil {
		view = f.Form(*r.Form, meta, o.b.dir.UserID)
	}
	o.b.running.Go(func() {
		ctx, stop := context.WithTimeout(context.Background(), workTimeout)
		defer stop()
		var err error
		id := ""
		if o.id != nil {
			id = <-o.id
		}
		if id != "" {
			err = persist(ctx, func() error { return o.b.api.UpdateView(ctx, id, view) })
		} else {
			_, err = o.b.api.OpenView(ctx, o.trigger, view)
		}
		if err != nil {
			o.b.cfg.Log.Warn("a form could not be shown", "error", err)
			if r.Form != nil {
				r = commands.Reply{Text: "The form could not be opened in time. Please try again, or write the command with its text."}
			}
			o.b.tell(ctx, o.to, o.b.reply(r))
		}
	})
	return true
}
