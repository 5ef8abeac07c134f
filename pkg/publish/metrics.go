package publish

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/database"
)

const (
	// measureEvery is how often the leader counts the rows.
	measureEvery = 5 * time.Second
	// measureShare is how many times longer than a count the pause after it is:
	// of a long backlog, counting takes 2 % of the time.
	measureShare = 50
)

// meter is what a relay tells of its outbox. Replicas that do not lead tell 0.
type meter struct {
	leading  prometheus.Gauge
	backlog  prometheus.Gauge
	refused  prometheus.Gauge
	relayed  prometheus.Counter
	setAside prometheus.Counter
	age      prometheus.GaugeFunc
	// oldest is when the oldest row was written, in Unix microseconds; 0: none.
	oldest atomic.Int64
}

func newMeter(outbox string) *meter {
	labels := prometheus.Labels{"outbox": outbox}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
	}
	m := &meter{
		leading:  gauge("staffetta_outbox_leader", "1 where this process relays the outbox; one replica does."),
		backlog:  gauge("staffetta_outbox_backlog_rows", "Events that wait in the outbox, where this process leads, else 0."),
		refused:  gauge("staffetta_outbox_refused_rows", "Events that Kafka refused and that wait for a person, where this process leads, else 0."),
		relayed:  counter("staffetta_outbox_relayed_total", "Events that Kafka acknowledged and that were deleted from the outbox."),
		setAside: counter("staffetta_outbox_refused_total", "Events that Kafka refused and that were set aside."),
	}
	m.age = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "staffetta_outbox_oldest_seconds",
		Help:        "Age of the oldest event that waits in the outbox, where this process leads, else 0.",
		ConstLabels: labels,
	}, func() float64 {
		oldest := m.oldest.Load()
		if oldest == 0 {
			return 0
		}
		return max(0, time.Since(database.Time(oldest)).Seconds())
	})
	return m
}

func (m *meter) all() []prometheus.Collector {
	return []prometheus.Collector{m.leading, m.backlog, m.refused, m.relayed, m.setAside, m.age}
}

func (m *meter) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range m.all() {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("relay: metrics: %w", err)
		}
	}
	return nil
}

func (m *meter) unregister(r prometheus.Registerer) {
	if r == nil {
		return
	}
	for _, c := range m.all() {
		r.Unregister(c)
	}
}

func (m *meter) leads(leads bool) {
	if leads {
		m.leading.Set(1)
		return
	}
	m.leading.Set(0)
	m.show(0, 0, 0)
}

func (m *meter) settled(out outcome) {
	m.relayed.Add(float64(len(out.acknowledged)))
	m.setAside.Add(float64(len(out.refused)))
}

func (m *meter) show(backlog, refused, oldest int64) {
	m.backlog.Set(float64(backlog))
	m.refused.Set(float64(refused))
	m.oldest.Store(oldest)
}

// measure counts the rows from time to time, until ctx ends. Nobody counts for
// nobody.
func (r *Relay) measure(ctx context.Context) {
	if r.cfg.Metrics == nil {
		return
	}
	for ctx.Err() == nil {
		began := time.Now()
		var backlog, refused, oldest int64
		counting, cancel := context.WithTimeout(ctx, querySpan)
		err := r.cfg.DB.QueryRowContext(counting, `SELECT count(*) FILTER (WHERE refused IS NULL),
			count(*) FILTER (WHERE refused IS NOT NULL), coalesce(min(written_at) FILTER (WHERE refused IS NULL), 0)
			FROM `+r.cfg.Outbox.table()).Scan(&backlog, &refused, &oldest)
		cancel()
		switch {
		case err == nil:
			r.meter.show(backlog, refused, oldest)
		case !errors.Is(err, context.Canceled):
			r.cfg.Log.Warn("outbox not counted", zap.Error(err))
		}
		sleep(ctx, max(measureEvery, measureShare*time.Since(began)), nil)
	}
}
