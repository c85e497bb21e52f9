package bot

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"muster/bot/render"
	"muster/commands"
	"muster/incident"
)

// Callback IDs of the message shortcuts, as manifest.yml names them.
const (
	shortcutNote    = "add_to_timeline"
	shortcutDeclare = "declare_incident"
)

// pushpin is the reaction that adds a message to the timeline.
const pushpin = "pushpin"

// saidAnew are the kinds of a message in which a person says something: plainly,
// with a file, and in a thread that the channel sees too.
var saidAnew = map[string]bool{"": true, "file_share": true, "thread_broadcast": true}

// eventBody is an event of the Events API.
// https://docs.slack.dev/apis/events-api
type eventBody struct {
	ID    string `json:"event_id"`
	Event struct {
		Type     string          `json:"type"`
		Subtype  string          `json:"subtype"`
		BotID    string          `json:"bot_id"`
		RawUser  json.RawMessage `json:"user"`
		Text     string          `json:"text"`
		TS       string          `json:"ts"`
		Thread   string          `json:"thread_ts"`
		Channel  string          `json:"channel"`
		Kind     string          `json:"channel_type"`
		Tab      string          `json:"tab"`
		Reaction string          `json:"reaction"`
		Item     struct {
			Type    string `json:"type"`
			Channel string `json:"channel"`
			TS      string `json:"ts"`
		} `json:"item"`
	} `json:"event"`
}

// eventUser is a user as user_change and team_join bring it.
type eventUser struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Deleted bool   `json:"deleted"`
	Bot     bool   `json:"is_bot"`
	Zone    string `json:"tz"`
	Real    string `json:"real_name"`
	Profile struct {
		Email string `json:"email"`
		Real  string `json:"real_name"`
	} `json:"profile"`
}

func (b *Bot) event(_ context.Context, env envelope) job {
	var e eventBody
	if json.Unmarshal(env.Payload, &e) != nil {
		return job{}
	}
	user := ""
	_ = json.Unmarshal(e.Event.RawUser, &user) // an object in the events about people
	key := ""
	if e.ID != "" {
		key = "event/" + e.ID
	}
	switch e.Event.Type {
	case "app_mention":
		if e.Event.BotID != "" || user == "" {
			return job{}
		}
		return b.spoken(e, user, key, env.Retry > 0)
	case "message":
		ev := e.Event
		if ev.Kind != "im" || ev.BotID != "" || !saidAnew[ev.Subtype] || user == "" || b.isMe(user) || ev.Subtype != "" && ev.Text == "" {
			return job{} // a file alone asks for nothing
		}
		return b.spoken(e, user, key, env.Retry > 0)
	case "reaction_added":
		if e.Event.Reaction != pushpin || e.Event.Item.Type != "message" {
			return job{}
		}
		return b.pinned(e, user, key)
	case "app_home_opened":
		if e.Event.Tab != "" && e.Event.Tab != "home" {
			return job{}
		}
		return job{key: key, run: func(context.Context) result {
			return result{after: func(ctx context.Context, _, _ bool) { b.publishHome(ctx, user) }}
		}}
	case "user_change", "team_join":
		var u eventUser
		if json.Unmarshal(e.Event.RawUser, &u) == nil {
			b.dir.Learn(User{
				ID: u.ID, Handle: u.Name, Name: cmpString(u.Profile.Real, u.Real, u.Name), Email: u.Profile.Email, Zone: u.Zone,
				Bot: u.Bot, Deactivated: u.Deleted,
			})
		}
		return job{}
	default:
		return job{}
	}
}

// isMe tells whether a user is the bot: the files that it hands over come back
// as messages of a person's kind.
func (b *Bot) isMe(user string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return user == b.self.UserID
}

// spoken handles a mention of the bot, or a direct message to it, as a
// command. The answer goes into the thread.
func (b *Bot) spoken(e eventBody, user, key string, again bool) job {
	ev := e.Event
	thread := ev.Thread
	direct := ev.Kind == "im" || strings.HasPrefix(ev.Channel, "D")
	if thread == "" && !direct {
		thread = ev.TS
	}
	to := place{channel: ev.Channel, thread: thread, user: user}
	return job{
		key:     key,
		to:      to,
		sayLate: func(ctx context.Context) { b.tell(ctx, to, lateMessage()) },
		run: func(ctx context.Context) result {
			text := b.withoutMe(ctx, ev.Text)
			if text == "" {
				text = "help"
			}
			r := b.run(ctx, b.call(b.dir.Person(ctx, user), typed(text), key, ev.Channel, ev.Thread))
			if r.Form != nil {
				r.Form, r.Pick = nil, append(r.Pick, commands.Choice{Label: "Open the form", Value: text})
			}
			return result{fault: fault(r), after: func(ctx context.Context, _, _ bool) {
				b.answer(ctx, to, r, key, direct, again)
				b.hand(ctx, user, r)
			}}
		},
	}
}

