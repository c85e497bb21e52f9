package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"muster/bot/render"
	"muster/commands"
	"muster/incident"
)

// call makes a command of what a person said in Slack.
func (b *Bot) call(by incident.Person, text, key, channel, thread string) commands.Call {
	return commands.Call{
		Text: strings.TrimSpace(text), By: by, Via: commands.ViaSlack, Key: key, Channel: channel, Thread: thread, Now: b.cfg.Now(),
	}
}

// run carries out a command. While it runs it may panic in nobody's face: a
// panic is a fault like any other, told to the person and logged.
func (b *Bot) run(ctx context.Context, c commands.Call) (r commands.Reply) {
	defer b.caught(&r)
	return b.cfg.Commands.Run(ctx, c)
}

func (b *Bot) submit(ctx context.Context, s commands.FormSubmission) (r commands.Reply) {
	defer b.caught(&r)
	return b.cfg.Commands.Submit(ctx, s)
}

func (b *Bot) caught(r *commands.Reply) {
	if p := recover(); p != nil {
		b.cfg.Log.Error("a command failed badly", "panic", p)
		*r = commands.Reply{Code: commands.CodeFault, Text: "Muster made a mistake", Ephemeral: true}
	}
}

// fault tells whether nothing could be recorded.
func fault(r commands.Reply) bool { return !r.OK && r.Code == commands.CodeFault }

// reply renders an answer; a fault always says that nothing was recorded.
func (b *Bot) reply(r commands.Reply) render.Message {
	if fault(r) {
		text := render.NotRecorded("Muster could not store it")
		return render.Message{Text: text, Blocks: []render.Object{{"type": "section", "text": render.Object{"type": "mrkdwn", "text": text}}}}
	}
	return b.frame().Reply(r)
}

// tell posts an answer to one person: at the response address, else in the
// channel for that person alone, else as a direct message.
func (b *Bot) tell(ctx context.Context, to place, m render.Message) {
	err := persist(ctx, func() error {
		switch {
		case to.url != "":
			return b.api.Respond(ctx, to.url, m)
		case to.channel != "" && !strings.HasPrefix(to.channel, "D"):
			return b.api.PostEphemeral(ctx, to.channel, to.thread, to.user, m)
		default:
			return b.direct(ctx, to.user, m)
		}
	})
	if err != nil {
		b.cfg.Log.Warn("an answer could not be given", "error", err)
	}
}

// attempts is how often an answer to a person is tried; what was decided goes
// through the outbox instead.
const attempts = 5

// persist calls f again while Slack says to wait, or while the call surely did
// not reach it. An unclear failure is not repeated: nobody is told twice.
func persist(ctx context.Context, f func() error) error {
	for wait := time.Second; ; wait *= 2 {
		err := f()
		e, answered := errors.AsType[*Error](err)
		switch {
		case err == nil:
			return nil
		case answered && e.RetryAfter > 0:
			wait = max(wait, e.RetryAfter)
		case answered && e.Status >= 500, notSent(err):
		default:
			return err
		}
		if wait >= time.Second<<attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// direct sends a direct message.
func (b *Bot) direct(ctx context.Context, user string, m render.Message) error {
	dm, err := b.dms.open(ctx, b.api, user)
	if err != nil {
		return err
	}
	_, err = b.api.PostMessage(ctx, Post{Channel: dm, Message: m})
	return err
}

// place is where an answer goes.
type place struct {
	url, channel, thread, user string
}

// brokenMessage says that nobody knows what came of a request.
func brokenMessage() render.Message {
	const text = "❌ *Muster made a mistake* while it handled this. Look with `/incident show` whether it is recorded before you send it again."
	return render.Message{Text: text, Blocks: []render.Object{{"type": "section", "text": render.Object{"type": "mrkdwn", "text": text}}}}
}

// lateMessage says honestly that nothing is recorded yet.
func lateMessage() render.Message {
	return render.Message{Text: render.LateText, Blocks: []render.Object{{"type": "section", "text": render.Object{"type": "mrkdwn", "text": render.LateText}}}}
}
