package recorder

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/staffetta/staffetta/pkg/hook"
)

type metrics struct {
	records     *prometheus.CounterVec
	writes      prometheus.Histogram
	delay       prometheus.Histogram
	failures    prometheus.Counter
	quarantined prometheus.Counter
	skipped     *prometheus.CounterVec
	resets      prometheus.Counter
	released    prometheus.Counter
	expired     prometheus.Counter
	replayed    prometheus.Counter
	redriven    *prometheus.CounterVec
	registered  *prometheus.CounterVec
	refused     prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_recorder_records_total", Help: "Records written to the log, by fate.",
		}, []string{"fate"}),
		writes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "staffetta_recorder_write_seconds", Help: "Time to write one batch to the log, with repetitions.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 60, 600},
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "staffetta_recorder_delay_seconds",
			Help:    "Time from the end of an attempt, or from a fate without one, until it is in the log.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600},
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_failures_total", Help: "Failed tries to read or write, each tried again.",
		}),
		quarantined: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_quarantined_total", Help: "Records of attempts that could not be read.",
		}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_recorder_skipped_records_total",
			Help: "Records that are no input: control records, and records of aborted transactions.",
		}, []string{"kind"}),
		resets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_offset_resets_total",
			Help: "Times that retention deleted attempts before they were recorded.",
		}),
		released: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_released_total", Help: "Held deliveries that were sent on their way.",
		}),
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_expired_total", Help: "Held deliveries whose payload Kafka no longer had.",
		}),
		replayed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_replayed_total", Help: "Deliveries that replays handed to the senders.",
		}),
		redriven: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_recorder_redriven_total",
			Help: "Records of quarantine that redrives sent again, or could not, by outcome: sent, or why not.",
		}, []string{"outcome"}),
		registered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_recorder_registered_total",
			Help: "Records of quarantine that were listed, and stores of events that were looked up, by topic.",
		}, []string{"topic"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_recorder_stores_refused_total",
			Help: "Times that a store of an event was not added, as its account has too many.",
		}),
	}
	r.MustRegister(m.records, m.writes, m.delay, m.failures, m.quarantined, m.skipped, m.resets, m.released, m.expired, m.replayed,
		m.redriven, m.registered, m.refused)
	return m
}

// count takes note of what was written to the log.
func (m *metrics) count(records []hook.Recorded, now time.Time) {
	byFate := make(map[hook.Fate]int)
	for i := range records {
		a := &records[i].Attempt
		byFate[a.Fate]++
		m.delay.Observe(max(0, now.Sub(a.At.Add(a.Duration)).Seconds()))
	}
	for fate, n := range byFate {
		m.records.WithLabelValues(string(fate)).Add(float64(n))
	}
}

func (m *metrics) onSkipped(_ string, control, aborted int) {
	m.skipped.WithLabelValues("control").Add(float64(control))
	m.skipped.WithLabelValues("aborted").Add(float64(aborted))
}
