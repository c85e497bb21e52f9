package config

import (
	"time"

	"muster/incident"
)

// ShortestRetention is the least time for which incidents are kept after their
// end: long enough for every post-mortem, and for 2m not to be taken for two
// months.
const ShortestRetention = 30 * 24 * time.Hour

// Retention is how long incidents are kept after their end, by severity; a
// severity without a time, and the zero value: for ever.
type Retention map[incident.Severity]time.Duration

func (l *loader) retention(r *reader, root *value) {
	f := root.get("retention")
	if f == nil {
		return
	}
	l.cfg.Retention = Retention{}
	r.bySeverity(f, "retention", func(s incident.Severity, v *value, what string) {
		if text, ok := r.text(v, what); !ok || text == "" {
			return
		}
		if d, err := ParseDuration(v.text); err != nil || d < ShortestRetention {
			r.wrong(v, what, "'' for ever, or 30d or more")
		} else {
			l.cfg.Retention[s] = d
		}
	})
}
