package bot

import (
	"context"
	"time"

	"muster/bot/render"
)

// API is all of Slack that the bot uses, one method of the Web API each
// (Respond is none: it posts to an address that Slack gave). Errors are
// *Error, or whatever the network said.
type API interface {
	AuthTest(ctx context.Context) (Identity, error)

	PostMessage(ctx context.Context, p Post) (ts string, err error)
	UpdateMessage(ctx context.Context, channel, ts string, m render.Message) error
	PostEphemeral(ctx context.Context, channel, thread, user string, m render.Message) error
	History(ctx context.Context, q Query) ([]Found, string, error)
	Replies(ctx context.Context, q Query) ([]Found, string, error)

	Channels(ctx context.Context, cursor string) ([]Channel, string, error)
	OpenDM(ctx context.Context, user string) (channel string, err error)
	CreateChannel(ctx context.Context, name string, private bool) (Channel, error)
	Invite(ctx context.Context, channel, user string) error
	Join(ctx context.Context, channel string) error
	SetTopic(ctx context.Context, channel, topic string) error
	AddBookmark(ctx context.Context, channel string, b render.Bookmark) error
	Bookmarks(ctx context.Context, channel string) ([]render.Bookmark, error)
	AddPin(ctx context.Context, channel, ts string) error
	CreateCanvas(ctx context.Context, channel, markdown string) error
	CreateDocument(ctx context.Context, title, markdown string) (id string, err error)
	OpenDocument(ctx context.Context, id, channel string) error

	UploadFile(ctx context.Context, f File) (id string, err error)

	Users(ctx context.Context) ([]User, error)
	User(ctx context.Context, id string) (User, error)
	UserByEmail(ctx context.Context, email string) (User, error)
	Groups(ctx context.Context) ([]Group, error)
	GroupMembers(ctx context.Context, id string) ([]string, error)
	SetGroupMembers(ctx context.Context, id string, users []string) error

	OpenView(ctx context.Context, trigger string, v render.View) (id string, err error)
	UpdateView(ctx context.Context, id string, v render.View) error
	PublishView(ctx context.Context, user string, v render.View) error

	Respond(ctx context.Context, url string, m render.Message) error
}

// Identity is who the bot is.
type Identity struct {
	UserID, BotID string
	// URL is the workspace's address, ending in "/".
	URL, Team string
	TeamID    string
}

// Post is one message to be posted.
type Post struct {
	Channel string
	Thread  string // empty: not in a thread
	Message render.Message
	// Delivery identifies the message in its metadata; empty: none.
	Delivery string
	// Through is the last record that a message tells together with others;
	// zero: it tells one. It stands in the metadata, beside Delivery.
	Through uint64
	// Broadcast shows a thread's message in the channel too.
	Broadcast bool
}

// Query asks for messages of a channel, or of the thread TS in it.
type Query struct {
	Channel, TS, Cursor string
	// Oldest is inclusive; the zero time: from the beginning.
	Oldest time.Time
	Limit  int
}

// Found is a message that was found.
type Found struct {
	TS, Thread, User, Text string
	Delivery               string   // of ours; empty: none
	Through                uint64   // as it was posted
	Files                  []string // names
}

// Channel is a public or private channel.
type Channel struct {
	ID, Name, Creator string
	Created           time.Time
	Archived, Member  bool
	Private           bool
}

// User is a person of the workspace.
type User struct {
	ID, Handle, Name, Email string
	Zone                    string // of the IANA database; empty: not known
	Bot, Deactivated        bool
}

// Group is a user group.
type Group struct{ ID, Handle string }

// Error is a refusal by Slack.
type Error struct {
	// Method is the Web API method that was called.
	Method string
	// Code is Slack's word for it; Detail is what it added.
	Code, Detail string
	// Status is the HTTP status when the answer was none of the API's; zero:
	// it was.
	Status int
	// RetryAfter is set when Slack asked to wait.
	RetryAfter time.Duration
}
