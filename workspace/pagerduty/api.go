package pagerduty

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// apiError is an answer of REST v2 that is no success.
type apiError struct {
	status, code int
	message      string
}

func (e apiError) write(w http.ResponseWriter) {
	body := map[string]any{"message": e.message, "errors": []string{e.message}}
	if e.code != 0 {
		body["code"] = e.code
	}
	reply(w, e.status, map[string]any{"error": body})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the other side may be gone
}

// Handler answers Events v2 under /v2/enqueue and REST v2 under the rest.
func (p *PagerDuty) Handler() http.Handler {
	rest := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request, User) *apiError{
		"POST /incidents":               p.postIncident,
		"PUT /incidents":                p.putIncidents,
		"GET /incidents":                p.getIncidents,
		"GET /incidents/{id}":           p.getIncident,
		"GET /incidents/{id}/notes":     p.getNotes,
		"POST /incidents/{id}/notes":    p.postNote,
		"GET /incidents/{id}/alerts":    p.getAlerts,
		"GET /users":                    p.getUsers,
		"GET /users/{id}":               p.getUser,
		"GET /services":                 p.getServices,
		"GET /services/{id}":            p.getService,
		"GET /schedules":                p.getSchedules,
		"GET /schedules/{id}":           p.getSchedule,
		"GET /schedules/{id}/overrides": p.getOverrides,
	} {
		rest.HandleFunc(pattern, p.authorised(h))
	}
	rest.HandleFunc("POST /v2/enqueue", p.enqueue)
	rest.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		apiError{http.StatusNotFound, 2100, "Not Found"}.write(w)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, rest) })
}

// watcher remembers an answer's status.
type watcher struct {
	http.ResponseWriter
	status int
}

func (w *watcher) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (p *PagerDuty) serve(w http.ResponseWriter, r *http.Request, rest http.Handler) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	again := func() { r.Body = io.NopCloser(bytes.NewReader(body)) }
	again()
	call := Call{Method: r.Method, Path: r.URL.RequestURI(), From: r.Header.Get("From"), Body: string(body)}
	seen := &watcher{ResponseWriter: w}
	// Also for an answer that is broken off by a panic.
	defer func() {
		call.Status = seen.status
		p.mu.Lock()
		p.calls = append(p.calls, call)
		p.mu.Unlock()
	}()
	if p.cfg.Validate != nil {
		if err := p.cfg.Validate(r); err != nil {
			call.Wrong = err.Error()
			apiError{http.StatusBadRequest, 2001, "Invalid Input Provided"}.write(seen)
			return
		}
		again()
	}
	if f := p.fault(r); f != nil {
		p.spoil(seen, r, f, func(w http.ResponseWriter) { rest.ServeHTTP(w, r) })
		return
	}
	rest.ServeHTTP(seen, r)
}

// authorised checks the key, and the From header where something changes.
func (p *PagerDuty) authorised(h func(http.ResponseWriter, *http.Request, User) *apiError) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Token token=")
		if !ok || key == "" || (p.cfg.APIKey != "" && key != p.cfg.APIKey) {
			apiError{http.StatusUnauthorized, 2006, "Authentication failed"}.write(w)
			return
		}
		var from User
		if r.Method != http.MethodGet {
			if from, ok = p.user(r.Header.Get("From")); !ok {
				apiError{http.StatusBadRequest, 1008, "Requester User Not Found"}.write(w)
				return
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if e := h(w, r, from); e != nil {
			e.write(w)
		}
	}
}

// ref is a reference in a request.
type ref struct {
	ID string `json:"id"`
}

type assignment struct {
	Assignee ref `json:"assignee"`
}

var invalid = &apiError{http.StatusBadRequest, 2001, "Invalid Input Provided"}

func (p *PagerDuty) postIncident(w http.ResponseWriter, r *http.Request, from User) *apiError {
	var in struct {
		Incident struct {
			Title   string `json:"title"`
			Service ref    `json:"service"`
			Urgency string `json:"urgency"`
			Key     string `json:"incident_key"`
			Body    struct {
				Details string `json:"details"`
			} `json:"body"`
			Assignments []assignment `json:"assignments"`
		} `json:"incident"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Incident.Title == "" {
		return invalid
	}
	i := in.Incident
	if !p.hasService(i.Service.ID) {
		return &apiError{http.StatusNotFound, 5002, "Service Not Found"}
	}
	if p.openKey(i.Key) != nil {
		return &apiError{http.StatusBadRequest, 2002, "Open incident with matching dedup key already exists on this service"}
	}
	assignee := p.cfg.OnCall
	if len(i.Assignments) > 0 {
		u, ok := p.user(i.Assignments[0].Assignee.ID)
		if !ok {
			return &apiError{http.StatusBadRequest, 1007, "Assigned To User Not Found"}
		}
		assignee = u.ID
	}
	inc := p.create(Incident{Key: i.Key, Title: i.Title, Body: i.Body.Details, Urgency: i.Urgency, Service: i.Service.ID}, assignee, from.ID)
	reply(w, http.StatusCreated, map[string]any{"incident": p.incidentJSON(inc)})
	return nil
}

func (p *PagerDuty) putIncidents(w http.ResponseWriter, r *http.Request, from User) *apiError {
	var in struct {
		Incidents []struct {
			ID          string       `json:"id"`
			Status      string       `json:"status"`
			Resolution  string       `json:"resolution"`
			Assignments []assignment `json:"assignments"`
		} `json:"incidents"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Incidents) == 0 {
		return invalid
	}
	out := []any{}
	for _, i := range in.Incidents {
		inc := p.find(i.ID)
		if inc == nil {
			return &apiError{http.StatusNotFound, 2100, "Not Found"}
		}
		if i.Status != "" {
			if i.Status != acknowledged && i.Status != resolved {
				return &apiError{http.StatusBadRequest, 1003, "Invalid Status Provided"}
			}
			if e := p.change(inc, i.Status, from.ID); e != nil {
				return e
			}
			if i.Resolution != "" {
				p.annotate(inc, from.ID, i.Resolution)
			}
		}
		if len(i.Assignments) > 0 {
			u, ok := p.user(i.Assignments[0].Assignee.ID)
			switch {
			case !ok:
				return &apiError{http.StatusBadRequest, 1007, "Assigned To User Not Found"}
			case inc.Status == resolved:
				return &apiError{http.StatusBadRequest, 1001, "Incident Already Resolved"}
			}
			p.assign(inc, u.ID, from.ID)
		}
		out = append(out, p.incidentJSON(inc))
	}
	reply(w, http.StatusOK, map[string]any{"incidents": out})
	return nil
}

