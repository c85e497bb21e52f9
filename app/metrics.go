package app

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"muster/incident"
	"muster/outbox"
)

// metrics are what /metrics shows. No label carries a person, a title or a
// token.
type metrics struct {
	registry  *prometheus.Registry
	attempts  *prometheus.CounterVec
	settled   *prometheus.CounterVec
	waited    *prometheus.HistogramVec
	pages     *prometheus.CounterVec
	paged     *prometheus.HistogramVec
	late      prometheus.Counter
	lateness  prometheus.Histogram
	commands  *prometheus.CounterVec
	ack       prometheus.Histogram
	reloads   *prometheus.CounterVec
	alerts    *prometheus.CounterVec
	batches   *prometheus.CounterVec
	requests  *prometheus.CounterVec
	declared  *prometheus.CounterVec
	steps     *prometheus.CounterVec
	stepTook  *prometheus.HistogramVec
	waiting   *prometheus.Desc
	incidents *prometheus.Desc
	depth     *prometheus.Desc
	oldest    *prometheus.Desc
	frame     *prometheus.Desc
	firing    *prometheus.Desc
	lookout   *prometheus.Desc
	program   *Program
}

func newMetrics(p *Program) *metrics {
	seconds := []float64{.005, .01, .05, .1, .2, .5, 1, 2, 5, 15, 60, 300}
	m := &metrics{
		registry:  prometheus.NewRegistry(),
		program:   p,
		attempts:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_delivery_attempts_total", Help: "Attempts at a provider, by what is sent, to whom and how it ended."}, []string{"kind", "provider", "result"}),
		settled:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_deliveries_total", Help: "Deliveries that ended, by what was sent and how it ended."}, []string{"kind", "state"}),
		waited:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "muster_delivery_seconds", Help: "Time from the decision to the end of a delivery.", Buckets: seconds}, []string{"kind"}),
		pages:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_pages_total", Help: "Pages that ended, by method, by level and by how: accepted by the provider, failed, cancelled."}, []string{"method", "level", "state"}),
		paged:     prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "muster_page_seconds", Help: "Time from the decision to page to the provider taking it, by method.", Buckets: seconds}, []string{"method"}),
		late:      prometheus.NewCounter(prometheus.CounterOpts{Name: "muster_pages_late_total", Help: "Pages that could not leave within a minute."}),
		lateness:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "muster_clock_late_seconds", Help: "How late due steps were taken.", Buckets: seconds}),
		commands:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_commands_total", Help: "Commands, by where they came from and how they were answered."}, []string{"via", "code"}),
		ack:       prometheus.NewHistogram(prometheus.HistogramOpts{Name: "muster_slack_ack_seconds", Help: "Time from a Slack envelope to its acknowledgement.", Buckets: seconds}),
		reloads:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_config_reloads_total", Help: "Configuration reloads, by result."}, []string{"result"}),
		alerts:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_alerts_received_total", Help: "Alerts that were sent, by their source and what came of the request."}, []string{"source", "result"}),
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_alert_requests_total", Help: "Requests that bring alerts, by their source and how they were answered."}, []string{"source", "result"}),
		batches:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_alert_groups_told_total", Help: "Groups of alerts that were told, by their source and whether that was news."}, []string{"source", "result"}),
		declared:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_incidents_declared_total", Help: "Incidents that Muster declared by itself, by what for."}, []string{"by"}),
		firing:    prometheus.NewDesc("muster_alerts_firing", "Alerts that fire, by class.", []string{"class"}, nil),
		lookout:   prometheus.NewDesc("muster_lookout", "What concerns all alerts: open maintenance windows, a storm, an absent watchdog.", []string{"what"}, nil),
		steps:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "muster_steps_total", Help: "Playbook steps that ended, by how."}, []string{"end"}),
		stepTook:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "muster_step_seconds", Help: "How long playbook steps ran.", Buckets: seconds}, []string{"end"}),
		waiting:   prometheus.NewDesc("muster_steps_waiting", "Playbook steps of open incidents, by where they stand.", []string{"phase"}, nil),
		incidents: prometheus.NewDesc("muster_incidents_open", "Open incidents by severity, without drills.", []string{"severity"}, nil),
		depth:     prometheus.NewDesc("muster_outbox_waiting", "Deliveries that wait or are on their way, by the kind of their lane.", []string{"lane"}, nil),
		oldest:    prometheus.NewDesc("muster_outbox_oldest_seconds", "Age of the oldest delivery that waits, by the kind of its lane.", []string{"lane"}, nil),
		frame:     prometheus.NewDesc("muster_slack_last_frame_seconds", "Age of the last frame from Slack.", nil, nil),
	}
	m.registry.MustRegister(m.attempts, m.settled, m.waited, m.pages, m.paged, m.late, m.lateness, m.commands, m.ack, m.reloads,
		m.alerts, m.requests, m.batches, m.declared, m.steps, m.stepTook,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m)
	return m
}

