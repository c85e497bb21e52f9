package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/store"
	"muster/workspace"
)

// history is an incident as its records tell it: states[i] is after records[i].
type history struct {
	id      string
	records []incident.Record
	states  []incident.Incident
}

// last is the state now.
func (h history) last() incident.Incident { return h.states[len(h.states)-1] }

// read folds every incident of a store. What its snapshots say must be the same.
func (w *world) read(s *store.Store) []history {
	w.Helper()
	all := engine.NewIncidents(engine.Config{Store: s}, func() []incident.Rule { return nil })
	list, err := all.List(context.Background(), 0)
	w.must(err)
	var out []history
	for _, one := range list {
		h := history{id: one.ID}
		h.records, err = all.History(context.Background(), one.ID)
		w.must(err)
		state := incident.Incident{ID: one.ID}
		for _, r := range h.records {
			state = incident.Apply(state, r)
			h.states = append(h.states, state)
		}
		live, err := all.State(context.Background(), one.ID)
		w.must(err)
		a, err := json.Marshal(live)
		w.must(err)
		b, err := json.Marshal(state)
		w.must(err)
		if string(a) != string(b) {
			w.Errorf("%s: the stored fold is not what the records say:\n%s\n%s", one.ID, a, b)
		}
		out = append(out, h)
	}
	return out
}

// words are those that a person brought into a record.
func words(e incident.Event) string {
	switch e := e.(type) {
	case incident.Declared:
		return e.Title
	case incident.Noted:
		return e.Text
	case incident.Updated:
		return e.Text
	case incident.ResolvedEvent:
		return e.Cause
	}
	return ""
}

// checkLedger holds the histories against what people said and were told. It
// gives how many were told.
func (w *world) checkLedger(all []history, list []saying) (told int) {
	w.Helper()
	for _, problem := range misremembered(all, list, time.Time{}) {
		w.Error(problem)
	}
	for _, one := range list {
		if !one.acked.IsZero() {
			told++
		}
	}
	return told
}

// misremembered says what the histories have wrongly of what people said, and
// what is missing of what they were told before a moment; zero: ever.
func misremembered(all []history, list []saying, before time.Time) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	found := map[string][]string{}
	byID := map[string]history{}
	for _, h := range all {
		byID[h.id] = h
		for _, r := range h.records {
			if m := marker.FindString(words(r.Event)); m != "" {
				found[m] = append(found[m], h.id)
			}
		}
	}
	known := map[string]bool{}
	for _, one := range list {
		known[one.marker] = true
		acked := !one.acked.IsZero() && (before.IsZero() || one.acked.Before(before))
		n := len(found[one.marker])
		switch {
		case one.ack:
			if acked && !byID[one.stream].has(one.by) {
				say("%s acknowledged %s, Slack was told, and the history does not have it", one.by, one.stream)
			}
		case acked && n == 0:
			say("%s was told that %q is done, and it is not recorded", one.by, one.text)
		case n > 1:
			say("%q is recorded %d times: %v", one.text, n, found[one.marker])
		case n == 1 && one.stream != "" && found[one.marker][0] != one.stream:
			say("%q is recorded in %s", one.text, found[one.marker][0])
		}
	}
	for m, where := range found {
		if !known[m] {
			say("%v has %s, which nobody said", where, m)
		}
	}
	return problems
}

// has tells whether somebody acknowledged, or came when it was over.
func (h history) has(who string) bool {
	if len(h.records) == 0 {
		return false
	}
	for _, r := range h.records {
		if a, ok := r.Event.(incident.Acknowledged); ok && strings.HasPrefix(a.By.Key, who+"@") {
			return true
		}
	}
	return !h.last().Open()
}

// seen is a message of the program's, as people see it.
type seen struct {
	delivery, channel, text string
	at                      time.Time // on the wall
}

// seen gives every message of the program's that somebody can see.
func (w *world) seen(all []history) []seen {
	w.Helper()
	eyes := w.ws.Person(w.people[0])
	var out []seen
	look := func(p *workspace.Person, channel string) {
		known := map[string]bool{}
		take := func(m workspace.Message) {
			if m.User != w.ws.BotUser() || known[m.TS] || strings.HasPrefix(m.Subtype, "channel_") {
				return
			}
			known[m.TS] = true
			var meta struct {
				Payload struct {
					Delivery string `json:"delivery"`
				} `json:"event_payload"`
			}
			if len(m.Metadata) > 0 {
				w.must(json.Unmarshal(m.Metadata, &meta))
			}
			for _, f := range m.Files { // a file carries no delivery, only its name
				name, _ := f["name"].(string)
				meta.Payload.Delivery = meetingDelivery(all, name)
			}
			out = append(out, seen{delivery: meta.Payload.Delivery, channel: channel, text: m.Text, at: w.clock.wall(stamp(m.TS))})
		}
		for _, m := range p.Messages(channel) {
			take(m)
			if m.ReplyCount > 0 {
				for _, reply := range p.Thread(channel, m.TS) {
					take(reply)
				}
			}
		}
	}
	for _, channel := range []string{"#incidents", "#muster-ops", "#alerts", "#monitoring", "#general"} {
		look(eyes, channel)
	}
	for _, h := range all {
		if room := h.last().Room.Channel; room != "" {
			look(eyes, room)
		}
	}
	for _, who := range w.people {
		p := w.ws.Person(who)
		look(p, p.DM("muster"))
	}
	return out
}

