package sender

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender/gate"
)

type metrics struct {
	fates       *prometheus.CounterVec
	duration    prometheus.Histogram
	deferred    *prometheus.CounterVec
	openings    prometheus.Counter
	hops        prometheus.Counter
	twins       prometheus.Counter
	quarantined prometheus.Counter
	recalled    prometheus.Counter
	forwarded   prometheus.Counter
	defects     prometheus.Counter
	hung        prometheus.Counter
	resets      prometheus.Counter
	partitions  prometheus.Gauge
}

func newMetrics(r prometheus.Registerer, snapshot Snapshot, b *budget, room *gate.Room) *metrics {
	m := &metrics{
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
	r.MustRegister(m.fates, m.duration, m.deferred, m.openings, m.hops, m.twins, m.quarantined, m.resets, m.partitions,
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
	return m
}

// logAttempt counts an attempt or fate and writes its one line.
func (s *Service) logAttempt(a *hook.Attempt) {
	s.metrics.fates.WithLabelValues(string(a.Fate), string(a.Reason)).Inc()
	level := zapcore.DebugLevel
	if a.Number > 0 {
		s.metrics.duration.Observe(a.Duration.Seconds())
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
