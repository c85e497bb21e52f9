package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"muster/incident"
)

// collect reads how the alerts stand.
func (in *intake) collect(m *metrics, out chan<- prometheus.Metric) {
	firing := map[incident.Class]int{}
	for _, g := range in.groups.Open() {
		for _, a := range g.Firing() {
			firing[a.Class()]++
		}
	}
	for _, class := range []incident.Class{incident.Critical, incident.Warning, incident.Info} {
		out <- prometheus.MustNewConstMetric(m.firing, prometheus.GaugeValue, float64(firing[class]), string(class))
	}
	l := in.Lookout()
	for what, n := range map[string]int{
		"maintenance": len(l.Windows), "storm": truth(l.Storm.N != 0), "watchdog_absent": truth(!l.Watchdog.Missing.IsZero()),
	} {
		out <- prometheus.MustNewConstMetric(m.lookout, prometheus.GaugeValue, float64(n), what)
	}
}

func truth(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
