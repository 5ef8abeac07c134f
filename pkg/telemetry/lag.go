package telemetry

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lagInterval is how old the ends are that a lag is computed from: a request to each
// broker for each topic.
const lagInterval = 5 * time.Second

// Position is how far a consumer has got in one partition.
type Position struct {
	Topic     string
	Partition int
	// Next is the offset of the first record that is not done; negative if nothing was
	// ever read.
	Next int64
}

// Lag shows how far a consumer group is behind, in the partitions that this process
// has: the gauge staffetta_consumer_lag_records. It is a prometheus.Collector.
type Lag struct {
	positions func() []Position
	ends      func(ctx context.Context, topic string) (map[int]int64, error)
	records   *prometheus.Desc

	mu    sync.Mutex
	known map[string]map[int]int64
}

// NewLag shows the lag of a group. positions tells where this process is, ends where
// the partitions of a topic end.
func NewLag(group string, positions func() []Position, ends func(context.Context, string) (map[int]int64, error)) *Lag {
	return &Lag{
		positions: positions, ends: ends, known: map[string]map[int]int64{},
		records: prometheus.NewDesc("staffetta_consumer_lag_records",
			"Records of a partition that its consumer is not done with; in a tier, those that wait for their time too.",
			[]string{"topic", "partition"}, prometheus.Labels{"group": group}),
	}
}

// Run keeps the ends current until ctx ends. While Kafka is away the last ones hold.
func (l *Lag) Run(ctx context.Context) {
	tick := time.NewTicker(lagInterval)
	defer tick.Stop()
	for {
		l.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *Lag) look(ctx context.Context) {
	looked := map[string]bool{}
	for _, at := range l.positions() {
		if looked[at.Topic] {
			continue
		}
		looked[at.Topic] = true
		asking, cancel := context.WithTimeout(ctx, lagInterval)
		ends, err := l.ends(asking, at.Topic)
		cancel()
		if err != nil {
			continue // whoever reads the topic says so in the log
		}
		l.mu.Lock()
		l.known[at.Topic] = ends
		l.mu.Unlock()
	}
}

// End is where a partition ended lately; false if that is not known yet.
func (l *Lag) End(topic string, partition int) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end, ok := l.known[topic][partition]
	return end, ok
}

// Describe implements prometheus.Collector.
func (l *Lag) Describe(to chan<- *prometheus.Desc) { to <- l.records }

// Collect implements prometheus.Collector.
func (l *Lag) Collect(to chan<- prometheus.Metric) {
	for _, at := range l.positions() {
		if end, ok := l.End(at.Topic, at.Partition); ok {
			to <- prometheus.MustNewConstMetric(l.records, prometheus.GaugeValue,
				float64(max(0, end-max(0, at.Next))), at.Topic, strconv.Itoa(at.Partition))
		}
	}
}
