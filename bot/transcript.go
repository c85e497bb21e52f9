package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"muster/incident"
)

// Spoken is one message of a thread or a channel, as it stands now.
type Spoken struct {
	TS     string          `json:"ts"`
	At     time.Time       `json:"at"`
	By     incident.Person `json:"by"`
	Thread string          `json:"thread,omitempty"`
	Text   string          `json:"text"`
	// Words is Text as people read it: names in the place of users' IDs.
	Words string       `json:"words"`
	Files []Attachment `json:"files,omitempty"`
}

// Attachment is a file of a message.
type Attachment struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int    `json:"size"`
	// Missing says why Data is empty; empty: it is there.
	Missing string `json:"missing,omitempty"`
	Data    []byte `json:"-"`
}

// maxAttachment is the largest file that a transcript takes along, in bytes.
const maxAttachment = 32 << 20

// Transcript reads all messages of the thread ts in a channel, or without ts
// all of the channel itself, oldest first, with their files. What cannot be
// loaded of a file is said in its place; a message that cannot be read is an
// error.
func (b *Bot) Transcript(ctx context.Context, channel, ts string) ([]Spoken, error) {
	w, ok := b.api.(*web)
	if !ok {
		return nil, errors.New("read a thread: there is no Slack")
	}
	var all []slack.Message
	for cursor := ""; ; {
		var page []slack.Message
		err := persist(ctx, func() (err error) {
			page, cursor, err = w.spoken(ctx, channel, ts, cursor)
			return err
		})
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); cursor == "" {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b slack.Message) int { return strings.Compare(a.Timestamp, b.Timestamp) })
	out := make([]Spoken, 0, len(all))
	for _, m := range all {
		s := Spoken{TS: m.Timestamp, At: moment(m.Timestamp), Text: m.Text, By: incident.Person{Key: m.User, Name: m.Username}}
		if m.ThreadTimestamp != m.Timestamp {
			s.Thread = m.ThreadTimestamp
		}
		if m.User != "" {
			s.By = b.dir.Person(ctx, m.User)
		}
		for _, token := range tokens.FindAllString(m.Text, -1) {
			if id := mentioned(token); id != "" {
				b.dir.Person(ctx, id) // so that readable knows the name
			}
		}
		s.Words = b.readable(m.Text)
		for _, f := range m.Files {
			s.Files = append(s.Files, w.attachment(ctx, f))
		}
		out = append(out, s)
	}
	return out, nil
}

func (w *web) spoken(ctx context.Context, channel, ts, cursor string) ([]slack.Message, string, error) {
	const page = 200
	if ts != "" {
		list, _, next, err := w.client.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: ts, Cursor: cursor, Limit: page,
		})
		return list, next, refused("conversations.replies", err)
	}
	r, err := w.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: channel, Cursor: cursor, Limit: page})
	if err != nil {
		return nil, "", refused("conversations.history", err)
	}
	return r.Messages, r.ResponseMetaData.NextCursor, nil
}

func (w *web) attachment(ctx context.Context, f slack.File) Attachment {
	a := Attachment{ID: f.ID, Name: f.Name, Size: f.Size}
	if f.Size > maxAttachment {
		a.Missing = fmt.Sprintf("it is larger than %d MB", maxAttachment>>20)
		return a
	}
	var data bytes.Buffer
	err := refused("the file", w.client.GetFileContext(ctx, f.URLPrivate, &data))
	switch {
	case f.URLPrivate == "":
		a.Missing = "Slack gives no address for it"
	case err != nil:
		a.Missing = "Slack did not give it to this app, which needs files:read for it"
	case f.Size > 0 && data.Len() != f.Size:
		a.Missing = "Slack gave something else in its place; the app needs files:read"
	default:
		a.Data = data.Bytes()
	}
	return a
}

// moment is the time in a message's timestamp; zero: it has none.
func moment(ts string) time.Time {
	seconds, micros, _ := strings.Cut(ts, ".")
	var s, m int64
	if _, err := fmt.Sscan(seconds, &s); err != nil {
		return time.Time{}
	}
	_, _ = fmt.Sscan(strings.TrimLeft(micros, "0")+" ", &m)
	return time.Unix(s, m*1000).UTC()
}