// answer replies to what was said: for one alone where the answer is private,
// else in the thread, once.
func (b *Bot) answer(ctx context.Context, to place, r commands.Reply, key string, direct, again bool) {
	m := b.reply(r)
	if (r.Ephemeral || !r.OK) && !direct {
		b.tell(ctx, to, m)
		return
	}
	p := Post{Channel: to.channel, Thread: to.thread, Message: m, Delivery: key}
	if again {
		if _, ok, err := b.find(ctx, p.Channel, p.Thread, key, b.cfg.Now().Add(-rememberFor)); err == nil && ok {
			return
		}
	}
	err := persist(ctx, func() error {
		_, err := b.api.PostMessage(ctx, p)
		return err
	})
	if err != nil {
		b.cfg.Log.Warn("an answer could not be posted", "error", err)
	}
}

// withoutMe takes the bot's own mention out of a text.
func (b *Bot) withoutMe(ctx context.Context, text string) string {
	if id, err := b.me(ctx); err == nil {
		for i := strings.Index(text, "<@"+id.UserID); i >= 0; i = strings.Index(text, "<@"+id.UserID) {
			end := strings.IndexByte(text[i:], '>')
			if end < 0 {
				break
			}
			text = text[:i] + text[i+end+1:]
		}
	}
	return strings.TrimSpace(text)
}

// pinned adds a message with a 📌 to the timeline of the incident whose channel
// or thread it stands in; elsewhere a 📌 means nothing.
func (b *Bot) pinned(e eventBody, user, key string) job {
	item := e.Event.Item
	return job{key: key, patient: true, run: func(ctx context.Context) result {
		var list []Found
		err := persist(ctx, func() (err error) {
			list, _, err = b.api.Replies(ctx, Query{Channel: item.Channel, TS: item.TS, Limit: 1})
			return err
		})
		if err != nil || len(list) == 0 {
			if err != nil {
				b.cfg.Log.Warn("a message with a pin could not be read", "error", err)
			}
			return result{fault: unread(err)}
		}
		m := list[0]
		if m.TS != item.TS {
			return result{}
		}
		thread := m.Thread
		if thread == "" {
			thread = m.TS
		}
		id, ok := b.cfg.Incidents.ByPlace(item.Channel, thread)
		if !ok {
			return result{}
		}
		r := b.note(ctx, noted{user: user, key: key, channel: item.Channel, thread: thread, ts: m.TS, text: m.Text, incident: id})
		res := result{fault: fault(r)}
		if !r.OK && r.Code == commands.CodePermission {
			res.after = func(ctx context.Context, _, _ bool) {
				b.tell(ctx, place{channel: item.Channel, thread: thread, user: user}, b.reply(r))
			}
		}
		return res
	}}
}

// unread tells whether a message could not be read for now, so that Slack's
// repeat of the event is worth another look.
func unread(err error) bool {
	if e, answered := errors.AsType[*Error](err); answered {
		return e.RetryAfter > 0 || e.Status >= 500 || unclear[e.Code]
	}
	return err != nil
}

// noted is a message on its way into a timeline.
type noted struct {
	user, key, channel, thread, ts, text, incident string
}

func (b *Bot) note(ctx context.Context, n noted) commands.Reply {
	call := b.call(b.dir.Person(ctx, n.user), "", n.key, n.channel, n.thread)
	call.Link, call.Source = b.link(n.channel, n.ts), n.channel+"/"+n.ts
	return b.submit(ctx, commands.FormSubmission{
		Call: call, Name: render.ActNote, Incident: n.incident,
		Values: map[string]string{"text": render.Cut(b.readable(n.text), render.MaxInput)},
	})
}

func (b *Bot) link(channel, ts string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return permalink(b.self.URL, channel, ts)
}

