package pagerduty

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How webhooks are sent.
const (
	webhookTimeout  = 5 * time.Second
	webhookAttempts = 5
	webhookPause    = 30 * time.Second // doubled after each attempt
	webhookDropped  = 3                // in a row, then the subscription is off
	webhookOff      = 24 * time.Hour
)

// queue is what waits to be told, in order.
type queue struct {
	mu      sync.Mutex
	waiting []func(ctx context.Context)
	more    chan struct{}
}

// subscription is whether webhooks are sent at all.
type subscription struct {
	mu      sync.Mutex
	dropped int // in a row
	off     time.Time
}

func (q *queue) add(f func(ctx context.Context)) {
	q.mu.Lock()
	q.waiting = append(q.waiting, f)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) run(ctx context.Context) {
	for ctx.Err() == nil {
		q.mu.Lock()
		var next func(context.Context)
		if len(q.waiting) > 0 {
			next, q.waiting = q.waiting[0], q.waiting[1:]
		}
		q.mu.Unlock()
		if next != nil {
			next(ctx)
			continue
		}
		select {
		case <-ctx.Done():
		case <-q.more:
		}
	}
}

// Run tells Notify and sends the webhooks until ctx ends, and returns its
// error. Without it nobody is told.
func (p *PagerDuty) Run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { p.pages.run(ctx) })
	both.Go(func() { p.hooks.run(ctx) })
	both.Wait()
	return ctx.Err()
}

// reference is how PagerDuty names one object in another.
type reference struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Summary string `json:"summary,omitempty"`
}

// emit makes a webhook of what happened. p.mu is held.
func (p *PagerDuty) emit(kind string, inc *Incident, by string) {
	if p.cfg.WebhookURL == "" {
		return
	}
	var agent any = map[string]string{"id": "PEVENTS", "type": "inbound_integration_reference", "summary": "Events API"}
	if by != "" {
		agent = p.userRef(by)
	}
	assignees := []reference{}
	for _, a := range inc.Assigned {
		assignees = append(assignees, p.userRef(a.User))
	}
	body, err := json.Marshal(map[string]any{"event": map[string]any{
		"id": rand.Text(), "event_type": kind, "resource_type": "incident",
		"occurred_at": p.cfg.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "agent": agent,
		"client": map[string]string{"name": "PagerDuty"},
		"data": map[string]any{
			"id": inc.ID, "type": "incident", "number": inc.Number, "status": inc.Status, "incident_key": inc.Key, "title": inc.Title,
			"created_at": inc.Created.Format(time.RFC3339), "urgency": inc.Urgency, "assignees": assignees,
			"service": reference{inc.Service, "service_reference", ""},
		},
	}})
	if err != nil {
		panic(err) // nothing in it that JSON cannot say
	}
	id := rand.Text()
	p.hooks.add(func(ctx context.Context) { p.send(ctx, id, body) })
}

// Sign gives the signature header of a webhook's body for some secrets.
func Sign(body []byte, secrets ...string) string {
	var all []string
	for _, s := range secrets {
		mac := hmac.New(sha256.New, []byte(s))
		mac.Write(body)
		all = append(all, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, ",")
}

// send posts one webhook until it is taken, refused or given up.
func (p *PagerDuty) send(ctx context.Context, id string, body []byte) {
	h := &p.subscription
	h.mu.Lock()
	off := p.cfg.Now().Before(h.off)
	h.mu.Unlock()
	if off {
		return
	}
	taken := false
	for n, pause := 0, webhookPause; n < webhookAttempts && ctx.Err() == nil; n, pause = n+1, 2*pause {
		status := p.post(ctx, id, body)
		if taken = status >= 200 && status < 300; taken {
			break
		}
		if status >= 400 && status < 500 && status != http.StatusTooManyRequests {
			break
		}
		if n+1 < webhookAttempts {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if taken {
		h.dropped = 0
	} else if h.dropped++; h.dropped >= webhookDropped {
		h.off, h.dropped = p.cfg.Now().Add(webhookOff), 0
	}
}

// post sends once and gives the status; 0: no answer.
func (p *PagerDuty) post(ctx context.Context, id string, body []byte) int {
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return http.StatusBadRequest
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Webhook-Id", id)
	req.Header.Set("X-PagerDuty-Signature", Sign(body, p.cfg.WebhookSecret))
	res, err := p.cfg.HTTP.Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

func (p *PagerDuty) userRef(id string) reference {
	u, _ := p.user(id)
	return reference{id, "user_reference", u.Name}
}
