package workspace

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"muster/workspace/limits"
)

// View is a modal or an App Home, in the shape that Slack sends to the app.
type View struct {
	ID              string          `json:"id"`
	TeamID          string          `json:"team_id"`
	Type            string          `json:"type"`
	Blocks          json.RawMessage `json:"blocks"`
	PrivateMetadata string          `json:"private_metadata"`
	CallbackID      string          `json:"callback_id"`
	State           State           `json:"state"`
	Hash            string          `json:"hash"`
	Title           json.RawMessage `json:"title"`
	Close           json.RawMessage `json:"close"`
	Submit          json.RawMessage `json:"submit"`
	SubmitDisabled  bool            `json:"submit_disabled,omitempty"`
	ClearOnClose    bool            `json:"clear_on_close"`
	NotifyOnClose   bool            `json:"notify_on_close"`
	PreviousViewID  *string         `json:"previous_view_id"`
	RootViewID      string          `json:"root_view_id"`
	AppID           string          `json:"app_id"`
	ExternalID      string          `json:"external_id"`
	AppTeamID       string          `json:"app_installed_team_id"`
	BotID           string          `json:"bot_id"`

	user string
}

// State holds what a person has filled in: block to action to the element's value.
type State struct {
	Values map[string]map[string]obj `json:"values"`
}

func (s State) clone() State {
	c := State{Values: map[string]map[string]obj{}}
	for b, as := range s.Values {
		c.Values[b] = map[string]obj{}
		for a, v := range as {
			c.Values[b][a] = v
		}
	}
	return c
}

func (v *View) clone() *View {
	c := *v
	c.State = v.State.clone()
	return &c
}

// TitleText is the title as a person reads it.
func (v *View) TitleText() string { return textOf(v.Title) }

func textOf(raw json.RawMessage) string {
	var t struct{ Text string }
	if json.Unmarshal(raw, &t) != nil {
		return ""
	}
	return t.Text
}

// triggerLife is how long a trigger_id can be used, https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses
const triggerLife = 3 * time.Second

