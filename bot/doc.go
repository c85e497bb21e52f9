// Package bot is Slack's edge: what people type, click and submit comes in
// over Socket Mode and becomes commands, and what was decided goes out over
// the Web API.
//
// It never decides anything about an incident, never acknowledges a change
// before it is recorded, and lets no Slack type out.
package bot
