package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"muster/bot"
)

// heartbeatEvery is how often the program says that it is well. The receiver
// should raise its alarm after two or three beats that did not come.
const heartbeatEvery = 30 * time.Second

// heartbeatWithin bounds one beat.
const heartbeatWithin = 10 * time.Second

// beat tells MUSTER_DEADMAN_URL that the program is well, for as long as it is.
// What keeps it from saying so, and a receiver that does not take it, are
// logged once each, never with the address, which is a secret.
func (p *Program) beat(ctx context.Context) error {
	web := http.Client{}
	if p.opt.HTTP != nil {
		web = *p.opt.HTTP
	}
	// A redirect would bring the address to somebody else, in its Referer.
	web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for unwell, deaf := "the program starts", false; ; {
		reason := p.unwell()
		if reason != "" {
			if unwell == "" {
				p.log.Warn("the heartbeat is held back until all is well", "reason", reason)
			}
		} else {
			err := p.beatOnce(ctx, &web)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil && !deaf {
				p.log.Warn("the receiver of the heartbeat does not take it; it is tried again and again", "error", err)
			}
			if err == nil && (deaf || unwell != "") {
				p.log.Info("the heartbeat goes out")
			}
			deaf = err != nil
		}
		unwell = reason
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// beatOnce sends one beat. Its error names neither the address nor a part of it.
func (p *Program) beatOnce(ctx context.Context, web *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeatWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.opt.Env.MusterDeadmanURL.Reveal(), nil)
	if err != nil {
		return errors.New("MUSTER_DEADMAN_URL is not an address")
	}
	req.Header.Set("User-Agent", "muster")
	resp, err := web.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", heartbeatWithin)
	case err != nil: // its text holds the address
		return errors.New("it cannot be reached: check MUSTER_DEADMAN_URL and the network")
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("it answered with status %d", resp.StatusCode)
	}
	return nil
}

// unwell says what keeps people from relying on the program; empty: nothing. A
// refused configuration does not, since the old one stays in force, and neither
// does Slack alone while pages can leave another way.
func (p *Program) unwell() string {
	for _, c := range p.ready() {
		switch {
		case c.OK, c.Name == "configuration":
		case c.Name == "slack" && p.canPage():
		default:
			return c.Detail
		}
	}
	if p.outbox.Status().Down[bot.Provider] && !p.canPage() {
		return "nothing over which a page could leave answers"
	}
	return ""
}

// canPage tells whether a way to page besides Slack is configured and not known
// to be down.
func (p *Program) canPage() bool {
	down := p.outbox.Status().Down
	for _, method := range otherMethods {
		if _, ok := p.channels.of(method); ok && !down[method] {
			return true
		}
	}
	return false
}

// otherMethods are the ways to page besides Slack.
var otherMethods = []string{"pagerduty", "phone", "email"}
