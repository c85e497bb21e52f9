// Package workspace is a local Slack workspace in memory: Slack's Web API, Socket Mode, interactivity and events as an app
// sees them, the endpoints that a person's client in the browser needs, the client itself, and a Go harness that acts as a
// person.
//
// It stands in for Slack in `muster demo` (over TCP) and in tests (over a [Pipe], inside a testing/synctest bubble). An app
// talks to it with any Slack client: the API is under /api/, Socket Mode under the address that apps.connections.open gives.
// Where Slack answers with an error code, so does this; a method it does not know is answered with unknown_method. [Methods]
// and [Events] name what there is, [ScopesOf] and [ScopeOfEvent] what a bot needs for it.
//
// A test looks like this:
//
//	ws := workspace.New(workspace.Config{
//		People:   []workspace.Profile{{Handle: "alice", Email: "alice@example.com"}},
//		Channels: []workspace.Channel{{Name: "incidents", Members: []string{"alice", "muster"}}},
//		Commands: []workspace.Command{{Command: "/incident"}},
//	})
//	pipe := workspace.NewPipe()
//	go ws.Serve(ctx, pipe) // returns after ctx ends, when nothing of it runs any more
//	// … connect the app: http.Transport{DialContext: pipe.DialContext}, websocket.Dialer{NetDialContext: pipe.DialContext}
//	alice := ws.Person("alice")
//	ack, err := alice.Command("#incidents", "/incident create API down")
//	ack, err = alice.Click("#incidents", alice.Messages("#incidents")[0].TS, "Acknowledge")
//	res, err := alice.Submit(alice.Views()[0].ID, map[string]any{"Title": "API down", "Severity": "P0"})
//
// Time: message timestamps and rate tiers follow [Config.Now]; trigger ids, acknowledgement deadlines, redelivery and the age
// of a response_url follow the real clock, as they would with Slack.
//
// Faults: [Workspace.SetFaults], [Workspace.CutSockets], [Workspace.Disconnect], [Workspace.FailMethod] and
// [Workspace.Deactivate] make go wrong what can go wrong between an app and Slack. What the app did is in [Workspace.Calls]
// and [Workspace.CallLog].
//
// People: a person's client uses Slack's methods with the person's token and the endpoints under /client/. /client/boot hands
// out those tokens to whoever can reach the address, so serve it to this machine only. /client/events is a stream of
// Server-Sent Events that resumes from Last-Event-ID; after too long a break it sends one event of type resync, and the client
// has to read again what it shows.
//
// What differs from Slack on purpose: people's own calls are not rate limited and not touched by faults; which emoji exist is
// not checked; text is not truncated but refused with msg_too_long; nothing is kept across a restart.
//
// The package never decides anything for the app that talks to it, never writes to disk, never talks to the network on its
// own, and holds no secret: its tokens open only this workspace.
package workspace
