package workspace

import "slices"

// method is what is known of one Web API method. Rate tiers, scopes, required arguments and whether a JSON body is read are
// Slack's, see https://docs.slack.dev/reference/methods
type method struct {
	run        handler
	tier       int      // calls: 1 is 1 a minute, 2 is 20, 3 is 50, 4 is 100; 0: no limit worth keeping
	perChannel bool     // limited by channel as posting is
	json       bool     // reads a JSON body
	app        bool     // wants the app-level token
	open       bool     // answers without a token
	required   []string // arguments
	// scopes are all needed; alternatives are separated by |. "*:read" is channels:read, groups:read, im:read or mpim:read
	// by the kind of the conversation; write, topic and invites are named by ability.
	scopes []string
	// families tells which kinds a star stands for; nil: the one of the channel argument.
	families func(*call) []string
}

func (m method) kinds(c *call) []string {
	if m.families != nil {
		return m.families(c)
	}
	name := c.str("channel")
	if name == "" {
		name = c.str("channel_id")
	}
	if ch := c.visible(name); ch != nil {
		return []string{ch.family()}
	}
	return nil
}

var methods map[string]method

func init() {
	ch := []string{"channel"}
	methods = map[string]method{
		"api.test":              {run: apiTest, tier: 4, json: true, open: true},
		"auth.test":             {run: authTest, json: true},
		"apps.connections.open": {run: appsConnectionsOpen, tier: 3, json: true, app: true},

		"chat.postMessage":   {run: chatPostMessage, perChannel: true, json: true, required: ch, scopes: []string{"chat:write"}},
		"chat.postEphemeral": {run: chatPostEphemeral, tier: 4, json: true, required: []string{"channel", "user"}, scopes: []string{"chat:write"}},
		"chat.update":        {run: chatUpdate, tier: 3, json: true, required: []string{"channel", "ts"}, scopes: []string{"chat:write"}},
		"chat.delete":        {run: chatDelete, tier: 3, json: true, required: []string{"channel", "ts"}, scopes: []string{"chat:write"}},
		"chat.getPermalink":  {run: chatGetPermalink, required: []string{"channel", "message_ts"}},

		"conversations.list":            {run: conversationsList, tier: 2, scopes: []string{"*:read"}, families: listedFamilies},
		"conversations.info":            {run: conversationsInfo, tier: 3, required: ch, scopes: []string{"*:read"}},
		"conversations.members":         {run: conversationsMembers, tier: 4, required: ch, scopes: []string{"*:read"}},
		"conversations.history":         {run: conversationsHistory, tier: 3, json: true, required: ch, scopes: []string{"*:history"}},
		"conversations.replies":         {run: conversationsReplies, tier: 3, required: []string{"channel", "ts"}, scopes: []string{"*:history"}},
		"conversations.create":          {run: conversationsCreate, tier: 2, json: true, required: []string{"name"}, scopes: []string{"*:write"}, families: createdFamily},
		"conversations.open":            {run: conversationsOpen, tier: 3, json: true, scopes: []string{"*:write"}, families: openedFamily},
		"conversations.join":            {run: conversationsJoin, tier: 3, json: true, required: ch, scopes: []string{"channels:join"}},
		"conversations.leave":           {run: conversationsLeave, tier: 3, json: true, required: ch, scopes: []string{"*:write"}},
		"conversations.invite":          {run: conversationsInvite, tier: 3, json: true, required: []string{"channel", "users"}, scopes: []string{"*:invites"}},
		"conversations.kick":            {run: conversationsKick, tier: 3, json: true, required: []string{"channel", "user"}, scopes: []string{"*:write"}},
		"conversations.mark":            {run: conversationsMark, tier: 3, json: true, required: []string{"channel", "ts"}, scopes: []string{"*:write"}},
		"conversations.close":           {run: conversationsClose, tier: 2, json: true, required: ch, scopes: []string{"*:write"}},
		"conversations.archive":         {run: conversationsArchive, tier: 2, json: true, required: ch, scopes: []string{"*:write"}},
		"conversations.unarchive":       {run: conversationsUnarchive, tier: 2, json: true, required: ch, scopes: []string{"*:write"}},
		"conversations.rename":          {run: conversationsRename, tier: 2, json: true, required: []string{"channel", "name"}, scopes: []string{"*:write"}},
		"conversations.setTopic":        {run: conversationsSetTopic, tier: 2, json: true, required: ch, scopes: []string{"*:topic"}},
		"conversations.setPurpose":      {run: conversationsSetPurpose, tier: 2, json: true, required: ch, scopes: []string{"*:topic"}},
		"conversations.canvases.create": {run: conversationsCanvasesCreate, tier: 2, json: true, required: []string{"channel_id"}, scopes: []string{"canvases:write"}},

		"canvases.create":          {run: canvasesCreate, tier: 2, json: true, scopes: []string{"canvases:write"}},
		"canvases.edit":            {run: canvasesEdit, tier: 3, json: true, required: []string{"canvas_id", "changes"}, scopes: []string{"canvases:write"}},
		"canvases.delete":          {run: canvasesDelete, tier: 3, json: true, required: []string{"canvas_id"}, scopes: []string{"canvases:write"}},
		"canvases.access.set":      {run: canvasesAccessSet, tier: 3, json: true, required: []string{"canvas_id", "access_level"}, scopes: []string{"canvases:write"}},
		"canvases.sections.lookup": {run: canvasesSectionsLookup, tier: 3, json: true, required: []string{"canvas_id", "criteria"}, scopes: []string{"canvases:read"}},

		"users.info":          {run: usersInfo, tier: 4, required: []string{"user"}, scopes: []string{"users:read"}},
		"users.list":          {run: usersList, tier: 2, scopes: []string{"users:read"}},
		"users.lookupByEmail": {run: usersLookupByEmail, tier: 3, required: []string{"email"}, scopes: []string{"users:read.email"}},
		"users.conversations": {run: usersConversations, tier: 3, scopes: []string{"*:read"}, families: listedFamilies},
		"users.profile.get":   {run: usersProfileGet, tier: 4, scopes: []string{"users.profile:read"}},
		"users.getPresence":   {run: usersGetPresence, tier: 3, scopes: []string{"users:read"}},

		"usergroups.list":         {run: usergroupsList, tier: 2, scopes: []string{"usergroups:read"}},
		"usergroups.create":       {run: usergroupsCreate, tier: 2, json: true, required: []string{"name"}, scopes: []string{"usergroups:write"}},
		"usergroups.update":       {run: usergroupsUpdate, tier: 2, json: true, required: []string{"usergroup"}, scopes: []string{"usergroups:write"}},
		"usergroups.enable":       {run: usergroupsSwitch(false), tier: 2, json: true, required: []string{"usergroup"}, scopes: []string{"usergroups:write"}},
		"usergroups.disable":      {run: usergroupsSwitch(true), tier: 2, json: true, required: []string{"usergroup"}, scopes: []string{"usergroups:write"}},
		"usergroups.users.list":   {run: usergroupsUsersList, tier: 2, required: []string{"usergroup"}, scopes: []string{"usergroups:read"}},
		"usergroups.users.update": {run: usergroupsUsersUpdate, tier: 2, json: true, required: []string{"usergroup", "users"}, scopes: []string{"usergroups:write"}},

		"views.open":    {run: viewsOpen, tier: 4, json: true, required: []string{"view"}},
		"views.push":    {run: viewsPush, tier: 4, json: true, required: []string{"view"}},
		"views.update":  {run: viewsUpdate, tier: 4, json: true, required: []string{"view"}},
		"views.publish": {run: viewsPublish, tier: 4, json: true, required: []string{"user_id", "view"}},

		"pins.add":         {run: pinsAdd, tier: 2, json: true, required: ch, scopes: []string{"pins:write"}},
		"pins.list":        {run: pinsList, tier: 2, required: ch, scopes: []string{"pins:read"}},
		"pins.remove":      {run: pinsRemove, tier: 2, json: true, required: ch, scopes: []string{"pins:write"}},
		"reactions.add":    {run: reactionsAdd, tier: 3, json: true, required: []string{"name", "channel", "timestamp"}, scopes: []string{"reactions:write"}},
		"reactions.remove": {run: reactionsRemove, tier: 2, json: true, required: []string{"name"}, scopes: []string{"reactions:write"}},
		"reactions.get":    {run: reactionsGet, tier: 3, scopes: []string{"reactions:read"}},

		"bookmarks.add":    {run: bookmarksAdd, tier: 2, json: true, required: []string{"channel_id", "title", "type"}, scopes: []string{"bookmarks:write"}},
		"bookmarks.edit":   {run: bookmarksEdit, tier: 2, json: true, required: []string{"channel_id", "bookmark_id"}, scopes: []string{"bookmarks:write"}},
		"bookmarks.list":   {run: bookmarksList, tier: 3, json: true, required: []string{"channel_id"}, scopes: []string{"bookmarks:read"}},
		"bookmarks.remove": {run: bookmarksRemove, tier: 2, json: true, required: []string{"channel_id", "bookmark_id"}, scopes: []string{"bookmarks:write"}},

		"files.getUploadURLExternal":   {run: filesGetUploadURL, tier: 4, required: []string{"filename", "length"}, scopes: []string{"files:write"}},
		"files.completeUploadExternal": {run: filesCompleteUpload, tier: 4, json: true, required: []string{"files"}, scopes: []string{"files:write"}},
		"files.info":                   {run: filesInfo, tier: 4, required: []string{"file"}, scopes: []string{"files:read"}},

		"team.info":  {run: teamInfo, tier: 3, json: true, scopes: []string{"team:read"}},
		"bots.info":  {run: botsInfo, tier: 3, scopes: []string{"users:read"}},
		"emoji.list": {run: emojiList, tier: 2, scopes: []string{"emoji:read"}},
	}
}

