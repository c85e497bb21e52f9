package app

import (
	"net/http"

	"muster/alerts"
)

// mountAlerts adds what monitoring systems call.
func (p *Program) mountAlerts(mux *http.ServeMux) {
	if !p.opt.Env.MusterAPIToken.IsSet() {
		p.log.Warn("MUSTER_API_TOKEN is not set: alerts and commands over HTTP are refused until it is")
	}
	inlet := alerts.NewInlet(alerts.InletConfig{
		Taker: p.intake, Token: p.opt.Env.MusterAPIToken.Reveal, Log: p.log,
		Counted: func(source, outcome string, n int) {
			p.metrics.alerts.WithLabelValues(source, outcome).Add(float64(n))
			p.metrics.requests.WithLabelValues(source, outcome).Inc()
		},
	})
	mux.Handle("/v1/alerts/alertmanager", inlet.Alertmanager())
	mux.Handle("/v1/alerts", inlet.Generic())
}
