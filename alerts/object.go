package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/incident"
)

// object is a JSON object read leniently: a field that is missing or of
// another kind than expected is empty.
type object map[string]json.RawMessage

func readObject(data []byte) (object, bool) {
	var o object
	if json.Unmarshal(data, &o) != nil || o == nil {
		return nil, false
	}
	return o, true
}

// text reads a string, a number or a truth.
func (o object) text(names ...string) string {
	for _, name := range names {
		if s := scalar(o[name]); s != "" {
			return s
		}
	}
	return ""
}

func scalar(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func (o object) object(name string) object {
	inner, _ := readObject(o[name])
	return inner
}

// present tells whether a field is there and not null.
func (o object) present(name string) bool {
	raw := bytes.TrimSpace(o[name])
	return len(raw) > 0 && string(raw) != "null"
}

// texts reads an object of texts. ok is false when there is something else.
func (o object) texts(name string) (out map[string]string, ok bool) {
	if !o.present(name) {
		return nil, true
	}
	inner, ok := readObject(o[name])
	if !ok {
		return nil, false
	}
	out = make(map[string]string, len(inner))
	for key, raw := range inner {
		out[key] = scalar(raw)
	}
	return out, true
}

// moment reads a time: RFC 3339, or seconds since 1970. The zero time stands
// for none; ok is false for what cannot be read.
func (o object) moment(names ...string) (at time.Time, ok bool) {
	for _, name := range names {
		s := strings.TrimSpace(o.text(name))
		if s == "" && !o.present(name) {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			seconds, err := strconv.ParseInt(s, 10, 64)
			if err != nil || seconds < 0 || seconds > 1<<37 {
				return time.Time{}, false
			}
			at = time.Unix(seconds, 0)
		}
		if at = at.UTC(); at.Year() < 1 || at.Year() > 9000 {
			return time.Time{}, false
		}
		return at, true
	}
	return time.Time{}, true
}

// kept bounds labels or annotations: the first by name, cut where they are long.
func kept(all map[string]string) map[string]string {
	if len(all) == 0 {
		return nil
	}
	out := make(map[string]string, min(len(all), maxLabels))
	names := slices.Sorted(maps.Keys(all))
	for _, name := range names[:min(len(names), maxLabels)] {
		out[cut(name, maxName)] = cut(all[name], maxLabel)
	}
	for _, name := range []string{"alertname", "severity", "service"} { // rules ask for them
		if v, ok := all[name]; ok {
			out[name] = cut(v, maxLabel)
		}
	}
	return out
}

// fingerprint is Alertmanager's own way to name a set of labels: FNV-1a over
// the names and values in order, each followed by a byte that no text has.
func fingerprint(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(name + "\xff" + labels[name] + "\xff")
	}
	return digest(b.String())
}

// digest is a text's FNV-1a in 16 letters.
func digest(s string) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s)
	return fmt.Sprintf("%016x", h.Sum64())
}

// link gives an address that a browser may open; empty: it is none.
func link(all ...string) string {
	for _, s := range all {
		s = strings.TrimSpace(s)
		u, err := url.Parse(s)
		if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(s) <= maxURL && !strings.ContainsAny(s, "<>|\" \n\r\t") {
			return s
		}
	}
	return ""
}

// exprOf reads the expression out of Prometheus's link to its graph.
func exprOf(generator string) string {
	u, err := url.Parse(generator)
	if err != nil {
		return ""
	}
	return prose(u.Query().Get("g0.expr"), maxExpr)
}

// complete fills the fields of an alert that its labels and annotations hold.
func complete(a incident.Alert) incident.Alert {
	first := func(m map[string]string, names ...string) string {
		for _, name := range names {
			if m[name] != "" {
				return m[name]
			}
		}
		return ""
	}
	if a.Name == "" {
		a.Name = first(a.Labels, "alertname")
	}
	a.Name = line(a.Name, maxName)
	if a.Name == "" {
		a.Name = "alert without a name"
	}
	if a.Severity == "" {
		a.Severity = first(a.Labels, "severity")
	}
	a.Severity = line(a.Severity, maxName)
	if a.Service == "" {
		a.Service = first(a.Labels, "service", "app", "app_kubernetes_io_name", "job")
	}
	a.Service = line(a.Service, maxName)
	if a.Summary == "" {
		a.Summary = first(a.Annotations, "summary", "title", "message")
	}
	a.Summary = line(a.Summary, maxSummary)
	if a.Description == "" {
		a.Description = first(a.Annotations, "description")
	}
	a.Description = prose(a.Description, maxDescription)
	a.Links.Runbook = link(a.Links.Runbook, a.Annotations["runbook_url"], a.Annotations["runbook"])
	a.Links.Dashboard = link(a.Links.Dashboard, a.Annotations["dashboard"], a.Annotations["dashboard_url"], a.Annotations["__dashboardUrl__"])
	a.Links.Graph = link(a.Links.Graph)
	a.Links.Silence = link(a.Links.Silence)
	a.Labels, a.Annotations = kept(a.Labels), kept(a.Annotations)
	return a
}
