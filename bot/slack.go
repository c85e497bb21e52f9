package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/slack-go/slack"

	"muster/bot/render"
)

// metadataType is the event type of the metadata of every message of ours.
const metadataType = "muster"

// unsaidWait is how long to wait after a 429 that does not say.
const unsaidWait = 5 * time.Second

// web is the API over slack-go. It is the only place that knows that package,
// beside the socket.
type web struct {
	client *slack.Client
	http   *http.Client
}

// block is a rendered block on its way through slack-go.
type block struct{ render.Object }

func (b block) BlockType() slack.MessageBlockType {
	t, _ := b.Object["type"].(string)
	return slack.MessageBlockType(t)
}

func (b block) ID() string {
	id, _ := b.Object["block_id"].(string)
	return id
}

// MarshalJSON writes the rendered object as it is.
func (b block) MarshalJSON() ([]byte, error) { return json.Marshal(b.Object) }

func blocks(list []render.Object) []slack.Block {
	out := make([]slack.Block, len(list))
	for i, o := range list {
		out[i] = block{o}
	}
	return out
}

// private is what Slack may repeat from a request and nobody's log may hold:
// mail addresses, tokens, telephone numbers.
var private = regexp.MustCompile(`[^\s"'<>:;,()\[\]]+@[^\s"'<>:;,()\[\]]+|xox[a-z]-[\w-]+|xapp-[\w-]+|\+\d[\d -]{6,}\d`)

func masked(text string) string { return private.ReplaceAllString(text, "(masked)") }

// refused turns what slack-go returns into an *Error, or adds the method.
func refused(method string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &Error{Method: method, Code: "ratelimited", RetryAfter: max(e.RetryAfter, time.Second)}
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return statusError(method, e.Code)
	}
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		detail := strings.Join(e.ResponseMetadata.Messages, "; ")
		if e.Needed != "" {
			detail = "needs " + e.Needed
		}
		if e.Err == "ratelimited" || e.Err == "rate_limited" {
			return &Error{Method: method, Code: e.Err, RetryAfter: time.Second}
		}
		return &Error{Method: method, Code: masked(e.Err), Detail: masked(detail)}
	}
	return &unanswered{method, err}
}

// unanswered is a call that got no answer, in words without the address, which
// the person who reads them knows nothing of.
type unanswered struct {
	method string
	err    error
}

// Error says what is wrong with the way to Slack.
func (e *unanswered) Error() string {
	why := ""
	var dns *net.DNSError
	var timed interface{ Timeout() bool }
	switch {
	case errors.As(e.err, &dns):
		why = "its name cannot be resolved; check the network and SLACK_API_URL"
	case errors.Is(e.err, syscall.ECONNREFUSED):
		why = "the connection was refused; check the network and SLACK_API_URL"
	case errors.Is(e.err, context.DeadlineExceeded), errors.As(e.err, &timed) && timed.Timeout():
		why = "no answer in time"
	case errors.Is(e.err, context.Canceled):
		why = "the call was given up"
	default:
		cause := e.err
		if u, ok := errors.AsType[*url.Error](cause); ok {
			cause = u.Err
		}
		why = masked(cause.Error())
	}
	return fmt.Sprintf("Slack cannot be reached (%s): %s", e.method, why)
}

// Unwrap gives what the connection said.
func (e *unanswered) Unwrap() error { return e.err }

func (w *web) AuthTest(ctx context.Context) (Identity, error) {
	r, err := w.client.AuthTestContext(ctx)
	if err != nil {
		return Identity{}, refused("auth.test", err)
	}
	return Identity{UserID: r.UserID, BotID: r.BotID, URL: r.URL, Team: r.Team, TeamID: r.TeamID}, nil
}

func (w *web) PostMessage(ctx context.Context, p Post) (string, error) {
	options := messageOptions(p.Message)
	if p.Thread != "" {
		options = append(options, slack.MsgOptionTS(p.Thread))
		if p.Broadcast {
			options = append(options, slack.MsgOptionBroadcast())
		}
	}
	if p.Delivery != "" {
		payload := map[string]any{"delivery": p.Delivery}
		if p.Through > 0 {
			payload["through"] = p.Through
		}
		options = append(options, slack.MsgOptionMetadata(slack.SlackMetadata{EventType: metadataType, EventPayload: payload}))
	}
	_, ts, err := w.client.PostMessageContext(ctx, p.Channel, options...)
	return ts, refused("chat.postMessage", err)
}

func messageOptions(m render.Message) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(blocks(m.Blocks)...),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
}

func (w *web) UpdateMessage(ctx context.Context, channel, ts string, m render.Message) error {
	_, _, _, err := w.client.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(blocks(m.Blocks)...))
	return refused("chat.update", err)
}

