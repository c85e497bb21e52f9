package query

import (
	"sort"
	"strings"
)

// Titles gives each series a short name for a legend: the labels in which they
// differ, or the metric's name where there is only one.
func Titles(all []Series) []string {
	out := make([]string, len(all))
	for i, s := range all {
		var parts []string
		for name := range s.Labels {
			if name != "__name__" && differs(all, name) {
				parts = append(parts, name)
			}
		}
		sort.Strings(parts)
		for j, name := range parts {
			if len(parts) == 1 {
				parts[j] = s.Labels[name]
			} else {
				parts[j] = name + "=" + s.Labels[name]
			}
		}
		out[i] = strings.Join(parts, " ")
		if out[i] == "" {
			out[i] = s.Labels["__name__"]
		}
	}
	return out
}

func differs(all []Series, name string) bool {
	for _, s := range all {
		if s.Labels[name] != all[0].Labels[name] {
			return true
		}
	}
	return false
}
