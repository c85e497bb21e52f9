package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/incident"
)

// Silence is a silence to make, or one that is there.
type Silence struct {
	ID     string
	Labels map[string]string // what an alert must carry, word for word
	From   time.Time
	Until  time.Time
	By     string // a person's name
	// Comment says for which incident, by whom and why. Two silences with the
	// same labels and comment are the same silence, made again.
	Comment string
	// Active is false once it has ended; it is not needed to make one.
	Active bool
	// Other says that it has matchers beside Labels that are not word for word.
	Other bool
}

type matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual *bool  `json:"isEqual,omitempty"`
}

type wire struct {
	ID        string    `json:"id,omitempty"`
	Matchers  []matcher `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	Status    *struct {
		State string `json:"state"`
	} `json:"status,omitempty"`
}

func (s Silence) wire() wire {
	yes := true
	w := wire{ID: s.ID, StartsAt: s.From.UTC(), EndsAt: s.Until.UTC(), CreatedBy: s.By, Comment: s.Comment}
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		w.Matchers = append(w.Matchers, matcher{Name: name, Value: s.Labels[name], IsEqual: &yes})
	}
	return w
}

func (w wire) silence() Silence {
	s := Silence{ID: w.ID, From: w.StartsAt, Until: w.EndsAt, By: w.CreatedBy, Comment: w.Comment, Labels: map[string]string{}, Active: true}
	if w.Status != nil {
		s.Active = w.Status.State != "expired"
	}
	for _, m := range w.Matchers {
		if m.IsRegex || m.IsEqual != nil && !*m.IsEqual {
			s.Other = true
			continue
		}
		s.Labels[m.Name] = m.Value
	}
	return s
}

// Create makes a silence and gives its ID. One that is there already, from a
// request whose answer was lost, is found instead.
func (c *Client) Create(ctx context.Context, s Silence) (id string, err error) {
	switch {
	case len(s.Labels) == 0:
		return "", &Failure{Permanent: true, Text: "These alerts have no labels in common, so nothing can be silenced."}
	case !s.From.Before(s.Until):
		return "", &Failure{Permanent: true, Text: "The silence's end is not after its start."}
	}
	there, err := c.Silences(ctx, s.Labels)
	if err != nil {
		return "", err
	}
	for _, old := range there {
		if old.Active && !old.Other && old.Comment == s.Comment && maps.Equal(old.Labels, s.Labels) {
			return old.ID, nil
		}
	}
	s.ID = ""
	return c.post(ctx, s)
}

func (c *Client) post(ctx context.Context, s Silence) (string, error) {
	var made struct {
		ID string `json:"silenceID"`
	}
	if err := c.do(ctx, "take the silence", http.MethodPost, "silences", nil, s.wire(), &made); err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", c.stranger()
	}
	return made.ID, nil
}

// Get gives a silence; ErrUnknown when there is none of that ID.
func (c *Client) Get(ctx context.Context, id string) (Silence, error) {
	var w wire
	err := c.do(ctx, "show the silence", http.MethodGet, "silence/"+url.PathEscape(id), nil, nil, &w)
	if unknown(err) {
		return Silence{}, ErrUnknown
	}
	if err != nil {
		return Silence{}, err
	}
	return w.silence(), nil
}

// unknown tells whether Alertmanager does not have the silence. An ID that is
// none is answered with 400 or 422.
func unknown(err error) bool {
	var f *Failure
	return errors.As(err, &f) && (f.Status == http.StatusNotFound || f.Status == http.StatusUnprocessableEntity)
}

// Silences gives those whose matchers fit the labels, ended ones included.
// Without labels: all.
func (c *Client) Silences(ctx context.Context, labels map[string]string) ([]Silence, error) {
	params := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		params.Add("filter", name+"="+strconv.Quote(labels[name]))
	}
	var list []wire
	if err := c.do(ctx, "list its silences", http.MethodGet, "silences", params, nil, &list); err != nil {
		return nil, err
	}
	out := make([]Silence, len(list))
	for i, w := range list {
		out[i] = w.silence()
	}
	return out, nil
}

// Extend moves the end of a silence and gives the ID that it has from now on;
// Alertmanager makes a new one of a silence that has ended.
func (c *Client) Extend(ctx context.Context, id string, now, until time.Time) (string, error) {
	s, err := c.Get(ctx, id)
	if err != nil {
		return "", err
	}
	if s.Other {
		return "", &Failure{Permanent: true, Text: "This silence was changed in Alertmanager; prolong it there."}
	}
	if !s.Active {
		s.ID, s.From = "", now
	}
	s.Until = until
	return c.post(ctx, s)
}

// Expire ends a silence now. One that has ended, or is forgotten, is fine.
func (c *Client) Expire(ctx context.Context, id string) error {
	err := c.do(ctx, "end the silence", http.MethodDelete, "silence/"+url.PathEscape(id), nil, nil, nil)
	if err == nil || unknown(err) {
		return nil
	}
	if s, seen := c.Get(ctx, id); seen == nil && !s.Active || errors.Is(seen, ErrUnknown) {
		return nil // older versions refuse to end what has ended
	}
	return err
}

// Alert is an alert as Alertmanager has it now.
type Alert struct {
	Fingerprint string
	Labels      map[string]string
	StartsAt    time.Time
	SilencedBy  []string // IDs
}

// Alerts gives the alerts that fire now and carry the labels, silenced ones included.
func (c *Client) Alerts(ctx context.Context, labels map[string]string) ([]Alert, error) {
	params := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		params.Add("filter", name+"="+strconv.Quote(labels[name]))
	}
	var list []struct {
		Fingerprint string            `json:"fingerprint"`
		Labels      map[string]string `json:"labels"`
		StartsAt    time.Time         `json:"startsAt"`
		Status      struct {
			SilencedBy []string `json:"silencedBy"`
		} `json:"status"`
	}
	if err := c.do(ctx, "list its alerts", http.MethodGet, "alerts", params, nil, &list); err != nil {
		return nil, err
	}
	out := make([]Alert, len(list))
	for i, a := range list {
		out[i] = Alert{a.Fingerprint, a.Labels, a.StartsAt, a.Status.SilencedBy}
	}
	return out, nil
}

// Matchers says which labels a silence of a group of alerts names: those that
// Alertmanager groups by, if the alert's name is among them; else those that
// all its alerts have in common. Empty: they have none.
func Matchers(groupKey string, alerts []incident.Alert) map[string]string {
	if grouped := groupLabels(groupKey); grouped["alertname"] != "" {
		return grouped
	}
	if len(alerts) == 0 {
		return nil
	}
	common := maps.Clone(alerts[0].Labels)
	for _, a := range alerts[1:] {
		maps.DeleteFunc(common, func(name, value string) bool { return a.Labels[name] != value })
	}
	maps.DeleteFunc(common, func(_, value string) bool { return value == "" })
	return common
}

// groupLabels reads the end of a group's key: {}/{team="a"}:{alertname="b", job="c"}.
func groupLabels(key string) map[string]string {
	rest, ok := strings.CutSuffix(key, "}")
	if !ok {
		return nil
	}
	// Routes can hold the same signs within quotes; the last place from which
	// everything reads as labels is the one.
	for end := len(rest); end > 0; {
		at := strings.LastIndex(rest[:end], ":{")
		if at < 0 {
			return nil
		}
		if labels, err := readLabels(rest[at+2:]); err == nil {
			return labels
		}
		end = at
	}
	return nil
}

// readLabels reads alertname="b", job="c".
func readLabels(s string) (map[string]string, error) {
	out := map[string]string{}
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		quoted, err := strconv.QuotedPrefix(rest)
		if !ok || err != nil || name == "" || strings.ContainsAny(name, `"{} `) {
			return nil, fmt.Errorf("no label at %q", s)
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		out[name] = value
		if s = rest[len(quoted):]; s != "" {
			if s, ok = strings.CutPrefix(s, ", "); !ok {
				return nil, fmt.Errorf("no comma at %q", s)
			}
		}
	}
	return out, nil
}
