package router

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/staffetta/staffetta/pkg/codec"
)

type metrics struct {
	events      prometheus.Counter
	deliveries  prometheus.Counter
	routing     prometheus.Histogram
	quarantined *prometheus.CounterVec
	skipped     *prometheus.CounterVec
	resets      prometheus.Counter
	// filterErrors counts items for which a filter had no answer.
	filterErrors prometheus.Counter
	snapshot     prometheus.Gauge
	waiting      prometheus.Gauge
	// sightings counts what the recorder was told.
	sightings prometheus.Counter
}

func newMetrics(r prometheus.Registerer, snapshot Snapshot) *metrics {
	m := &metrics{
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_router_events_total", Help: "Records read from the event topics.",
		}),
		deliveries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_router_deliveries_total", Help: "Deliveries that matched and were handed to the senders.",
		}),
		routing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "staffetta_router_routing_seconds",
			Help:    "Time from an event's arrival in Kafka to the acknowledgement of its deliveries.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600},
		}),
		quarantined: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_router_quarantined_total", Help: "Records put into quarantine, by reason.",
		}, []string{"reason"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_router_skipped_records_total",
			Help: "Records that are no input: control records, and records of aborted transactions.",
		}, []string{"kind"}),
		resets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_router_offset_resets_total",
			Help: "Times that retention deleted records before they were read.",
		}),
		filterErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_router_filter_errors_total",
			Help: "Items that a webhook did not get because its filter had no answer for them, counted for each webhook.",
		}),
		sightings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_router_store_sightings_total",
			Help: "Stores of events that the recorder was told of; each is told again after some minutes.",
		}),
		snapshot: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "staffetta_router_snapshot_ready",
			Help: "1 once a complete snapshot of the webhooks has been read; until then the router waits.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "staffetta_router_waiting_records",
			Help: "Records of accounts that are not in the snapshot, which wait until it is known to be newer than they are.",
		}),
	}
	r.MustRegister(m.events, m.deliveries, m.routing, m.quarantined, m.skipped, m.resets, m.filterErrors, m.sightings, m.snapshot, m.waiting,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "staffetta_router_snapshot_versions",
			Help: "Sum of the versions of all accounts known; the same everywhere once a change is live.",
		}, func() float64 { return float64(snapshot.Versions()) }))
	m.begin()
	return m
}

// begin makes series of what did not happen yet: of a counter that is first seen at 1
// Prometheus knows no increase, so nobody would be alerted of the first of a kind.
func (m *metrics) begin() {
	for _, reason := range codec.Reasons {
		m.quarantined.WithLabelValues(string(reason))
	}
	for _, reason := range []string{reasonUnknownAccount, reasonBreaksSchema, reasonUnencodable, reasonUndecodable} {
		m.quarantined.WithLabelValues(reason)
	}
}

func (m *metrics) onSkipped(_ string, control, aborted int) {
	m.skipped.WithLabelValues("control").Add(float64(control))
	m.skipped.WithLabelValues("aborted").Add(float64(aborted))
}
