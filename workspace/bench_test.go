package workspace_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/slack-go/slack"

	"muster/workspace"
)

// BenchmarkPost measures one chat.postMessage with blocks over a Pipe, client included.
func BenchmarkPost(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	pipe := workspace.NewPipe()
	ws := workspace.New(unlimited())
	served := make(chan error, 1)
	go func() { served <- ws.Serve(ctx, pipe) }()
	transport := &http.Transport{DialContext: pipe.DialContext}
	api := slack.New(ws.BotToken(), slack.OptionAPIURL("http://workspace.test/api/"), slack.OptionHTTPClient(&http.Client{Transport: transport}))
	i := 0
	for b.Loop() {
		i++
		text := slack.NewTextBlockObject("mrkdwn", fmt.Sprintf("*P1* number %d", i), false, false)
		if _, _, err := api.PostMessage("#incidents", slack.MsgOptionText("card", false), slack.MsgOptionBlocks(slack.NewSectionBlock(text, nil, nil))); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	if err := <-served; err != nil {
		b.Fatal(err)
	}
	transport.CloseIdleConnections()
}
