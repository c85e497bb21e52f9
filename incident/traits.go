package incident

// Traits say how an effect travels. The names of lanes and the order of
// priorities are the outbox's.
type Traits struct {
	// Lane keeps order; lanes do not wait for one another.
	Lane string
	// Priority is 0 for pages, then answers to a person, updates, the card,
	// decoration.
	Priority int
	// Replaces names what a newer effect of this kind makes needless.
	Replaces string
}

// Travel gives an effect's traits.
func Travel(e Effect) Traits {
	if t, ok := travelAlert(e); ok {
		return t
	}
	switch e := e.(type) {
	case Page, Last:
		return Traits{Lane: "page", Priority: 0}
	case Tell:
		return Traits{Lane: "reply", Priority: 1}
	case Notify:
		return Traits{Lane: "notify " + e.Channel.Name, Priority: 2}
	case Operations, Post:
		return Traits{Lane: "reply", Priority: 2}
	case Follow:
		return Traits{Lane: "follow " + e.Method, Priority: 2}
	case CountImpact:
		return Traits{Lane: "impact", Priority: 4}
	case LookBack:
		return Traits{Lane: "past", Priority: 3}
	case ShowDocument:
		return Traits{Lane: "document", Priority: 3}
	case MeetingMail:
		return Traits{Lane: "meeting", Priority: 3}
	case MeetingFile:
		return Traits{Lane: "meeting file", Priority: 3}
	case Pass:
		return Traits{Lane: "action", Priority: 2}
	case RefreshCard:
		return Traits{Lane: "chat", Priority: 3, Replaces: "card"}
	case ShowWatch:
		return Traits{Lane: "decor", Priority: 4, Replaces: "watch"}
	case ShowRegression:
		return Traits{Lane: "watch", Priority: 1}
	case Room:
		if e.Step == RoomTopic {
			return Traits{Lane: "decor", Priority: 4, Replaces: "topic"}
		}
		return Traits{Lane: "decor", Priority: 4}
	case Thread:
		if e.InRoom {
			return Traits{Lane: "room", Priority: 2}
		}
		return Traits{Lane: "chat", Priority: 2}
	case Announce:
		return Traits{Lane: "chat", Priority: 2}
	default:
		if t, ok := shelfTravel(e); ok {
			return t
		}
		return Traits{Lane: "chat", Priority: 2}
	}
}