// messageShortcut handles the entries of a message's menu.
func (b *Bot) messageShortcut(in interaction) job {
	to := in.place()
	thread := in.Message.Thread
	if thread == "" {
		thread = in.Message.TS
	}
	key := ""
	switch {
	case in.Trigger != "":
		key = "shortcut/" + in.Trigger
	case in.ActionTS != "":
		key = "shortcut/" + in.User.ID + "/" + in.ActionTS
	}
	switch in.Callback {
	case shortcutNote:
		return job{key: key, to: to, sayLate: func(ctx context.Context) { b.tell(ctx, to, lateMessage()) }, run: func(ctx context.Context) result {
			r := b.noteShortcut(ctx, in, to, thread, key)
			if r.Form != nil {
				b.loading(in.Trigger, "", to).show(r, b.metaOf(in, to))
				return result{}
			}
			return result{fault: fault(r), after: func(ctx context.Context, _, _ bool) { b.tell(ctx, to, b.reply(r)) }}
		}}
	case shortcutDeclare:
		return job{key: key, to: to, run: func(ctx context.Context) result {
			form := b.loading(in.Trigger, "Declare incident", to)
			r := b.openForm(ctx, b.call(b.dir.Person(ctx, in.User.ID), "", "", to.channel, ""), render.ActCreate)
			if r.Form != nil {
				prefill(r.Form, "title", firstLine(b.readable(in.Message.Text)))
			}
			form.show(r, b.metaOf(in, to))
			return result{}
		}}
	default:
		return job{}
	}
}

func (b *Bot) metaOf(in interaction, to place) render.Meta {
	return render.Meta{
		Channel: to.channel, Thread: to.thread, Link: b.link(to.channel, in.Message.TS), Source: to.channel + "/" + in.Message.TS,
	}
}

func (b *Bot) openForm(ctx context.Context, c commands.Call, name string) (r commands.Reply) {
	defer b.caught(&r)
	return b.cfg.Commands.OpenForm(ctx, c, name)
}

// noteShortcut adds the message to the timeline of its place's incident, else
// of the only open one, else asks which.
func (b *Bot) noteShortcut(ctx context.Context, in interaction, to place, thread, key string) commands.Reply {
	id, ok := b.cfg.Incidents.ByPlace(to.channel, thread)
	if open := b.open(b.dir.Person(ctx, in.User.ID)); !ok && len(open) == 1 {
		id, ok = open[0].ID, true
	}
	if !ok {
		call := b.call(b.dir.Person(ctx, in.User.ID), "note "+b.readable(in.Message.Text), key, to.channel, thread)
		call.Link, call.Source = b.link(to.channel, in.Message.TS), to.channel+"/"+in.Message.TS
		return b.run(ctx, call)
	}
	return b.note(ctx, noted{user: in.User.ID, key: key, channel: to.channel, thread: thread, ts: in.Message.TS, text: in.Message.Text, incident: id})
}

func prefill(f *commands.Form, name, value string) {
	for i := range f.Fields {
		if f.Fields[i].Name == name && f.Fields[i].Value == "" {
			f.Fields[i].Value = value
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return render.Cut(line, 150)
}

// open lists the open incidents that a person may see.
func (b *Bot) open(by incident.Person) []incident.Incident {
	var out []incident.Incident
	for _, s := range b.cfg.Incidents.Open() {
		if s.VisibleTo(by) {
			out = append(out, s)
		}
	}
	return out
}

// publishHome shows a person's home tab as it is now.
func (b *Bot) publishHome(ctx context.Context, user string) {
	h := render.Home{Person: b.dir.Person(ctx, user)}
	h.Open = b.open(h.Person)
	if b.cfg.OnCall != nil {
		h.OnCall = b.cfg.OnCall(b.cfg.Now())
	}
	if b.cfg.Alerts != nil {
		h.Alerts = b.cfg.Alerts()
	}
	if b.cfg.FollowUps != nil {
		var err error
		if h.FollowUps, err = b.cfg.FollowUps(ctx, h.Person); err != nil {
			b.cfg.Log.Error("the follow-ups of a home tab could not be read", "error", err)
		}
	}
	err := persist(ctx, func() error { return b.api.PublishView(ctx, user, b.frame().Home(h)) })
	if err != nil {
		b.cfg.Log.Warn("a home tab could not be shown", "error", err)
	}
}
