package pagerduty

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/notify"
)

// PagerDuty waits 5 s for an answer and sends nothing above 256 KB:
// https://developer.pagerduty.com/docs/webhooks-behavior
const (
	webhookTimeout = 4 * time.Second
	maxWebhook     = 1 << 20
)

// hook is a v3 webhook, as far as it matters here. Unknown fields are left.
type hook struct {
	Event struct {
		ID         string        `json:"id"`
		Type       string        `json:"event_type"`
		OccurredAt time.Time     `json:"occurred_at"`
		Agent      sdk.APIObject `json:"agent"`
		Data       struct {
			ID          string          `json:"id"`
			IncidentKey string          `json:"incident_key"`
			Assignees   []sdk.APIObject `json:"assignees"`
		} `json:"data"`
	} `json:"event"`
}

// Webhook receives PagerDuty's v3 webhooks. It refuses only what is not signed
// with the secret (403), for PagerDuty drops a refused webhook and switches the
// subscription off after three. What could not be recorded is answered with
// 503 and comes again; everything else, and whatever changes nothing, with 202.
func (c *Channel) Webhook() http.Handler { return http.HandlerFunc(c.webhook) }

func (c *Channel) webhook(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "send webhooks with POST", http.StatusMethodNotAllowed)
		return
	}
	if strings.TrimSpace(c.cfg.WebhookSecret) == "" {
		c.refuse(w, NoSecret)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), webhookTimeout)
	defer cancel()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "the webhook is larger than 1 MiB", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the webhook broke off; send it again", http.StatusServiceUnavailable)
		return
	}
	if !signed(c.cfg.WebhookSecret, r.Header.Values("X-PagerDuty-Signature"), body) {
		c.refuse(w, "The signature is missing or wrong: PAGERDUTY_WEBHOOK_SECRET must be what PagerDuty's subscription signs with.")
		return
	}
	id := r.Header.Get("X-Webhook-Id")
	if id != "" && c.seen.has("webhook "+id) {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	var h hook
	if err := json.Unmarshal(body, &h); err != nil {
		// It would be no better the next time.
		c.cfg.Log.Warn("a signed PagerDuty webhook cannot be read and is left out")
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if err := c.hooked(ctx, h, body); err != nil {
		c.cfg.Log.Warn("a PagerDuty webhook could not be recorded; PagerDuty sends it again", "error", err)
		http.Error(w, "it could not be recorded; send it again", http.StatusServiceUnavailable)
		return
	}
	if id != "" {
		c.seen.add("webhook " + id)
	}
	w.WriteHeader(http.StatusAccepted)
}

// NoSecret says why a webhook is refused where none can be signed.
const NoSecret = "PagerDuty webhooks are not taken: set PAGERDUTY_WEBHOOK_SECRET and start again."

// refuse answers a webhook that is not signed, and has the log say why.
func (c *Channel) refuse(w http.ResponseWriter, why string) {
	c.refused.Do(func() { c.cfg.Log.Warn("a PagerDuty webhook is refused", "why", why) })
	http.Error(w, why, http.StatusForbidden)
}

// signed checks PagerDuty's signature: the header lists v1=HMAC-SHA-256 of the
// body, one for each secret that is in use. An empty secret signs nothing.
// https://developer.pagerduty.com/docs/verifying-webhook-signatures
func signed(secrets string, headers []string, body []byte) bool {
	for secret := range strings.SplitSeq(secrets, ",") {
		secret = strings.TrimSpace(secret)
		if secret == "" {
			continue
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		want := mac.Sum(nil)
		for s := range strings.SplitSeq(strings.Join(headers, ","), ",") {
			text, ok := strings.CutPrefix(strings.TrimSpace(s), "v1=")
			if !ok {
				continue
			}
			if got, err := hex.DecodeString(text); err == nil && hmac.Equal(got, want) {
				return true
			}
		}
	}
	return false
}

// hooked records what a webhook says: that somebody answered a page of ours, or
// what happened to an incident that others opened.
func (c *Channel) hooked(ctx context.Context, h hook, body []byte) error {
	key := h.Event.Data.IncidentKey
	if _, ours := readKey(key); !ours && c.cfg.Foreign != nil && strings.HasPrefix(h.Event.Type, "incident.") {
		_, page, err := c.pageOf(ctx, h.Event.Data.ID, key)
		switch {
		case err != nil:
			return err
		case page:
		case key == "" && c.cfg.RoutingKey != "" && !c.rest() && !strings.HasPrefix(h.Event.Agent.Type, "user"):
			// It may be a page of ours, and then it must not come back.
			c.refused.Do(func() {
				c.cfg.Log.Warn("what an integration opened in PagerDuty is not declared here: without PAGERDUTY_API_KEY it cannot be told from Muster's own pages")
			})
		default:
			if err := c.cfg.Foreign(ctx, body); err != nil {
				return err
			}
		}
	}
	d := deed{id: h.Event.Data.ID, agent: h.Event.Agent, at: h.Event.OccurredAt.UTC()}
	switch h.Event.Type {
	case "incident.acknowledged":
		d.kind = notify.Acknowledge
	case "incident.resolved":
		d.kind = notify.Resolve
	default:
		return nil
	}
	for _, a := range h.Event.Data.Assignees {
		d.assignees = append(d.assignees, a.ID)
	}
	p, ok, err := c.pageOf(ctx, d.id, key)
	if err == nil && !ok && c.cfg.Origin != nil {
		p.incident, ok = c.cfg.Origin(ctx, d.id, d.at)
	}
	if !ok || err != nil {
		return err
	}
	a, ok, err := c.answer(ctx, d, p)
	if !ok || err != nil {
		return err
	}
	return c.tell(ctx, a)
}

// pageOf reads which page of ours a PagerDuty incident is. One that came from
// an event may have the key on its alert only.
func (c *Channel) pageOf(ctx context.Context, id, key string) (paged, bool, error) {
	if p, ok := readKey(key); ok || key != "" || c.cfg.RoutingKey == "" || !c.rest() {
		return p, ok, nil
	}
	var list sdk.ListAlertsResponse
	if err := c.get(ctx, "read the incident's alerts", "/incidents/"+url.PathEscape(id)+"/alerts", nil, &list); err != nil {
		return paged{}, false, err
	}
	for _, a := range list.Alerts {
		if p, ok := readKey(a.AlertKey); ok {
			return p, true, nil
		}
	}
	return paged{}, false, nil
}