func (w *web) PostEphemeral(ctx context.Context, channel, thread, user string, m render.Message) error {
	options := messageOptions(m)
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	_, err := w.client.PostEphemeralContext(ctx, channel, user, options...)
	return refused("chat.postEphemeral", err)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10) + ".000000"
}

func found(list []slack.Message) []Found {
	out := make([]Found, len(list))
	for i, m := range list {
		out[i] = Found{TS: m.Timestamp, Thread: m.ThreadTimestamp, User: m.User, Text: m.Text}
		for _, f := range m.Files {
			out[i].Files = append(out[i].Files, f.Name)
		}
		if m.Metadata.EventType == metadataType {
			out[i].Delivery, _ = m.Metadata.EventPayload["delivery"].(string)
			through, _ := m.Metadata.EventPayload["through"].(float64)
			out[i].Through = uint64(through)
		}
	}
	return out
}

func (w *web) History(ctx context.Context, q Query) ([]Found, string, error) {
	r, err := w.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: q.Channel, Cursor: q.Cursor, Oldest: stamp(q.Oldest), Inclusive: true, Limit: q.Limit, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, "", refused("conversations.history", err)
	}
	return found(r.Messages), r.ResponseMetaData.NextCursor, nil
}

func (w *web) Replies(ctx context.Context, q Query) ([]Found, string, error) {
	list, _, next, err := w.client.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
		ChannelID: q.Channel, Timestamp: q.TS, Cursor: q.Cursor, Oldest: stamp(q.Oldest), Inclusive: true, Limit: q.Limit, IncludeAllMetadata: true,
	})
	return found(list), next, refused("conversations.replies", err)
}

func channel(c slack.Channel) Channel {
	return Channel{
		ID: c.ID, Name: c.Name, Creator: c.Creator, Created: time.Unix(int64(c.Created), 0),
		Archived: c.IsArchived, Member: c.IsMember, Private: c.IsPrivate,
	}
}

func (w *web) Channels(ctx context.Context, cursor string) ([]Channel, string, error) {
	list, next, err := w.client.GetConversationsContext(ctx, &slack.GetConversationsParameters{
		Cursor: cursor, Limit: 1000, Types: []string{"public_channel", "private_channel"},
	})
	out := make([]Channel, len(list))
	for i, c := range list {
		out[i] = channel(c)
	}
	return out, next, refused("conversations.list", err)
}

func (w *web) OpenDM(ctx context.Context, user string) (string, error) {
	c, _, _, err := w.client.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", refused("conversations.open", err)
	}
	if c == nil || c.ID == "" {
		return "", &unanswered{"conversations.open", errors.New("the answer names no channel")}
	}
	return c.ID, nil
}

func (w *web) CreateChannel(ctx context.Context, name string, private bool) (Channel, error) {
	c, err := w.client.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name, IsPrivate: private})
	if err != nil {
		return Channel{}, refused("conversations.create", err)
	}
	return channel(*c), nil
}

func (w *web) Invite(ctx context.Context, channel, user string) error {
	_, err := w.client.InviteUsersToConversationContext(ctx, channel, user)
	return refused("conversations.invite", err)
}

func (w *web) Join(ctx context.Context, channel string) error {
	_, _, _, err := w.client.JoinConversationContext(ctx, channel)
	return refused("conversations.join", err)
}

func (w *web) SetTopic(ctx context.Context, channel, topic string) error {
	_, err := w.client.SetTopicOfConversationContext(ctx, channel, topic)
	return refused("conversations.setTopic", err)
}

func (w *web) AddBookmark(ctx context.Context, channel string, b render.Bookmark) error {
	_, err := w.client.AddBookmarkContext(ctx, channel, slack.AddBookmarkParameters{Title: b.Title, Type: "link", Link: b.Link})
	return refused("bookmarks.add", err)
}

func (w *web) Bookmarks(ctx context.Context, channel string) ([]render.Bookmark, error) {
	list, err := w.client.ListBookmarksContext(ctx, channel)
	out := make([]render.Bookmark, len(list))
	for i, b := range list {
		out[i] = render.Bookmark{Title: b.Title, Link: b.Link}
	}
	return out, refused("bookmarks.list", err)
}

func (w *web) AddPin(ctx context.Context, channel, ts string) error {
	return refused("pins.add", w.client.AddPinContext(ctx, channel, slack.NewRefToMessage(channel, ts)))
}

func (w *web) CreateCanvas(ctx context.Context, channel, markdown string) error {
	_, err := w.client.CreateChannelCanvasContext(ctx, channel, slack.DocumentContent{Type: "markdown", Markdown: markdown})
	return refused("conversations.canvases.create", err)
}

