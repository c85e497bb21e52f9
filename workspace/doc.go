// Package workspace is a local Slack workspace in memory: Slack's Web API, Socket Mode, interactivity and events as an app
// sees them, the endpoints that a person's client in the browser needs, and a Go harness that acts as a person.
//
// It stands in for Slack in `muster demo` (over TCP) and in tests (over a [Pipe], inside a testing/synctest bubble). An app
// talks to it with any Slack client: the API is under /api/, Socket Mode under the address that apps.connections.open gives.
// Where Slack answers with an error code, so does this; a method it does not know is answered with unknown_method.
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
//	alice := ws.Person("alice")
//	ack, err := alice.Command("#incidents", "/incident create API down")
//
// Time: message timestamps and rate tiers follow [Config.Now]; trigger ids, acknowledgement deadlines, redelivery and the age
// of a response_url follow the real clock, as they would with Slack.
//
// The package never decides anything for the app that talks to it, never writes to disk, never talks to the network on its
// own, and holds no secret: its tokens open only this workspace.
package workspace
