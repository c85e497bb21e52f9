package workspace

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

type user struct {
	id, handle, name, email, title, tz, color string
	bot, deleted                              bool
	updated                                   int64
}

var colors = []string{"9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "e0a729", "5b89d5"}

// addUser adds a person. The caller holds mu or is New.
func (w *Workspace) addUser(p Profile) *user {
	u := &user{id: p.ID, handle: p.Handle, name: p.Name, email: p.Email, title: p.Title, tz: p.TZ, color: p.Color,
		deleted: p.Deactivated, updated: w.cfg.Now().Unix()}
	if u.id == "" {
		u.id = w.nextID("U")
	}
	if u.name == "" {
		u.name = displayName(u.handle)
	}
	if u.tz == "" {
		u.tz = "UTC"
	}
	if u.color == "" {
		u.color = colors[len(w.people)%len(colors)]
	}
	w.people = append(w.people, u)
	return u
}

func (u *user) token() string { return "xoxp-local-" + u.id }

// userByID finds a user by ID; nil: there is none.
func (w *Workspace) userByID(id string) *user {
	for _, u := range w.people {
		if u.id == id {
			return u
		}
	}
	return nil
}

// findUser finds a user by ID, handle (with or without @), e-mail or mention; nil: there is none.
func (w *Workspace) findUser(name string) *user {
	name = strings.TrimPrefix(strings.Trim(name, "<>"), "@")
	name, _, _ = strings.Cut(name, "|")
	for _, u := range w.people {
		if u.id == name || strings.EqualFold(u.handle, name) || u.email != "" && strings.EqualFold(u.email, name) {
			return u
		}
	}
	return nil
}

// zone gives the label and the offset in seconds of the user's time zone at t; an unknown zone counts as UTC.
func (u *user) zone(t time.Time) (label string, offset int) {
	loc, err := time.LoadLocation(u.tz)
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Zone()
}

// userObject is Slack's user object. withEmail: the caller may read e-mail addresses.
func (w *Workspace) userObject(u *user, withEmail bool) obj {
	label, offset := u.zone(w.cfg.Now())
	o := obj{
		"id": u.id, "team_id": w.team["id"], "name": u.handle, "deleted": u.deleted, "color": u.color, "real_name": u.name,
		"tz": u.tz, "tz_label": label, "tz_offset": offset, "profile": w.profileObject(u, withEmail), "is_admin": false,
		"is_owner": false, "is_primary_owner": false, "is_restricted": false, "is_ultra_restricted": false, "is_bot": u.bot,
		"is_app_user": false, "updated": u.updated, "is_email_confirmed": !u.bot, "who_can_share_contact_card": "EVERYONE",
	}
	if u.deleted {
		delete(o, "tz")
		delete(o, "tz_label")
		delete(o, "tz_offset")
	}
	return o
}

func (w *Workspace) profileObject(u *user, withEmail bool) obj {
	first, last, _ := strings.Cut(u.name, " ")
	p := obj{
		"title": u.title, "phone": "", "skype": "", "real_name": u.name, "real_name_normalized": u.name, "display_name": u.handle,
		"display_name_normalized": u.handle, "fields": nil, "status_text": "", "status_emoji": "", "status_expiration": 0,
		"first_name": first, "last_name": last, "team": w.team["id"], "avatar_hash": u.color,
	}
	if withEmail && u.email != "" {
		p["email"] = u.email
	}
	if u.bot {
		p["api_app_id"] = w.appID
		p["bot_id"] = w.botID
		p["always_active"] = true
	}
	return p
}

func (c *call) canSeeEmail() bool { return c.kind != tokenBot || c.w.hasScope("users:read.email") }

func usersInfo(c *call) (obj, error) {
	u := c.w.userByID(c.str("user"))
	if u == nil {
		return nil, code("user_not_found")
	}
	return obj{"user": c.w.userObject(u, c.canSeeEmail())}, nil
}

func usersList(c *call) (obj, error) {
	page, next, err := paginate(c, c.w.people, 1000, 1000)
	if err != nil {
		return nil, err
	}
	members := []obj{}
	for _, u := range page {
		members = append(members, c.w.userObject(u, c.canSeeEmail()))
	}
	return obj{"members": members, "cache_ts": c.w.cfg.Now().Unix(), "response_metadata": obj{"next_cursor": next}}, nil
}

func usersLookupByEmail(c *call) (obj, error) {
	for _, u := range c.w.people {
		if u.email != "" && strings.EqualFold(u.email, c.str("email")) && !u.deleted {
			return obj{"user": c.w.userObject(u, true)}, nil
		}
	}
	return nil, code("users_not_found")
}

func usersProfileGet(c *call) (obj, error) {
	u := c.user
	if id := c.str("user"); id != "" {
		u = c.w.userByID(id)
	}
	if u == nil {
		return nil, code("user_not_found")
	}
	return obj{"profile": c.w.profileObject(u, c.canSeeEmail())}, nil
}

func usersGetPresence(c *call) (obj, error) {
	u := c.user
	if id := c.str("user"); id != "" {
		u = c.w.userByID(id)
	}
	if u == nil {
		return nil, code("user_not_found")
	}
	if u.deleted {
		return obj{"presence": "away"}, nil
	}
	return obj{"presence": "active"}, nil
}

func usersConversations(c *call) (obj, error) {
	who := c.user
	if id := c.str("user"); id != "" {
		if who = c.w.userByID(id); who == nil {
			return nil, code("user_not_found")
		}
	}
	return c.listConversations(func(ch *conversation) bool { return ch.has(who.id) })
}

// Deactivate switches a person's account off, as an administrator would: tokens stop working and users.info says deleted.
func (w *Workspace) Deactivate(person string) error { return w.setDeleted(person, true) }

// Reactivate undoes Deactivate.
func (w *Workspace) Reactivate(person string) error { return w.setDeleted(person, false) }

func (w *Workspace) setDeleted(person string, deleted bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.findUser(person)
	if u == nil {
		return fmt.Errorf("deactivate: nobody here is called %q", person)
	}
	u.deleted = deleted
	u.updated = w.cfg.Now().Unix()
	w.toApp("user_change", nil, obj{"type": "user_change", "user": w.userObject(u, w.hasScope("users:read.email")), "cache_ts": u.updated, "event_ts": w.eventTS()})
	w.toPeople(everyone, obj{"type": "user_change", "user": w.userObject(u, true)})
	return nil
}

// AddPerson lets somebody join the workspace (and #general) later on.
func (w *Workspace) AddPerson(p Profile) *Person {
	w.mu.Lock()
	u := w.addUser(p)
	w.toApp("team_join", nil, obj{"type": "team_join", "user": w.userObject(u, w.hasScope("users:read.email")), "cache_ts": u.updated, "event_ts": w.eventTS()})
	w.toPeople(everyone, obj{"type": "team_join", "user": w.userObject(u, true)})
	if general := w.channelNamed("general"); general != nil {
		w.join(general, u, nil)
	}
	w.mu.Unlock()
	return &Person{w: w, u: u}
}

type subteam struct {
	id, handle, name, description string
	members                       []string
	disabled                      bool
	created, updated              int64
	creator                       string
}

func (w *Workspace) seedGroup(g UserGroup) {
	s := &subteam{id: g.ID, handle: g.Handle, name: g.Name, created: w.cfg.Now().Unix(), updated: w.cfg.Now().Unix()}
	if s.id == "" {
		s.id = w.nextID("S")
	}
	if s.name == "" {
		s.name = g.Handle
	}
	for _, m := range g.Members {
		u := w.findUser(m)
		if u == nil {
			panic(fmt.Sprintf("workspace: user group %s names %q, who is not among the people", g.Handle, m))
		}
		s.members = append(s.members, u.id)
	}
	w.groups = append(w.groups, s)
}

func (w *Workspace) subteam(id string) *subteam {
	for _, g := range w.groups {
		if g.id == id {
			return g
		}
	}
	return nil
}

func (w *Workspace) subteamObject(g *subteam, withUsers bool) obj {
	o := obj{
		"id": g.id, "team_id": w.team["id"], "is_usergroup": true, "is_subteam": true, "name": g.name, "description": g.description,
		"handle": g.handle, "is_external": false, "date_create": g.created, "date_update": g.updated, "date_delete": 0,
		"auto_type": nil, "auto_provision": false, "created_by": g.creator, "updated_by": g.creator, "deleted_by": nil,
		"prefs": obj{"channels": []string{}, "groups": []string{}}, "user_count": len(g.members), "channel_count": 0,
	}
	if g.disabled {
		o["date_delete"] = g.updated
	}
	if withUsers {
		o["users"] = slices.Clone(g.members)
	}
	return o
}

func usergroupsList(c *call) (obj, error) {
	list := []obj{}
	for _, g := range c.w.groups {
		if !g.disabled || c.bool("include_disabled", false) {
			list = append(list, c.w.subteamObject(g, c.bool("include_users", false)))
		}
	}
	return obj{"usergroups": list}, nil
}

func usergroupsCreate(c *call) (obj, error) {
	name, handle := c.str("name"), strings.TrimPrefix(c.str("handle"), "@")
	for _, g := range c.w.groups {
		if strings.EqualFold(g.name, name) {
			return nil, code("name_already_exists")
		}
		if handle != "" && strings.EqualFold(g.handle, handle) {
			return nil, code("handle_already_exists")
		}
	}
	if handle != "" && (c.w.findUser(handle) != nil || c.w.channelNamed(handle) != nil) {
		return nil, code("handle_already_exists")
	}
	now := c.w.cfg.Now().Unix()
	g := &subteam{id: c.w.nextID("S"), handle: handle, name: name, description: c.str("description"), created: now, updated: now, creator: c.user.id}
	c.w.groups = append(c.w.groups, g)
	o := c.w.subteamObject(g, true)
	c.w.toApp("subteam_created", nil, obj{"type": "subteam_created", "subteam": o, "event_ts": c.w.eventTS()})
	return obj{"usergroup": o}, nil
}

func usergroupsUpdate(c *call) (obj, error) {
	g := c.w.subteam(c.str("usergroup"))
	if g == nil {
		return nil, code("no_such_subteam")
	}
	if v := c.str("name"); v != "" {
		g.name = v
	}
	if v := c.str("handle"); v != "" {
		g.handle = strings.TrimPrefix(v, "@")
	}
	if v := c.str("description"); v != "" {
		g.description = v
	}
	return obj{"usergroup": c.w.touchGroup(g)}, nil
}

// touchGroup notes a change of a group and tells the app.
func (w *Workspace) touchGroup(g *subteam) obj {
	g.updated = w.cfg.Now().Unix()
	o := w.subteamObject(g, true)
	w.toApp("subteam_updated", nil, obj{"type": "subteam_updated", "subteam": o, "event_ts": w.eventTS()})
	return o
}

func usergroupsSwitch(disabled bool) handler {
	return func(c *call) (obj, error) {
		g := c.w.subteam(c.str("usergroup"))
		if g == nil {
			return nil, code("no_such_subteam")
		}
		g.disabled = disabled
		return obj{"usergroup": c.w.touchGroup(g)}, nil
	}
}

func usergroupsUsersList(c *call) (obj, error) {
	g := c.w.subteam(c.str("usergroup"))
	if g == nil || g.disabled && !c.bool("include_disabled", false) {
		return nil, code("no_such_subteam")
	}
	return obj{"users": append([]string{}, g.members...)}, nil
}

func usergroupsUsersUpdate(c *call) (obj, error) {
	g := c.w.subteam(c.str("usergroup"))
	if g == nil {
		return nil, code("no_such_subteam")
	}
	ids := c.list("users")
	if len(ids) == 0 {
		return nil, code("no_users_provided")
	}
	for _, id := range ids {
		if u := c.w.userByID(id); u == nil || u.deleted || u.bot {
			return nil, code("invalid_users")
		}
	}
	g.members = ids
	return obj{"usergroup": c.w.touchGroup(g)}, nil
}