// meetingDelivery is the delivery whose calendar file has a name; empty: none.
func meetingDelivery(all []history, name string) string {
	for _, h := range all {
		for _, d := range h.deliveries() {
			if e, ok := d.effect.(incident.MeetingFile); ok && name == fmt.Sprintf("%s-post-mortem-%d.ics", strings.ToLower(h.id), e.Seq) {
				return d.id
			}
		}
	}
	return ""
}

// stamp is the moment of a message's timestamp.
func stamp(ts string) time.Time {
	var sec, micro int64
	if _, err := fmt.Sscanf(ts, "%d.%d", &sec, &micro); err != nil {
		return time.Time{}
	}
	return time.Unix(sec, micro*1000)
}

// checkSeen holds what people see against what the histories say that they
// must be told: each message once, none without a record, none missing that
// still mattered. Desk are the messages that are the desk's.
func (w *world) checkSeen(all []history, messages []seen, desk map[string]bool) {
	w.Helper()
	count := map[string][]string{}
	for _, m := range messages {
		if m.delivery == "" && w.saysDamage(m) {
			continue
		}
		if m.delivery == "" {
			w.Errorf("a message in %s stands for no delivery: %q", m.channel, m.text)
		}
		count[m.delivery] = append(count[m.delivery], m.channel)
	}
	wanted := map[string]bool{}
	for _, h := range all {
		for _, d := range h.deliveries() {
			wanted[d.id] = true
			switch n := len(count[d.id]); {
			case n > 1:
				w.Errorf("%s (%T) was seen %d times, in %v", d.id, d.effect, n, count[d.id])
			case n == 0 && d.visible && !h.excused(d):
				w.Errorf("%s (%+v) was never seen, and nothing excuses it", d.id, d.effect)
			}
		}
	}
	for id, where := range count {
		switch {
		case strings.HasPrefix(id, "event/"):
			if len(where) > 1 {
				w.Errorf("the answer to %s was seen %d times", id, len(where))
			}
		case !wanted[id] && !desk[id] && id != "":
			w.Errorf("a message in %v stands for %s, which the history does not ask for", where, id)
		}
	}
	w.checkRooms()
	for _, h := range all {
		w.checkCard(h)
	}
}

// saysDamage tells whether a message says of an incident that a test damaged
// that it is: that comes from no record, since nothing is written to it.
func (w *world) saysDamage(m seen) bool {
	return m.channel == "#muster-ops" && slices.ContainsFunc(w.damaged, func(id string) bool {
		return strings.HasPrefix(m.text, id+"'s history is damaged")
	})
}

// checkRooms fails if a channel, or a bookmark in one, was made twice.
func (w *world) checkRooms() {
	w.Helper()
	rooms, marks := map[string]string{}, map[string]int{}
	for _, c := range w.ws.CallLog() {
		switch {
		case !c.OK:
		case c.Method == "conversations.create":
			id := strings.Join(strings.SplitN(c.Args["name"], "-", 3)[:2], "-")
			if rooms[id] != "" {
				w.Errorf("%s has two channels: %s and %s", id, rooms[id], c.Args["name"])
			}
			rooms[id] = c.Args["name"]
		case c.Method == "bookmarks.add":
			link := c.Args["channel_id"] + " " + c.Args["link"]
			if marks[link]++; marks[link] == 2 {
				w.Errorf("a channel has the bookmark %s twice", link)
			}
		}
	}
}

// checkCard fails unless the card that people see shows how it ended.
func (w *world) checkCard(h history) {
	w.Helper()
	for _, spot := range []incident.Spot{h.last().Card, h.last().RoomCard} {
		if spot.TS == "" {
			continue
		}
		list := w.ws.Person(w.people[0]).Thread(spot.Channel, spot.TS)
		if len(list) == 0 || !strings.Contains(list[0].Text+string(list[0].Blocks), "Resolved") {
			w.Errorf("the card of %s in %s does not say that it is resolved", h.id, spot.Channel)
		}
	}
}

// wantedDelivery is what a record asks for, under the name that it got.
type wantedDelivery struct {
	id      string
	at      int // index of the last record of the step
	effect  incident.Effect
	visible bool // as a message of its own
}