type trigger struct {
	user    string
	until   time.Time
	used    bool
	inModal bool
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// newTrigger makes a trigger_id for an interaction of u. The caller holds mu.
func (w *Workspace) newTrigger(u *user, inModal bool) string {
	now := time.Now()
	for id, t := range w.trigger {
		if now.Sub(t.until) > time.Minute {
			delete(w.trigger, id)
		}
	}
	id := "10.20." + randomHex(16)
	w.trigger[id] = &trigger{user: u.id, until: now.Add(triggerLife), inModal: inModal}
	return id
}

// exchange uses up the trigger that the call names.
func (c *call) exchange() (*trigger, error) {
	id := c.str("trigger_id")
	if id == "" {
		id = c.str("interactivity_pointer")
	}
	t := c.w.trigger[id]
	switch {
	case t == nil:
		return nil, code("invalid_trigger_id")
	case time.Now().After(t.until):
		return nil, code("expired_trigger_id")
	case t.used:
		return nil, code("exchanged_trigger_id")
	}
	return t, nil
}

// maxView is the size of a view in bytes, https://docs.slack.dev/reference/methods/views.open
const maxView = 250_000

// readView reads and checks a view.
func (w *Workspace) readView(raw string, want string) (*View, error) {
	if len(raw) > maxView {
		return nil, code("view_too_large")
	}
	var blocks struct {
		Blocks []obj `json:"blocks"`
	}
	v := &View{}
	if json.Unmarshal([]byte(raw), &blocks) != nil || json.Unmarshal([]byte(raw), v) != nil {
		return nil, &apiError{Code: "invalid_arguments", Messages: []string{"[ERROR] failed to match all allowed schemas [json-pointer:/view]"}}
	}
	problems := limits.View([]byte(raw))
	if v.Type != want {
		problems = append(problems, limits.Problem{Path: "/view/type", Message: "must be " + want})
	}
	if problems != nil {
		e := &apiError{Code: "invalid_arguments"}
		for _, p := range problems {
			e.Messages = append(e.Messages, "[ERROR] "+p.String())
		}
		return nil, e
	}
	v.Blocks = w.identify(blocks.Blocks)
	v.State = initialState(v.Blocks)
	v.TeamID, v.AppTeamID = w.team["id"].(string), w.team["id"].(string)
	v.AppID, v.BotID = w.appID, w.botID
	v.PreviousViewID, v.user = nil, ""
	return v, nil
}

// keep stores a new view and gives it its identity.
func (w *Workspace) keep(v *View, u string, previous *View) error {
	if v.ExternalID != "" && w.byExternalID(v.ExternalID) != nil {
		return code("duplicate_external_id")
	}
	v.ID, v.user = w.nextID("V"), u
	v.Hash = w.newHash()
	v.RootViewID = v.ID
	if previous != nil {
		v.PreviousViewID, v.RootViewID = &previous.ID, previous.RootViewID
	}
	w.views[v.ID] = v
	return nil
}

func (w *Workspace) newHash() string { return w.nextTS() + "." + randomHex(4) }

func (w *Workspace) byExternalID(id string) *View {
	for _, v := range w.views {
		if v.ExternalID == id {
			return v
		}
	}
	return nil
}

// top is the view that the person sees; nil: no modal is open.
func (w *Workspace) top(u string) *View {
	if s := w.stacks[u]; len(s) > 0 {
		return w.views[s[len(s)-1]]
	}
	return nil
}

// openStack replaces whatever the person has open by v.
func (w *Workspace) openStack(v *View, u string) error {
	if err := w.keep(v, u, nil); err != nil {
		return err
	}
	w.dropStack(u)
	w.stacks[u] = []string{v.ID}
	w.toPeople([]string{u}, obj{"type": "view_opened", "view": v.clone()})
	return nil
}

func (w *Workspace) dropStack(u string) {
	for _, id := range w.stacks[u] {
		delete(w.views, id)
	}
	delete(w.stacks, u)
}

// maxStack is the number of views on top of each other, https://docs.slack.dev/surfaces/modals
const maxStack = 3

// push puts v on top of what the person sees.
func (w *Workspace) push(v *View, u string) error {
	below := w.top(u)
	if below == nil {
		return code("not_found")
	}
	if len(w.stacks[u]) >= maxStack {
		return code("push_limit_reached")
	}
	if err := w.keep(v, u, below); err != nil {
		return err
	}
	w.stacks[u] = append(w.stacks[u], v.ID)
	w.toPeople([]string{u}, obj{"type": "view_pushed", "view": v.clone()})
	return nil
}

// renew replaces the content of old by that of v; what was filled in stays where block and action are the same.
func (w *Workspace) renew(old, v *View) {
	for b, as := range v.State.Values {
		for a, fresh := range as {
			if had, ok := old.State.Values[b][a]; ok && had["type"] == fresh["type"] {
				v.State.Values[b][a] = had
			}
		}
	}
	id, prev, root, u, ext := old.ID, old.PreviousViewID, old.RootViewID, old.user, old.ExternalID
	*old = *v
	old.ID, old.PreviousViewID, old.RootViewID, old.user = id, prev, root, u
	if old.ExternalID == "" {
		old.ExternalID = ext
	}
	old.Hash = w.newHash()
	if old.Type == "home" {
		w.toPeople([]string{u}, obj{"type": "home", "view": old.clone()})
		return
	}
	w.toPeople([]string{u}, obj{"type": "view_updated", "view": old.clone()})
}

// closeTop takes the topmost view away; all: the whole stack.
func (w *Workspace) closeTop(u string, all bool) {
	v := w.top(u)
	if v == nil {
		return
	}
	event := obj{"type": "view_closed", "view": v.clone(), "view_id": v.ID, "clear": all}
	if all {
		w.dropStack(u)
	} else {
		s := w.stacks[u]
		w.stacks[u] = s[:len(s)-1]
		delete(w.views, v.ID)
	}
	if below := w.top(u); below != nil {
		event["top"] = below.ID
	}
	w.toPeople([]string{u}, event)
}

func viewsOpen(c *call) (obj, error) {
	v, err := c.w.readView(c.str("view"), "modal")
	if err != nil {
		return nil, err
	}
	t, err := c.exchange()
	if err != nil {
		return nil, err
	}
	if err := c.w.openStack(v, t.user); err != nil {
		return nil, err
	}
	t.used = true
	return obj{"view": v.clone()}, nil
}

func viewsPush(c *call) (obj, error) {
	v, err := c.w.readView(c.str("view"), "modal")
	if err != nil {
		return nil, err
	}
	t, err := c.exchange()
	if err != nil {
		return nil, err
	}
	if !t.inModal {
		return nil, code("not_found")
	}
	if err := c.w.push(v, t.user); err != nil {
		return nil, err
	}
	t.used = true
	return obj{"view": v.clone()}, nil
}

func viewsUpdate(c *call) (obj, error) {
	old := c.w.views[c.str("view_id")]
	if ext := c.str("external_id"); old == nil && ext != "" {
		old = c.w.byExternalID(ext)
	}
	if old == nil {
		return nil, code("not_found")
	}
	if h := c.str("hash"); h != "" && h != old.Hash {
		return nil, code("hash_conflict")
	}
	v, err := c.w.readView(c.str("view"), old.Type)
	if err != nil {
		return nil, err
	}
	if other := c.w.byExternalID(v.ExternalID); v.ExternalID != "" && other != nil && other != old {
		return nil, code("duplicate_external_id")
	}
	c.w.renew(old, v)
	return obj{"view": old.clone()}, nil
}

func viewsPublish(c *call) (obj, error) {
	u := c.w.userByID(c.str("user_id"))
	if u == nil || u.deleted {
		return nil, &apiError{Code: "invalid_arguments", Messages: []string{"[ERROR] must be a valid user ID [json-pointer:/user_id]"}}
	}
	v, err := c.w.readView(c.str("view"), "home")
	if err != nil {
		return nil, err
	}
	if old := c.w.views[c.w.homes[u.id]]; old != nil {
		if h := c.str("hash"); h != "" && h != old.Hash {
			return nil, code("hash_conflict")
		}
		c.w.renew(old, v)
		return obj{"view": old.clone()}, nil
	}
	if err := c.w.keep(v, u.id, nil); err != nil {
		return nil, err
	}
	c.w.homes[u.id] = v.ID
	c.w.toPeople([]string{u.id}, obj{"type": "home", "view": v.clone()})
	return obj{"view": v.clone()}, nil
}

// initialState is what a fresh form holds.
func initialState(blocks json.RawMessage) State {
	s := State{Values: map[string]map[string]obj{}}
	eachElement(blocks, func(block, e obj) {
		id, _ := block["block_id"].(string)
		action, _ := e["action_id"].(string)
		if value := initialValue(e); value != nil {
			if s.Values[id] == nil {
				s.Values[id] = map[string]obj{}
			}
			s.Values[id][action] = value
		}
	})
	return s
}

// eachElement calls f with every interactive element of the blocks.
func eachElement(blocks json.RawMessage, f func(block, element obj)) {
	var list []obj
	if json.Unmarshal(blocks, &list) != nil {
		return
	}
	for _, b := range list {
		for _, key := range []string{"element", "accessory"} {
			if e, ok := b[key].(obj); ok && e["action_id"] != nil {
				f(b, e)
			}
		}
		if b["type"] != "actions" {
			continue
		}
		elements, _ := b["elements"].([]any)
		for _, e := range elements {
			if e, ok := e.(obj); ok {
				f(b, e)
			}
		}
	}
}

// stateField names the field that holds the value of an element type in a state; empty: the type has no value.
func stateField(elementType string) string {
	switch elementType {
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		return "value"
	case "static_select", "external_select", "radio_buttons":
		return "selected_option"
	case "checkboxes", "multi_static_select", "multi_external_select":
		return "selected_options"
	case "users_select":
		return "selected_user"
	case "multi_users_select":
		return "selected_users"
	case "conversations_select":
		return "selected_conversation"
	case "multi_conversations_select":
		return "selected_conversations"
	case "channels_select":
		return "selected_channel"
	case "multi_channels_select":
		return "selected_channels"
	case "datepicker":
		return "selected_date"
	case "timepicker":
		return "selected_time"
	case "datetimepicker":
		return "selected_date_time"
	case "rich_text_input":
		return "rich_text_value"
	case "file_input":
		return "files"
	}
	return ""
}

// initialField names the field of an element that gives its first value.
var initialField = map[string]string{
	"value": "initial_value", "selected_option": "initial_option", "selected_options": "initial_options", "selected_user": "initial_user",
	"selected_users": "initial_users", "selected_conversation": "initial_conversation", "selected_conversations": "initial_conversations",
	"selected_channel": "initial_channel", "selected_channels": "initial_channels", "selected_date": "initial_date",
	"selected_time": "initial_time", "selected_date_time": "initial_date_time", "rich_text_value": "initial_value", "files": "initial_files",
}

var listFields = []string{"selected_options", "selected_users", "selected_conversations", "selected_channels", "files"}

// initialValue is the state of an untouched element; nil: the element has none.
func initialValue(e obj) obj {
	kind, _ := e["type"].(string)
	field := stateField(kind)
	if field == "" {
		return nil
	}
	v := e[initialField[field]]
	if v == nil && slices.Contains(listFields, field) {
		v = []any{}
	}
	return obj{"type": kind, field: v}
}