// Describe names the figures that are read when they are asked for.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.incidents, m.depth, m.oldest, m.frame, m.firing, m.lookout, m.waiting} {
		out <- d
	}
}

// Collect reads the state of the program.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	open, phases := map[incident.Severity]int{}, map[incident.Phase]int{}
	for _, s := range m.program.incidents.OpenIncidents() {
		if !s.Drill.On { // an alert on this figure would wake somebody
			open[s.Severity]++
		}
		for _, r := range s.Shelf.Runs {
			phases[r.Phase]++
		}
	}
	for _, phase := range []incident.Phase{incident.Previewing, incident.Waiting, incident.Ready, incident.Running} {
		out <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, float64(phases[phase]), string(phase))
	}
	for _, s := range incident.Severities {
		out <- prometheus.MustNewConstMetric(m.incidents, prometheus.GaugeValue, float64(open[s]), s.String())
	}
	m.program.intake.collect(m, out)
	status := m.program.outbox.Status()
	for lane, depth := range byKind(status.Lanes) {
		out <- prometheus.MustNewConstMetric(m.depth, prometheus.GaugeValue, float64(depth.Waiting+depth.Flying), lane)
		if !depth.Oldest.IsZero() {
			out <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, m.program.now().Sub(depth.Oldest).Seconds(), lane)
		}
	}
	if last := m.program.lastFrame(); !last.IsZero() {
		out <- prometheus.MustNewConstMetric(m.frame, prometheus.GaugeValue, time.Since(last).Seconds())
	}
}

// byKind adds the lanes of one kind together, such as those of each channel that
// is notified. The lanes of every incident are there when they are empty too: a
// figure that is missing alarms nobody.
func byKind(lanes map[outbox.Lane]outbox.Depth) map[string]outbox.Depth {
	all := map[string]outbox.Depth{}
	for _, lane := range []outbox.Lane{outbox.Page, outbox.Action, outbox.Reply, outbox.Chat, outbox.Decor} {
		all[string(lane)] = outbox.Depth{}
	}
	for lane, depth := range lanes {
		kind, _, _ := strings.Cut(string(lane), " ")
		sum := all[kind]
		sum.Waiting += depth.Waiting
		sum.Flying += depth.Flying
		if sum.Oldest.IsZero() || !depth.Oldest.IsZero() && depth.Oldest.Before(sum.Oldest) {
			sum.Oldest = depth.Oldest
		}
		all[kind] = sum
	}
	return all
}

// hooks feed the counters from the outbox.
func (m *metrics) hooks() outbox.Hooks {
	return outbox.Hooks{
		Attempted: func(d outbox.Delivery, provider string, result outbox.Result, _ time.Duration) {
			m.attempts.WithLabelValues(d.Kind, provider, string(result)).Inc()
		},
		Settled: func(d outbox.Delivery, o outbox.Outcome, waited time.Duration) {
			m.settled.WithLabelValues(d.Kind, string(o.State)).Inc()
			if o.State == outbox.Delivered {
				m.waited.WithLabelValues(d.Kind).Observe(waited.Seconds())
			}
			if d.Kind == incident.EffectKind(incident.Page{}) {
				m.page(d, o.State, waited)
			}
		},
		Late: func(outbox.Delivery) { m.late.Inc() },
	}
}

// page counts a page that ended. Accepted is the provider's word, not yet the
// person's.
func (m *metrics) page(d outbox.Delivery, state outbox.State, waited time.Duration) {
	e, _ := incident.DecodeEffect(d.Kind, d.Body)
	p, ok := e.(incident.Page)
	if !ok {
		return
	}
	level := p.Level
	if level == "" {
		level = "by name"
	}
	word := string(state)
	if state == outbox.Delivered {
		word = string(incident.LedgerAccepted)
		m.paged.WithLabelValues(p.Method).Observe(waited.Seconds())
	}
	m.pages.WithLabelValues(p.Method, level, word).Inc()
}

// stepEnded counts a step whose outcome is on record.
func (m *metrics) stepEnded(in incident.Intent) {
	switch in := in.(type) {
	case incident.EndStep:
		m.steps.WithLabelValues(string(in.Outcome.End)).Inc()
		m.stepTook.WithLabelValues(string(in.Outcome.End)).Observe(in.Outcome.Took.Seconds())
	case incident.StaleStep:
		m.steps.WithLabelValues("changed").Inc()
	}
}