// CreateDocument makes a canvas of its own, which nobody but the bot sees yet.
func (w *web) CreateDocument(ctx context.Context, title, markdown string) (string, error) {
	id, err := w.client.CreateCanvasContext(ctx, title, slack.DocumentContent{Type: "markdown", Markdown: markdown})
	return id, refused("canvases.create", err)
}

// OpenDocument lets the people of a channel read a canvas.
func (w *web) OpenDocument(ctx context.Context, id, channel string) error {
	err := w.client.SetCanvasAccessContext(ctx, slack.SetCanvasAccessParams{CanvasID: id, AccessLevel: "read", ChannelIDs: []string{channel}})
	return refused("canvases.access.set", err)
}

func user(u slack.User) User {
	return User{
		ID: u.ID, Handle: u.Name, Name: cmpString(u.Profile.RealName, u.RealName, u.Profile.DisplayName, u.Name),
		Email: strings.ToLower(u.Profile.Email), Zone: u.TZ,
		Bot: u.IsBot || u.ID == "USLACKBOT", Deactivated: u.Deleted,
	}
}

func cmpString(list ...string) string {
	i := slices.IndexFunc(list, func(s string) bool { return s != "" })
	if i < 0 {
		return ""
	}
	return list[i]
}

func (w *web) Users(ctx context.Context) ([]User, error) {
	list, err := w.client.GetUsersContext(ctx, slack.GetUsersOptionLimit(500))
	out := make([]User, len(list))
	for i, u := range list {
		out[i] = user(u)
	}
	return out, refused("users.list", err)
}

func (w *web) User(ctx context.Context, id string) (User, error) {
	u, err := w.client.GetUserInfoContext(ctx, id)
	if err != nil {
		return User{}, refused("users.info", err)
	}
	return user(*u), nil
}

func (w *web) UserByEmail(ctx context.Context, email string) (User, error) {
	u, err := w.client.GetUserByEmailContext(ctx, email)
	if err != nil {
		return User{}, refused("users.lookupByEmail", err)
	}
	return user(*u), nil
}

func (w *web) Groups(ctx context.Context) ([]Group, error) {
	list, err := w.client.GetUserGroupsContext(ctx)
	out := make([]Group, len(list))
	for i, g := range list {
		out[i] = Group{ID: g.ID, Handle: g.Handle}
	}
	return out, refused("usergroups.list", err)
}

func (w *web) GroupMembers(ctx context.Context, id string) ([]string, error) {
	list, err := w.client.GetUserGroupMembersContext(ctx, id)
	return list, refused("usergroups.users.list", err)
}

func (w *web) SetGroupMembers(ctx context.Context, id string, users []string) error {
	_, err := w.client.UpdateUserGroupMembersContext(ctx, id, strings.Join(users, ","))
	return refused("usergroups.users.update", err)
}

func textObject(o render.Object) *slack.TextBlockObject {
	text, _ := o["text"].(string)
	if text == "" {
		return nil
	}
	return slack.NewTextBlockObject(slack.PlainTextType, text, true, false)
}

func modal(v render.View) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: v.CallbackID, PrivateMetadata: v.PrivateMetadata, NotifyOnClose: v.NotifyOnClose,
		Title: textObject(v.Title), Submit: textObject(v.Submit), Close: textObject(v.Close),
		Blocks: slack.Blocks{BlockSet: blocks(v.Blocks)},
	}
}

func (w *web) OpenView(ctx context.Context, trigger string, v render.View) (string, error) {
	r, err := w.client.OpenViewContext(ctx, trigger, modal(v))
	if err != nil {
		return "", refused("views.open", err)
	}
	return r.View.ID, nil
}

func (w *web) UpdateView(ctx context.Context, id string, v render.View) error {
	_, err := w.client.UpdateViewContext(ctx, modal(v), "", "", id)
	return refused("views.update", err)
}

func (w *web) PublishView(ctx context.Context, user string, v render.View) error {
	_, err := w.client.PublishViewContext(ctx, slack.PublishViewContextRequest{
		UserID: user, View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks(v.Blocks)}},
	})
	return refused("views.publish", err)
}

// ephemeral is the shape of an answer for the asker alone, in an
// acknowledgement and at a response address.
func ephemeral(m render.Message) map[string]any {
	return map[string]any{"response_type": "ephemeral", "replace_original": false, "text": m.Text, "blocks": m.Blocks}
}

func (w *web) Respond(ctx context.Context, url string, m render.Message) error {
	const method = "response_url"
	body, err := json.Marshal(ephemeral(m))
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("answer at the response address: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := w.http.Do(req)
	if err != nil {
		return refused(method, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
	if resp.StatusCode != http.StatusOK {
		return statusError(method, resp.StatusCode)
	}
	return nil
}