// deliveries names what every step had to tell, as the engine and the store
// do: the records of one step share a moment, and of effects that replace each
// other only the last one counts.
func (h history) deliveries() []wantedDelivery {
	var out []wantedDelivery
	for from := 0; from < len(h.records); {
		to := from
		for to+1 < len(h.records) && h.records[to+1].At.Equal(h.records[from].At) {
			to++
		}
		var effects []incident.Effect
		for i := from; i <= to; i++ {
			effects = append(effects, incident.Effects(h.states[i], h.records[i])...)
		}
		index := 0
		for i, e := range effects {
			replaces := incident.Travel(e).Replaces
			later := func(o incident.Effect) bool { return incident.Travel(o).Replaces == replaces }
			if replaces != "" && slices.ContainsFunc(effects[i+1:], later) {
				continue
			}
			out = append(out, wantedDelivery{fmt.Sprintf("%s/%d/%d", h.id, h.records[to].Seq, index), to, e, h.shows(e)})
			index++
		}
		from = to + 1
	}
	return out
}

// shows tells whether an effect is a message of its own.
func (h history) shows(e incident.Effect) bool {
	switch e := e.(type) {
	case incident.Page:
		return e.Method == "slack"
	case incident.Thread:
		started, ok := h.records[e.Seq-1].Event.(incident.LadderStarted)
		return !ok || started.Round > 0 || started.Why == incident.WhyRaised // else the first page says it
	case incident.Announce, incident.Tell, incident.Last, incident.Notify, incident.Operations, incident.MeetingFile:
		return true
	case incident.Room:
		return e.Step == incident.RoomCard
	default:
		return false
	}
}

// excused tells whether a message that nobody saw had ceased to matter.
func (h history) excused(d wantedDelivery) bool {
	for _, s := range h.states[d.at:] {
		if _, ok := incident.Relevant(s, d.effect); !ok || h.leftMeanwhile(s, d.effect) {
			return true
		}
	}
	return false
}

// leftMeanwhile tells whether an effect would say that a page is late which, in
// a state, is not late any more: then nothing is said.
func (h history) leftMeanwhile(s incident.Incident, e incident.Effect) bool {
	line, ok := e.(incident.Thread)
	if !ok {
		return false
	}
	settled, ok := h.records[line.Seq-1].Event.(incident.PageSettled)
	if !ok || settled.State != incident.PageLate {
		return false
	}
	page, ok := s.Page(settled.Attempt)
	return ok && !slices.ContainsFunc(page.Methods, func(m incident.MethodStatus) bool {
		return m.Method == settled.Method && m.State == incident.PageLate
	})
}

// checkPages fails unless every page came to an end.
func (w *world) checkPages(all []history) (pages, delivered int) {
	w.Helper()
	for _, h := range all {
		ended := map[string]int{}
		next := 1
		for i, r := range h.records {
			switch e := r.Event.(type) {
			case incident.Paged:
				if e.Attempt != next {
					w.Errorf("%s record %d: page %d comes after page %d", h.id, r.Seq, e.Attempt, next-1)
				}
				next++
				pages += len(e.Methods)
			case incident.PageSettled:
				if e.State == incident.PageLate {
					continue
				}
				if e.State == incident.PageCancelled && i > 0 && !w.mayCancel(h, i, e) {
					w.Errorf("%s record %d calls page %d off (%s), although it mattered", h.id, r.Seq, e.Attempt, e.Reason)
				}
				if e.State == incident.PageDelivered {
					delivered++
				}
				if e.State == incident.PageFailed {
					w.Errorf("%s: page %d failed: %s", h.id, e.Attempt, e.Reason)
				}
				ended[fmt.Sprint(e.Attempt, e.Method)]++
			case incident.EffectFailed:
				w.Errorf("%s: %s failed: %s", h.id, e.What, e.Reason)
			}
		}
		for _, r := range h.records {
			if e, ok := r.Event.(incident.Paged); ok {
				for _, m := range e.Methods {
					if n := ended[fmt.Sprint(e.Attempt, m)]; n != 1 {
						w.Errorf("%s: page %d over %s ended %d times", h.id, e.Attempt, m, n)
					}
				}
			}
		}
	}
	return pages, delivered
}

// mayCancel tells whether the page that record i calls off had ceased to
// matter when that was decided: shortly before, and it may matter again since,
// as after an acknowledgement that has lapsed.
func (w *world) mayCancel(h history, i int, e incident.PageSettled) bool {
	for _, d := range h.deliveries() {
		page, ok := d.effect.(incident.Page)
		if !ok || page.Attempt != e.Attempt || page.Method != e.Method {
			continue
		}
		earliest := w.clock.wall(h.records[i].At).Add(-clocksWithin)
		for j := i - 1; j >= d.at; j-- {
			if _, matters := incident.Relevant(h.states[j], page); !matters {
				return true
			}
			if w.clock.wall(h.records[j].At).Before(earliest) {
				break
			}
		}
		return false
	}
	return false
}

// pending are the pages that wait in a data file which no program holds.
func (w *world) pending() []string {
	w.Helper()
	s := w.open(w.data)
	list, err := s.Pending()
	w.must(errors.Join(err, s.Close()))
	var ids []string
	for _, d := range list {
		if d.Lane == outbox.Page {
			ids = append(ids, d.ID)
		}
	}
	return ids
}
