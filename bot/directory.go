package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"muster/incident"
)

// Times of the directory.
const (
	// refreshEvery is how often the whole list is read again; changes in
	// between come as events.
	refreshEvery = time.Hour
	// groupsFor is how long a user group's members are believed.
	groupsFor = 2 * time.Minute
	// lookupWithin bounds a look-up that a person waits for.
	lookupWithin = 1200 * time.Millisecond
)

// Directory knows which Slack user is which person: by e-mail address, then by
// exact handle. It is safe for concurrent use.
type Directory struct {
	api API
	// members gives the people of the rotas, who may have another address
	// in Slack; nil: none.
	members func() []Member

	mu      sync.Mutex
	byID    map[string]User
	byEmail map[string]string // to ID
	byName  map[string]string // handle to ID
	groups  map[string]group  // by handle
	listed  time.Time         // when the groups were listed
	missing map[string]bool   // e-mail addresses that Slack does not know
}

type group struct {
	id      string
	members []string
	read    time.Time
}

// NewDirectory is empty until Refresh; it looks up what it does not know.
func NewDirectory(api API) *Directory {
	return &Directory{api: api, byID: map[string]User{}, byEmail: map[string]string{}, byName: map[string]string{}, missing: map[string]bool{}}
}

// Refresh reads the whole list of people.
func (d *Directory) Refresh(ctx context.Context) error {
	users, err := d.api.Users(ctx)
	if err != nil {
		return fmt.Errorf("read the workspace's people: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byID, d.byEmail, d.byName = map[string]User{}, map[string]string{}, map[string]string{}
	d.missing = map[string]bool{}
	for _, u := range users {
		d.put(u)
	}
	return nil
}

// Learn takes in what Slack says about one user.
func (d *Directory) Learn(u User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(u)
}

// put files a user; mu is held. An active user goes before a deactivated one
// with the same address or handle.
func (d *Directory) put(u User) {
	if u.ID == "" {
		return
	}
	if old, ok := d.byID[u.ID]; ok {
		if d.byEmail[old.Email] == u.ID {
			delete(d.byEmail, old.Email)
		}
		if d.byName[old.Handle] == u.ID {
			delete(d.byName, old.Handle)
		}
	}
	u.Email = strings.ToLower(u.Email)
	d.byID[u.ID] = u
	file := func(index map[string]string, key string) {
		if other, taken := d.byID[index[key]]; key != "" && (!taken || other.Deactivated || !u.Deactivated) {
			index[key] = u.ID
		}
	}
	file(d.byEmail, u.Email)
	file(d.byName, u.Handle)
	delete(d.missing, u.Email)
}

// Person gives the person behind a Slack user ID. One that cannot be looked up
// in time is known by the ID alone.
func (d *Directory) Person(ctx context.Context, id string) incident.Person {
	if id == "" {
		return incident.Person{}
	}
	u, err := d.user(ctx, id)
	if err != nil {
		return incident.Person{Key: "slack:" + id}
	}
	return d.person(u)
}

func (d *Directory) user(ctx context.Context, id string) (User, error) {
	d.mu.Lock()
	u, ok := d.byID[id]
	d.mu.Unlock()
	if ok {
		return u, nil
	}
	ctx, stop := context.WithTimeout(ctx, lookupWithin)
	defer stop()
	u, err := d.api.User(ctx, id)
	if err != nil {
		return User{}, fmt.Errorf("look up the Slack user %s: %w", id, err)
	}
	d.Learn(u)
	return u, nil
}

// known finds a person without asking Slack, by e-mail address or else by the
// handle that the rotas give.
func (d *Directory) known(p incident.Person) (User, bool) {
	if u, ok := d.exactly(p); ok {
		return u, true
	}
	return d.byHandle(p)
}

// exactly finds a person by what their key says.
func (d *Directory) exactly(p incident.Person) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := ""
	switch rest, slack := strings.CutPrefix(p.Key, "slack:"); {
	case slack && strings.HasPrefix(rest, "@"):
		id = d.byName[rest[1:]]
	case slack:
		id = rest
	default:
		id = d.byEmail[strings.ToLower(p.Key)]
	}
	u, ok := d.byID[id]
	return u, ok
}

// Lookup finds a person's Slack user: known ones at once, others by asking
// Slack for the e-mail address, and those whose address it does not know by the
// handle that the rotas give.
func (d *Directory) Lookup(ctx context.Context, p incident.Person) (User, error) {
	u, err := d.lookup(ctx, p)
	if code(err) != "users_not_found" {
		return u, err
	}
	if other, ok := d.byHandle(p); ok {
		return other, nil
	}
	return u, err
}

func (d *Directory) lookup(ctx context.Context, p incident.Person) (User, error) {
	if u, ok := d.exactly(p); ok {
		return u, nil
	}
	nobody := &Error{Method: "users.lookupByEmail", Code: "users_not_found"}
	rest, slack := strings.CutPrefix(p.Key, "slack:")
	switch {
	case slack && !strings.HasPrefix(rest, "@"):
		return d.user(ctx, rest)
	case slack || !strings.Contains(p.Key, "@"):
		return User{}, nobody
	}
	d.mu.Lock()
	missing := d.missing[p.Key]
	d.mu.Unlock()
	if missing {
		return User{}, nobody
	}
	u, err := d.api.UserByEmail(ctx, p.Key)
	if err != nil {
		if code(err) == "users_not_found" {
			d.mu.Lock()
			d.missing[p.Key] = true
			d.mu.Unlock()
		}
		return User{}, fmt.Errorf("look up a person by address in Slack: %w", err)
	}
	d.Learn(u)
	return u, nil
}

// Mention gives <@U…> for a person that is known and active; empty: use the
// name.
func (d *Directory) Mention(p incident.Person) string {
	if u, ok := d.known(p); ok && !u.Deactivated {
		return "<@" + u.ID + ">"
	}
	return ""
}

// UserID gives the Slack user that a form's value names; empty: none.
func (d *Directory) UserID(value string) string {
	if id := mentioned(value); id != "" {
		return id
	}
	if u, ok := d.known(incident.Person{Key: value}); ok {
		return u.ID
	}
	return ""
}

// Missing gives those persons whom no active Slack user matches.
func (d *Directory) Missing(ctx context.Context, persons []incident.Person) []incident.Person {
	var out []incident.Person
	for _, p := range persons {
		if u, err := d.Lookup(ctx, p); err != nil || u.Deactivated {
			out = append(out, p)
		}
	}
	return out
}

// mentioned takes the user ID out of <@U123> and <@U123|name>; empty: it is
// none.
func mentioned(text string) string {
	rest, ok := strings.CutPrefix(text, "<@")
	if !ok || !strings.HasSuffix(rest, ">") {
		return ""
	}
	id, _, _ := strings.Cut(strings.TrimSuffix(rest, ">"), "|")
	return id
}

// Find understands <@U123>, <@U123|name>, @handle, an e-mail address and "me".
// Its error is a Refusal.
func (d *Directory) Find(ctx context.Context, text string, by incident.Person) (incident.Person, error) {
	text = strings.TrimSpace(text)
	var u User
	var err error
	switch {
	case strings.EqualFold(text, "me") || strings.EqualFold(text, "@me"):
		return by, nil
	case mentioned(text) != "":
		u, err = d.user(ctx, mentioned(text))
	case strings.HasPrefix(text, "@"):
		var ok bool
		if u, ok = d.known(incident.Person{Key: "slack:@" + strings.ToLower(text[1:])}); !ok {
			err = errors.New("no such handle")
		}
	case strings.Contains(text, "@"):
		email := strings.ToLower(text)
		if _, address, ok := strings.Cut(strings.Trim(text, "<>"), "mailto:"); ok {
			email, _, _ = strings.Cut(strings.ToLower(address), "|")
		}
		u, err = d.Lookup(ctx, incident.Person{Key: email})
		if err != nil {
			return incident.Person{Key: email}, nil
		}
	default:
		err = errors.New("not a person")
	}
	switch {
	case err != nil:
		return incident.Person{}, incident.Refusal{Code: "person", Text: fmt.Sprintf("%q is nobody that Slack knows.", text),
			Hint: "Write @ and choose the person from the list, or an e-mail address."}
	case u.Deactivated:
		return incident.Person{}, incident.Refusal{Code: "person", Text: u.Name + " has no active Slack account.", Hint: "Name somebody else."}
	case u.Bot:
		return incident.Person{}, incident.Refusal{Code: "person", Text: u.Name + " is an app, not a person.", Hint: "Name a person."}
	}
	return d.person(u), nil
}

// Zone is the person's; nil: not known.
func (d *Directory) Zone(p incident.Person) *time.Location {
	u, ok := d.known(p)
	if !ok || u.Zone == "" {
		return nil
	}
	z, err := time.LoadLocation(u.Zone)
	if err != nil {
		return nil
	}
	return z
}

// InGroup tells whether a person is in a user group, given as "@sre", "sre" or
// <!subteam^S123>. A workspace without user groups has empty ones.
func (d *Directory) InGroup(ctx context.Context, name string, p incident.Person) (bool, error) {
	u, ok := d.known(p)
	if !ok {
		return false, nil
	}
	members, err := d.Members(ctx, name)
	if err != nil {
		return false, err
	}
	return slices.Contains(members, u.ID), nil
}

// Members gives the Slack user IDs of a user group.
func (d *Directory) Members(ctx context.Context, name string) ([]string, error) {
	g, handle, err := d.group(ctx, name)
	if err != nil || g.id == "" {
		return nil, err
	}
	if time.Since(g.read) < groupsFor {
		return g.members, nil
	}
	members, err := d.api.GroupMembers(ctx, g.id)
	if err != nil {
		if !g.read.IsZero() {
			return g.members, nil // what was known is better than to lock everybody out
		}
		return nil, fmt.Errorf("read the members of @%s: %w", handle, err)
	}
	d.mu.Lock()
	d.groups[handle] = group{id: g.id, members: members, read: time.Now()}
	d.mu.Unlock()
	return members, nil
}

// group finds a user group; the zero group: there is none.
func (d *Directory) group(ctx context.Context, name string) (group, string, error) {
	handle := strings.ToLower(strings.TrimPrefix(name, "@"))
	if id, ok := strings.CutPrefix(name, "<!subteam^"); ok {
		handle, _, _ = strings.Cut(strings.TrimSuffix(id, ">"), "|")
	}
	find := func() (group, bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if g, ok := d.groups[handle]; ok {
			return g, true
		}
		for h, g := range d.groups {
			if strings.EqualFold(g.id, handle) {
				handle = h
				return g, true
			}
		}
		return group{}, time.Since(d.listed) < groupsFor
	}
	if g, ok := find(); ok {
		return g, handle, nil
	}
	list, err := d.api.Groups(ctx)
	if err != nil {
		switch code(err) {
		case "plan_upgrade_required", "permission_denied", "missing_scope":
			list = nil
		default:
			return group{}, handle, fmt.Errorf("read the user groups: %w", err)
		}
	}
	d.mu.Lock()
	old := d.groups
	d.groups, d.listed = map[string]group{}, time.Now()
	for _, g := range list {
		kept := old[strings.ToLower(g.Handle)]
		kept.id = g.ID
		d.groups[strings.ToLower(g.Handle)] = kept
	}
	d.mu.Unlock()
	g, _ := find()
	return g, handle, nil
}

// GroupMention gives the mention of a user group such as "@sre", or @here and
// the like; unknown ones stay as they are.
func (d *Directory) GroupMention(ctx context.Context, mention string) string {
	switch mention {
	case "", "@here", "@channel", "@everyone":
		return mention
	}
	if mentioned(mention) != "" || strings.HasPrefix(mention, "<!") {
		return mention
	}
	if g, _, err := d.group(ctx, mention); err == nil && g.id != "" {
		return "<!subteam^" + g.id + ">"
	}
	if u, ok := d.known(incident.Person{Key: "slack:" + mention}); ok {
		return "<@" + u.ID + ">"
	}
	return mention
}
