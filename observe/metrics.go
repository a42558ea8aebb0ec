package observe

import (
	"context"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// Metrics counts what the server does, for Prometheus to fetch. Every label takes its values from this program, never
// from a caller, so there are only so many series.
type Metrics struct {
	registry *prometheus.Registry

	calls     *prometheus.CounterVec   // by tool and outcome
	took      *prometheus.HistogramVec // by tool
	inFlight  prometheus.Gauge
	requests  *prometheus.CounterVec   // by method and status
	answered  *prometheus.HistogramVec // by method
	waited    prometheus.Histogram
	retries   *prometheus.CounterVec // by method
	throttled prometheus.Counter
}

const namespace = "dynamics_mcp"

// NewMetrics returns metrics of a program of this version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls:    counters("tool_calls_total", "Calls of tools.", "tool", "outcome"),
		took: histograms("tool_call_duration_seconds", "How long calls of tools took, waits and retries included.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 45}, "tool"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "tool_calls_in_flight", Help: "Calls of tools that are under way."}),
		requests: counters("dataverse_requests_total", "Requests sent to Dataverse, each attempt for itself, by class of the answer.", "method", "status"),
		answered: histograms("dataverse_request_duration_seconds", "How long Dataverse took to answer one attempt.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "method"),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "dataverse_wait_seconds",
			Help:    "How long requests waited for their turn, to stay below the limits of Dataverse.",
			Buckets: []float64{.001, .01, .1, .5, 1, 2.5, 5, 10, 30},
		}),
		retries:   counters("dataverse_retries_total", "Attempts after the first.", "method"),
		throttled: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "dataverse_throttled_total", Help: "Answers 429 of Dataverse."}),
	}
	m.registry.MustRegister(
		m.calls, m.took, m.inFlight, m.requests, m.answered, m.waited, m.retries, m.throttled, buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1, with the version of the program.",
		ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
}

// Handler returns the page that Prometheus fetches.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Load adds two gauges of what clients of Dataverse are at.
func (m *Metrics) Load(clients ...*dataverse.Client) {
	m.gauge("dataverse_requests_waiting", "Requests that wait for their turn.", func() (n int) {
		for _, c := range clients {
			waiting, _ := c.Load()
			n += waiting
		}
		return n
	})
	m.gauge("dataverse_requests_in_flight", "Requests that were sent and have no answer yet.", func() (n int) {
		for _, c := range clients {
			_, sent := c.Load()
			n += sent
		}
		return n
	})
}

// Clients adds two gauges of who is connected.
func (m *Metrics) Clients(sessions, streams func() int) {
	m.gauge("sessions", "Sessions of clients before 2026-07-28.", sessions)
	m.gauge("streams", "Streams on which clients hear of changes.", streams)
}

func (m *Metrics) gauge(name, help string, value func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help},
		func() float64 { return float64(value()) }))
}

// Observe implements tools.Observer.
func (m *Metrics) Observe(ctx context.Context, c tools.Call) (context.Context, func(tools.Outcome), error) {
	m.inFlight.Inc()
	return ctx, func(o tools.Outcome) {
		m.inFlight.Dec()
		m.calls.WithLabelValues(toolName(c), outcome(o)).Inc()
		m.took.WithLabelValues(toolName(c)).Observe(o.Took.Seconds())
	}, nil
}

// Watch implements dataverse.Watch.
func (m *Metrics) Watch(ctx context.Context, r dataverse.Request) (context.Context, func(dataverse.Response)) {
	return ctx, func(answer dataverse.Response) {
		for i, attempt := range answer.Attempts {
			m.requests.WithLabelValues(r.Method, statusClass(attempt.Status)).Inc()
			m.answered.WithLabelValues(r.Method).Observe(attempt.Took.Seconds())
			m.waited.Observe(attempt.Waited.Seconds())
			if i > 0 {
				m.retries.WithLabelValues(r.Method).Inc()
			}
			if attempt.Status == http.StatusTooManyRequests {
				m.throttled.Inc()
			}
		}
		if len(answer.Attempts) == 0 {
			m.requests.WithLabelValues(r.Method, "unsent").Inc()
		}
	}
}

// statusClass is 2xx and the like.
func statusClass(status int) string {
	if status < 100 || status > 599 {
		return "none"
	}
	return strconv.Itoa(status/100) + "xx"
}
