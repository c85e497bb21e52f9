package bot

import (
	"strings"
	"time"

	"muster/incident"
	"muster/outbox"
)

// Slack's tiers in calls a minute, for the whole workspace.
// https://docs.slack.dev/apis/web-api/rate-limits
const (
	tier2 = 20
	tier3 = 50
	tier4 = 100
)

// perMinute is the tier of each method that the bot calls. Posting has none:
// it is limited by channel.
var perMinute = map[string]int{
	"bookmarks.add": tier2, "bookmarks.list": tier3,
	"canvases.access.set": tier3, "canvases.create": tier2,
	"chat.postEphemeral": tier4, "chat.update": tier3,
	"conversations.canvases.create": tier2, "conversations.create": tier2, "conversations.history": tier3,
	"conversations.invite": tier3, "conversations.join": tier3, "conversations.list": tier2, "conversations.open": tier3,
	"conversations.replies": tier3, "conversations.setTopic": tier2,
	"files.completeUploadExternal": tier4, "files.getUploadURLExternal": tier4,
	"pins.add":        tier2,
	"usergroups.list": tier2, "usergroups.users.list": tier2, "usergroups.users.update": tier2,
	"users.info": tier4, "users.list": tier2, "users.lookupByEmail": tier3,
	"views.open": tier4, "views.publish": tier4, "views.update": tier4,
}

// Provider is the outbox's name for Slack.
const Provider = "slack"

// Posting to one channel: about one a second; a short burst is taken.
// https://docs.slack.dev/apis/web-api/rate-limits#posting_messages
const (
	postEvery = time.Second
	postBurst = 3
)

// posting is the limit of a channel, a room or a person's direct messages.
func posting(where string) outbox.Limit {
	return outbox.Limit{Name: "slack chat.postMessage " + where, Every: postEvery, Burst: postBurst}
}

// calling is the limit of a method for the whole workspace. A fifth of a
// minute's calls may go at once.
func calling(method string) outbox.Limit {
	n := perMinute[method]
	if n == 0 {
		return outbox.Limit{Name: "slack " + method}
	}
	return outbox.Limit{Name: "slack " + method, Every: time.Minute / time.Duration(n), Burst: max(1, n/5)}
}

// roomMethods are the calls of the steps of an incident's own channel.
var roomMethods = map[incident.RoomStep]string{
	incident.RoomCreate: "conversations.create", incident.RoomPin: "pins.add", incident.RoomInvite: "conversations.invite",
	incident.RoomTopic: "conversations.setTopic", incident.RoomBookmark: "bookmarks.add", incident.RoomCanvas: "conversations.canvases.create",
}

// Route gives the way of a delivery to Slack: the limits that must admit it.
// It looks at nothing but the delivery.
func Route(d outbox.Delivery) outbox.Route {
	e, err := incident.DecodeEffect(d.Kind, d.Body)
	if err != nil {
		return outbox.Route{Provider: Provider}
	}
	return outbox.Route{Provider: Provider, Limits: limitsOf(d.Stream, e)}
}

func limitsOf(stream string, e incident.Effect) []outbox.Limit {
	if limits, ok := alertLimits(e); ok {
		return limits
	}
	if limits, ok := documentLimits(e); ok {
		return limits
	}
	if limits, ok := watchLimits(e); ok {
		return limits
	}
	switch e := e.(type) {
	case incident.Page:
		return []outbox.Limit{posting("to " + e.Person.Key)}
	case incident.Tell:
		return []outbox.Limit{posting("to " + e.Person.Key)}
	case incident.Announce, incident.Post:
		return []outbox.Limit{posting("in incidents")}
	case incident.Thread:
		if e.InRoom {
			return []outbox.Limit{posting("in the room of " + stream)}
		}
		return []outbox.Limit{posting("in incidents")}
	case incident.RefreshCard, incident.Follow:
		return []outbox.Limit{calling("chat.update")}
	case incident.Notify:
		return []outbox.Limit{posting("in " + strings.TrimPrefix(e.Channel.Name, "#"))}
	case incident.Operations:
		return []outbox.Limit{posting("in operations")}
	case incident.Last:
		if e.Target.Person != "" {
			return []outbox.Limit{posting("to " + e.Target.Person)}
		}
		return []outbox.Limit{posting("in " + strings.TrimPrefix(e.Target.Channel, "#"))}
	case incident.Room:
		if e.Step == incident.RoomCard {
			return []outbox.Limit{posting("in the room of " + stream)}
		}
		return []outbox.Limit{calling(roomMethods[e.Step])}
	default:
		limits, _ := playbookLimits(e)
		return limits
	}
}