// allScopes are the scopes that some method or event here asks for.
func allScopes() []string {
	set := []string{"app_mentions:read", "commands", "chat:write", "chat:write.public", "chat:write.customize", "reactions:read", "reactions:write",
		"pins:read", "pins:write", "bookmarks:read", "bookmarks:write", "canvases:read", "canvases:write", "files:read", "files:write",
		"users:read", "users:read.email", "users.profile:read", "usergroups:read", "usergroups:write", "team:read", "emoji:read",
		"channels:join", "channels:manage", "groups:write", "im:write", "mpim:write", "metadata.message:read"}
	for _, kind := range []string{"channels", "groups", "im", "mpim"} {
		set = append(set, kind+":read", kind+":history")
	}
	slices.Sort(set)
	return set
}

// Methods names every Web API method that the workspace answers, sorted.
func Methods() []string {
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ScopesOf gives the bot scopes that a method can ask for; each element is one need, alternatives are separated by |, and a
// family written * stands for channels, groups, im and mpim. ok is false for a method that the workspace does not have.
func ScopesOf(name string) (scopes []string, ok bool) {
	m, ok := methods[name]
	return slices.Clone(m.scopes), ok
}

func apiTest(c *call) (obj, error) {
	if e := c.str("error"); e != "" {
		return nil, code(e)
	}
	return obj{"args": c.args}, nil
}

func authTest(c *call) (obj, error) {
	out := obj{"url": c.base + "/", "team": c.w.team["name"], "user": c.user.handle, "team_id": c.w.team["id"], "user_id": c.user.id, "is_enterprise_install": false}
	if c.kind == tokenBot {
		out["bot_id"] = c.w.botID
	}
	return out, nil
}

func teamInfo(c *call) (obj, error) { return obj{"team": c.w.team}, nil }

func botsInfo(c *call) (obj, error) {
	if id := c.str("bot"); id != "" && id != c.w.botID {
		return nil, code("bot_not_found")
	}
	return obj{"bot": obj{"id": c.w.botID, "deleted": false, "name": c.w.bot.handle, "updated": c.w.bot.updated, "app_id": c.w.appID,
		"user_id": c.w.bot.id, "icons": obj{}}}, nil
}

func emojiList(c *call) (obj, error) { return obj{"emoji": obj{}, "cache_ts": "0"}, nil }