func (p *PagerDuty) getIncident(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	inc := p.find(r.PathValue("id"))
	if inc == nil {
		return &apiError{http.StatusNotFound, 2100, "Not Found"}
	}
	reply(w, http.StatusOK, map[string]any{"incident": p.incidentJSON(inc)})
	return nil
}

func (p *PagerDuty) getIncidents(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	q := r.URL.Query()
	fits := func(name, value string) bool {
		want := q[name]
		for _, v := range want {
			if v == value {
				return true
			}
		}
		return len(want) == 0
	}
	var all []any
	for n := len(p.incidents) - 1; n >= 0; n-- {
		inc := p.incidents[n]
		if fits("incident_key", inc.Key) && fits("statuses[]", inc.Status) && fits("service_ids[]", inc.Service) {
			all = append(all, p.incidentJSON(inc))
		}
	}
	list(w, q, "incidents", all)
	return nil
}

// list answers with one page of a list.
func list(w http.ResponseWriter, q map[string][]string, name string, all []any) {
	number := func(key string, fallback int) int {
		if v := q[key]; len(v) > 0 {
			if n, err := strconv.Atoi(v[0]); err == nil && n >= 0 {
				return n
			}
		}
		return fallback
	}
	limit, offset := min(number("limit", 25), 100), number("offset", 0)
	from := min(offset, len(all))
	to := min(from+limit, len(all))
	part := append([]any{}, all[from:to]...)
	reply(w, http.StatusOK, map[string]any{name: part, "limit": limit, "offset": offset, "more": to < len(all), "total": nil})
}

func (p *PagerDuty) marks(marks []Mark, name string) []any {
	out := []any{}
	for _, m := range marks {
		out = append(out, map[string]any{"at": m.At.Format(time.RFC3339), name: p.userRef(m.User)})
	}
	return out
}

func (p *PagerDuty) incidentJSON(inc *Incident) map[string]any {
	by := reference{inc.Service, "service_reference", ""}
	if inc.ChangedBy != "" {
		by = p.userRef(inc.ChangedBy)
	}
	return map[string]any{
		"id": inc.ID, "type": "incident", "summary": inc.Title, "title": inc.Title, "incident_number": inc.Number,
		"incident_key": inc.Key, "status": inc.Status, "urgency": inc.Urgency, "service": reference{inc.Service, "service_reference", ""},
		"created_at": inc.Created.Format(time.RFC3339), "assignments": p.marks(inc.Assigned, "assignee"),
		"acknowledgements":      p.marks(inc.Acks, "acknowledger"),
		"last_status_change_at": inc.Changed.Format(time.RFC3339), "last_status_change_by": by, "priority": nil, "resolve_reason": nil,
	}
}

func (p *PagerDuty) annotate(inc *Incident, user, text string) Note {
	n := Note{ID: "N" + strconv.Itoa(len(inc.Notes)+1), User: user, Text: text, At: p.cfg.Now().UTC()}
	inc.Notes = append(inc.Notes, n)
	return n
}

func (p *PagerDuty) noteJSON(n Note) any {
	return map[string]any{"id": n.ID, "content": n.Text, "user": p.userRef(n.User), "created_at": n.At.Format(time.RFC3339)}
}

func (p *PagerDuty) postNote(w http.ResponseWriter, r *http.Request, from User) *apiError {
	var in struct {
		Note struct {
			Content string `json:"content"`
		} `json:"note"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Note.Content == "" {
		return invalid
	}
	inc := p.find(r.PathValue("id"))
	if inc == nil {
		return &apiError{http.StatusNotFound, 2100, "Not Found"}
	}
	reply(w, http.StatusCreated, map[string]any{"note": p.noteJSON(p.annotate(inc, from.ID, in.Note.Content))})
	return nil
}

func (p *PagerDuty) getNotes(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	inc := p.find(r.PathValue("id"))
	if inc == nil {
		return &apiError{http.StatusNotFound, 2100, "Not Found"}
	}
	notes := []any{}
	for _, n := range inc.Notes {
		notes = append(notes, p.noteJSON(n))
	}
	reply(w, http.StatusOK, map[string]any{"notes": notes})
	return nil
}

func (p *PagerDuty) getAlerts(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	inc := p.find(r.PathValue("id"))
	if inc == nil {
		return &apiError{http.StatusNotFound, 2100, "Not Found"}
	}
	alerts := []any{}
	if inc.Event {
		alerts = append(alerts, map[string]any{"id": inc.ID + "A", "type": "alert", "alert_key": inc.Key, "status": inc.Status})
	}
	list(w, r.URL.Query(), "alerts", alerts)
	return nil
}
