package stats

import (
	"time"

	"muster/incident"
)

// Span is the statistics of a part of the time.
type Span struct {
	From time.Time `json:"from"`
	Figures
}

// mostSpans bounds how many parts a time is cut into.
const mostSpans = 400

// Weeks cuts the time of a query into weeks that begin on Monday where zone is
// (nil: UTC), the first and the last one in part, and counts each; an incident
// belongs to the week of its declaration. Without a begin it is the first
// incident's; until is the end where the query has none.
func Weeks(rows []Row, q Query, until time.Time, zone *time.Location) []Span {
	if zone == nil {
		zone = time.UTC
	}
	if q.Until.IsZero() {
		q.Until = until
	}
	if q.Since.IsZero() {
		q.Since = q.Until
		for _, r := range rows {
			if q.keeps(r) && r.DeclaredAt.Before(q.Since) {
				q.Since = r.DeclaredAt
			}
		}
	}
	q.By = ""
	end, from := q.Until, monday(q.Since.In(zone))
	if first := monday(end.In(zone).AddDate(0, 0, -7*mostSpans)); first.After(from) {
		from = first
		q.Since = first
	}
	since := q.Since
	var out []Span
	for ; from.Before(end); from = from.AddDate(0, 0, 7) {
		part := q
		part.Since, part.Until = from, incident.Sooner(from.AddDate(0, 0, 7), end)
		if since.After(from) {
			part.Since = since
		}
		out = append(out, Span{From: from, Figures: Of(rows, part)[0]})
	}
	return out
}

// monday is the begin of a moment's week.
func monday(at time.Time) time.Time {
	back := (int(at.Weekday()) + 6) % 7
	return time.Date(at.Year(), at.Month(), at.Day()-back, 0, 0, 0, 0, at.Location())
}
