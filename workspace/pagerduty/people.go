package pagerduty

import (
	"cmp"
	"net/http"
	"strings"
)

// Schedule is an on-call schedule. Layers are in the order in which they win:
// the first covers the ones below it.
type Schedule struct {
	ID, Name, Zone string
	Layers         []Layer
	Overrides      int // how many overrides it has in any span
}

// Layer is one rotation of a schedule. Times are RFC 3339.
type Layer struct {
	Name, Start, End, Rotation string // Rotation: when the first user's first turn begins
	Turn                       int    // seconds
	Users                      []string
	Restrictions               []Restriction
}

// Restriction limits a layer to some hours.
type Restriction struct {
	Type      string `json:"type"` // daily_restriction, weekly_restriction
	StartTime string `json:"start_time_of_day"`
	StartDay  int    `json:"start_day_of_week,omitempty"`
	Duration  int    `json:"duration_seconds"`
}

func (p *PagerDuty) userJSON(u User, withContacts bool) map[string]any {
	out := map[string]any{
		"id": u.ID, "type": "user", "summary": u.Name, "name": u.Name, "email": u.Email, "time_zone": cmp.Or(u.Zone, "Etc/UTC"), "role": "user",
	}
	if withContacts && u.Phone != "" {
		out["contact_methods"] = []any{map[string]any{
			"id": u.ID + "C", "type": "phone_contact_method", "label": "Mobile", "address": u.Phone, "country_code": max(u.Country, 1),
		}}
	}
	return out
}

func (p *PagerDuty) getUsers(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	q := r.URL.Query()
	query := strings.ToLower(q.Get("query"))
	var all []any
	for _, u := range p.cfg.Users {
		if strings.Contains(strings.ToLower(u.Name+" "+u.Email), query) {
			all = append(all, p.userJSON(u, false))
		}
	}
	list(w, q, "users", all)
	return nil
}

func (p *PagerDuty) getUser(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	id := r.PathValue("id")
	if id == "me" && p.cfg.Me == "" {
		return &apiError{http.StatusBadRequest, 2001, "Me resolution is not supported for account-level access tokens"}
	}
	if id == "me" {
		id = p.cfg.Me
	}
	for _, u := range p.cfg.Users {
		if u.ID == id {
			reply(w, http.StatusOK, map[string]any{"user": p.userJSON(u, r.URL.Query().Get("include[]") == "contact_methods")})
			return nil
		}
	}
	return &apiError{http.StatusNotFound, 2100, "Not Found"}
}

func (p *PagerDuty) hasService(id string) bool {
	for _, s := range p.cfg.Services {
		if s.ID == id {
			return true
		}
	}
	return false
}

func serviceJSON(s Service) map[string]any {
	return map[string]any{"id": s.ID, "type": "service", "name": s.Name, "summary": s.Name, "status": cmp.Or(s.Status, "active")}
}

func (p *PagerDuty) getServices(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	var all []any
	for _, s := range p.cfg.Services {
		all = append(all, serviceJSON(s))
	}
	list(w, r.URL.Query(), "services", all)
	return nil
}

func (p *PagerDuty) getService(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	for _, s := range p.cfg.Services {
		if s.ID == r.PathValue("id") {
			reply(w, http.StatusOK, map[string]any{"service": serviceJSON(s)})
			return nil
		}
	}
	return &apiError{http.StatusNotFound, 5002, "Service Not Found"}
}

func (p *PagerDuty) getSchedules(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	var all []any
	for _, s := range p.cfg.Schedules {
		all = append(all, map[string]any{"id": s.ID, "type": "schedule", "name": s.Name, "summary": s.Name, "time_zone": s.Zone})
	}
	list(w, r.URL.Query(), "schedules", all)
	return nil
}

func (p *PagerDuty) schedule(id string) (Schedule, bool) {
	for _, s := range p.cfg.Schedules {
		if s.ID == id {
			return s, true
		}
	}
	return Schedule{}, false
}

func (p *PagerDuty) getSchedule(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	s, ok := p.schedule(r.PathValue("id"))
	if !ok {
		return &apiError{http.StatusNotFound, 3004, "Schedule Not Found"}
	}
	layers := []any{}
	for _, l := range s.Layers {
		users := []any{}
		for _, id := range l.Users {
			users = append(users, map[string]any{"user": p.userRef(id)})
		}
		layer := map[string]any{
			"name": l.Name, "start": l.Start, "end": nil, "rotation_virtual_start": cmp.Or(l.Rotation, l.Start),
			"rotation_turn_length_seconds": l.Turn, "users": users, "restrictions": append([]Restriction{}, l.Restrictions...),
		}
		if l.End != "" {
			layer["end"] = l.End
		}
		layers = append(layers, layer)
	}
	reply(w, http.StatusOK, map[string]any{"schedule": map[string]any{
		"id": s.ID, "type": "schedule", "name": s.Name, "summary": s.Name, "time_zone": s.Zone, "schedule_layers": layers,
	}})
	return nil
}

func (p *PagerDuty) getOverrides(w http.ResponseWriter, r *http.Request, _ User) *apiError {
	s, ok := p.schedule(r.PathValue("id"))
	if !ok {
		return &apiError{http.StatusNotFound, 3004, "Schedule Not Found"}
	}
	out := []any{}
	for range s.Overrides {
		out = append(out, map[string]string{"id": "O1", "start": r.URL.Query().Get("since"), "end": r.URL.Query().Get("until")})
	}
	reply(w, http.StatusOK, map[string]any{"overrides": out})
	return nil
}
