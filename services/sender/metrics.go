package sender

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/sender/gate"
)

type metrics struct {
	fates    *prometheus.CounterVec
	duration prometheus.Histogram
	// punctual and late are first attempts, those that were never deferred and the
	// others, by how long after the publication they began.
	punctual, late prometheus.Observer
	delivery       prometheus.Histogram
	quota          *prometheus.CounterVec
	deferred       *prometheus.CounterVec
	openings       prometheus.Counter
	hops           prometheus.Counter
	twins          prometheus.Counter
	quarantined    prometheus.Counter
	recalled       prometheus.Counter
	forwarded      prometheus.Counter
	defects        prometheus.Counter
	hung           prometheus.Counter
	resets         prometheus.Counter
	partitions     prometheus.Gauge
}

func newMetrics(r prometheus.Registerer, snapshot Snapshot, b *budget, room *gate.Room) *metrics {
	first := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "staffetta_sender_first_attempt_delay_seconds",
		Help: "Time from an event's publication to the start of a delivery's first attempt; deferred: true, if it had to wait for its receiver, a limit or its turn.",
		// With 1 s, which the objective is about.
		Buckets: []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600},
	}, []string{"deferred"})
	m := &metrics{
		punctual: first.WithLabelValues("false"), late: first.WithLabelValues("true"),
		delivery: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "staffetta_sender_delivery_seconds", Help: "Time from an event's publication to its receiver's 2xx.",
			Buckets: []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600, 21600, 86400},
		}),
		quota: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_sender_quota_calls_total", Help: "Calls that deliveries asked of their account's quota, by outcome: taken, refused.",
		}, []string{"outcome"}),
		fates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_sender_fates_total", Help: "What became of tasks, by fate and reason.",
		}, []string{"fate", "reason"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "staffetta_sender_request_duration_seconds", Help: "Duration of requests to receivers.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30},
		}),
		deferred: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "staffetta_sender_deferred_total", Help: "Tasks parked untried, by cause.",
		}, []string{"cause"}),
		recalled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_recalled_total", Help: "Tasks that the owner before had seen to, found at a takeover.",
		}),
		forwarded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_forwarded_total", Help: "Tasks read from a partition that is not their webhook's, and sent there.",
		}),
		defects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_defects_total", Help: "Tasks put into quarantine because the sender failed at them.",
		}),
		hung: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_hung_partitions_total", Help: "Partitions that hung and were begun anew.",
		}),
		openings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_breaker_openings_total", Help: "Times that the breaker of a webhook opened.",
		}),
		hops: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_hops_total", Help: "Tasks sent on from one tier to the next.",
		}),
		twins: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_twins_total", Help: "Tasks that were written twice and dropped.",
		}),
		quarantined: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_quarantined_total", Help: "Records of deliveries and tiers that are no tasks.",
		}),
		resets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "staffetta_sender_offset_resets_total", Help: "Times that retention deleted records before they were read.",
		}),
		partitions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "staffetta_sender_partitions", Help: "Partitions that this sender owns.",
		}),
	}
	r.MustRegister(m.fates, m.duration, first, m.delivery, m.quota, m.deferred, m.openings, m.hops, m.twins, m.quarantined, m.resets, m.partitions,
		m.recalled, m.forwarded, m.defects, m.hung,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "staffetta_sender_in_flight", Help: "Tasks that are handed out and not decided for good.",
		}, func() float64 { return float64(b.used.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "staffetta_sender_gate_entries", Help: "Unfinished deliveries of webhooks that ask for order or coalescing.",
		}, func() float64 { return float64(room.Entries()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "staffetta_sender_snapshot_versions",
			Help: "Sum of the versions of all accounts known; the same everywhere once a change is live.",
		}, func() float64 { return float64(snapshot.Versions()) }))
	m.begin()
	return m
}

// begin makes series of what did not happen yet, so that rates are 0 and not unknown.
func (m *metrics) begin() {
	m.fates.WithLabelValues(string(hook.FateDelivered), "")
	for reason := range consequences {
		if reason != hook.ReasonNone {
			m.fates.WithLabelValues(string(hook.FateRetrying), string(reason))
		}
	}
	for _, why := range []cause{
		causeFull, causeProbing, causeRate, causeOpen, causeAsked, causeQuota, causeUnseen, causeUnread, causeSecret, causeOrder, causeLocal,
	} {
		m.deferred.WithLabelValues(string(why))
	}
	m.quota.WithLabelValues("taken")
	m.quota.WithLabelValues("refused")
}

// measure takes note of how long an attempt took, and how long after the publication it
// was. Only what happens to an event the first time says how fast we are.
func (m *metrics) measure(a *hook.Attempt, sampled bool) {
	exemplar := ""
	if sampled {
		exemplar = a.TraceID
	}
	telemetry.ObserveTrace(m.duration, a.Duration.Seconds(), exemplar)
	if a.Test || a.Run != 0 || a.Published.IsZero() {
		return
	}
	// Kafka's clock and ours may differ.
	delay := max(0, a.At.Sub(a.Published))
	if a.Number == 1 {
		first := m.punctual
		if a.Step > 0 {
			first = m.late
		}
		telemetry.ObserveTrace(first, delay.Seconds(), exemplar)
	}
	if a.Fate == hook.FateDelivered {
		telemetry.ObserveTrace(m.delivery, (delay + a.Duration).Seconds(), exemplar)
	}
}

// logAttempt counts an attempt or fate and writes its one line. sampled says that
// somebody records its trace.
func (s *Service) logAttempt(a *hook.Attempt, sampled bool) {
	s.metrics.fates.WithLabelValues(string(a.Fate), string(a.Reason)).Inc()
	level := zapcore.DebugLevel
	if a.Number > 0 {
		s.metrics.measure(a, sampled)
	}
	if a.Fate != hook.FateDelivered {
		level = zapcore.InfoLevel
	}
	entry := s.Log.Check(level, "attempt")
	if entry == nil {
		return
	}
	entry.Write(
		zap.String("delivery", a.Delivery), zap.Int64("run", a.Run), zap.Int("attempt", a.Number),
		zap.String("fate", string(a.Fate)), zap.String("reason", string(a.Reason)), zap.String("detail", a.Detail),
		zap.String("account", a.Account), zap.String("webhook", a.Webhook), zap.String("event", a.Event),
		zap.String("itemType", a.ItemType), zap.Int("status", a.StatusCode), zap.Duration("duration", a.Duration),
		zap.Time("due", a.Due), zap.String("url", a.URL), zap.String("traceId", a.TraceID),
	)
}
