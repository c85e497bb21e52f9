package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"muster/bot/render"
	"muster/incident"
	"muster/outbox"
)

// playbookKinds are the effects of playbooks that go to Slack.
var playbookKinds = []incident.Effect{
	incident.ShowSection{}, incident.RefreshSection{}, incident.ShowStep{}, incident.RefreshStep{}, incident.ShowOutput{},
}

// playbookLimits are the limits that an effect of a playbook passes; false: it
// is none.
func playbookLimits(e incident.Effect) ([]outbox.Limit, bool) {
	switch e.(type) {
	case incident.ShowSection, incident.ShowStep:
		return []outbox.Limit{posting("in incidents")}, true
	case incident.RefreshSection, incident.RefreshStep:
		return []outbox.Limit{calling("chat.update")}, true
	case incident.ShowOutput:
		return []outbox.Limit{calling("files.completeUploadExternal")}, true
	default:
		return nil, false
	}
}

// playbook brings an effect of a playbook to Slack.
func (x *sending) playbook(ctx context.Context, e incident.Effect) (incident.Receipt, error) {
	switch e := e.(type) {
	case incident.ShowSection:
		m, ok := x.f.Section(x.s, e.Playbook, e.Section)
		if !ok {
			return incident.Receipt{}, nil
		}
		return x.inThread(ctx, m)
	case incident.RefreshSection:
		b, _ := x.s.Shelf.Book(e.Playbook)
		m, ok := x.f.Section(x.s, e.Playbook, e.Section)
		if at := b.Spots[e.Section]; ok && at.TS != "" {
			return incident.Receipt{}, x.api.UpdateMessage(ctx, at.Channel, at.TS, m)
		}
		return incident.Receipt{}, nil
	case incident.ShowStep:
		m, ok := x.f.Step(x.s, e.N)
		if !ok {
			return incident.Receipt{}, nil
		}
		run, _ := x.s.Shelf.Run(e.N)
		r, err := x.inThread(ctx, m)
		r.Ref = strconv.FormatUint(run.Seq, 10)
		if x.maybeSent {
			r.Ref = strconv.FormatUint(e.Seq, 10)
		}
		return r, err
	case incident.RefreshStep:
		return incident.Receipt{}, x.refreshStep(ctx, e.N)
	case incident.ShowOutput:
		return incident.Receipt{}, x.output(ctx, e.N)
	default:
		return incident.Receipt{}, outbox.PermanentError{Reason: "Slack knows no delivery of the kind " + x.d.Kind}
	}
}

// inThread posts into the card's thread.
func (x *sending) inThread(ctx context.Context, m render.Message) (incident.Receipt, error) {
	if x.s.Card.TS == "" {
		return incident.Receipt{}, outbox.PermanentError{Reason: "there is no card whose thread it could go into"}
	}
	return x.post(ctx, Post{Channel: x.s.Card.Channel, Thread: x.s.Card.TS, Message: m})
}

// refreshStep brings a run's message up to date, and takes the buttons off the
// ones before it.
func (x *sending) refreshStep(ctx context.Context, n int) error {
	run, ok := x.s.Shelf.Run(n)
	if !ok || run.At.TS == "" {
		return nil
	}
	for _, old := range run.Old {
		if err := x.api.UpdateMessage(ctx, old.Channel, old.TS, x.f.OldStep(run)); err != nil {
			return err
		}
	}
	m, ok := x.f.Step(x.s, n)
	if !ok {
		return nil
	}
	return x.api.UpdateMessage(ctx, run.At.Channel, run.At.TS, m)
}

// output posts the whole of what a run said as a file.
func (x *sending) output(ctx context.Context, n int) error {
	run, ok := x.s.Shelf.Run(n)
	switch {
	case !ok || run.Outcome.Ref == "" || x.cfg.Evidence == nil:
		return nil
	case x.s.Card.TS == "":
		return outbox.PermanentError{Reason: "there is no card whose thread it could go into"}
	}
	data, err := x.cfg.Evidence(ctx, x.s.ID, run.Outcome.Ref)
	if err != nil {
		return outbox.PermanentError{Reason: "the evidence could not be read", Err: err}
	}
	return x.share(ctx, File{
		Name:  fmt.Sprintf("%s-run-%d.txt", strings.ToLower(x.s.ID), n),
		Title: fmt.Sprintf("Run %d: %s", n, run.Title), Data: data,
	})
}

// Progress shows what a run has said so far. Its error means that it was not
// shown.
func (b *Bot) Progress(ctx context.Context, id string, n int, output string) error {
	s, err := b.cfg.Incidents.State(ctx, id)
	if err != nil {
		return err
	}
	run, ok := s.Shelf.Run(n)
	m, shown := b.frame().StepProgress(s, n, output)
	switch {
	case !ok || !shown:
		return nil
	case run.At.TS == "":
		return errors.New("its message is not there yet")
	}
	return b.api.UpdateMessage(ctx, run.At.Channel, run.At.TS, m)
}

// ticked turns a click on a check-list into a command: what is ticked now and
// was not as the message stood, and the other way round.
func ticked(in interaction) (string, bool) {
	if len(in.Actions) == 0 || !strings.HasPrefix(in.Actions[0].ID, render.ActTick+":") {
		return "", false
	}
	a := in.Actions[0]
	var now []string
	for _, o := range a.Checked {
		now = append(now, o.Value)
	}
	before, known := checkedBefore(in.Message.Blocks, a.Block, a.ID)
	if !known {
		return "", true
	}
	id, book := "", ""
	var items []string
	add := func(value, mark string) {
		var item string
		if i := strings.LastIndexByte(value, ' '); i > 0 {
			item = value[i+1:]
			id, book, _ = strings.Cut(value[:i], " ")
			items = append(items, mark+item)
		}
	}
	for _, v := range now {
		if !slices.Contains(before, v) {
			add(v, "")
		}
	}
	for _, v := range before {
		if !slices.Contains(now, v) {
			add(v, "-")
		}
	}
	if len(items) == 0 {
		return "", true
	}
	return "playbook tick " + id + " " + book + " " + strings.Join(items, " "), true
}

// checkedBefore reads from a message which boxes of a group were ticked in it.
func checkedBefore(blocks json.RawMessage, block, action string) (values []string, ok bool) {
	var list []struct {
		ID       string `json:"block_id"`
		Elements []struct {
			ID      string `json:"action_id"`
			Initial []struct {
				Value string `json:"value"`
			} `json:"initial_options"`
		} `json:"elements"`
	}
	if err := json.Unmarshal(blocks, &list); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
		return nil, false
	}
	for _, b := range list {
		if b.ID != block {
			continue
		}
		for _, e := range b.Elements {
			if e.ID == action {
				for _, o := range e.Initial {
					values = append(values, o.Value)
				}
				return values, true
			}
		}
	}
	return nil, false
}
