package sender

import (
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// observer shows what the owners have when somebody looks, as a prometheus.Collector:
// it costs nothing in between. No metric names a webhook, of which there are without
// number.
type observer struct{ service *Service }

var (
	lanesDesc = prometheus.NewDesc("staffetta_sender_lanes",
		"Lanes, each of one webhook that was delivered to lately, by what their receivers' answers say: unknown, proven, suspect.",
		[]string{"trust"}, nil)
	laneTasksDesc = prometheus.NewDesc("staffetta_sender_lane_tasks",
		"Tasks in lanes: queued, and running, which are requests under way.", []string{"state"}, nil)
	breakersDesc = prometheus.NewDesc("staffetta_sender_breakers",
		"Breakers of the lanes, by state.", []string{"state"}, nil)
	oldestDesc = prometheus.NewDesc("staffetta_sender_oldest_undelivered_seconds",
		"Age of the oldest task of a partition that is due and has no fate: since deliveries got it, or since its next attempt was due.",
		[]string{"partition"}, nil)
)

// Describe implements prometheus.Collector.
func (o observer) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lanesDesc, laneTasksDesc, breakersDesc, oldestDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (o observer) Collect(to chan<- prometheus.Metric) {
	now := time.Now()
	gauge := func(d *prometheus.Desc, value float64, label string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, label)
	}
	seen := laneCount{trust: map[trust]int{}, breakers: map[circuit]int{}}
	for _, own := range o.service.owned() {
		for _, l := range own.allLanes() {
			seen.add(l, now)
		}
		gauge(oldestDesc, own.oldest(now).Seconds(), strconv.Itoa(own.partition))
	}
	for _, t := range []trust{unknown, proven, suspect} {
		gauge(lanesDesc, float64(seen.trust[t]), t.String())
	}
	for _, state := range []circuit{circuitClosed, circuitOpen, circuitHalfOpen} {
		gauge(breakersDesc, float64(seen.breakers[state]), string(state))
	}
	gauge(laneTasksDesc, float64(seen.queued), "queued")
	gauge(laneTasksDesc, float64(seen.running), "running")
}

type laneCount struct {
	trust           map[trust]int
	breakers        map[circuit]int
	queued, running int
}

func (c *laneCount) add(l *lane, now time.Time) {
	l.mu.Lock()
	c.trust[l.trust]++
	c.queued += l.queued()
	c.running += l.running.Len()
	l.mu.Unlock()
	c.breakers[l.breaker.shown(now)]++
}

// owned are the owners at this moment.
func (s *Service) owned() []*owner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.owners))
}

// Positions are how far the sender got in the partitions that it has.
func (s *Service) Positions() (all []telemetry.Position) {
	for _, o := range s.owned() {
		for topic, tracker := range o.trackers {
			all = append(all, telemetry.Position{Topic: topic, Partition: o.partition, Next: tracker.Watermark()})
		}
	}
	return all
}

// reading is how far an owner has read deliveries.
type reading struct {
	// next is the offset to be read next, and at when deliveries got the last record
	// that was read, in Unix milliseconds.
	next, at atomic.Int64
	// current is when it was last seen that nothing was left to be read.
	current atomic.Int64
}

func (r *reading) note(b *bus.Batch) {
	r.next.Store(b.Next)
	if n := len(b.Records); n > 0 {
		r.at.Store(b.Records[n-1].Time.UnixMilli())
	}
}

// since is the earliest that a record can be from which is not read yet, deliveries
// ending at end; zero: there is none.
func (r *reading) since(end int64, now time.Time) time.Time {
	if r.next.Load() >= end {
		r.current.Store(now.UnixMilli())
		return time.Time{}
	}
	return time.UnixMilli(max(r.at.Load(), r.current.Load()))
}

// oldest is the age of the oldest task that is due and has no fate; 0: there is none.
func (o *owner) oldest(now time.Time) (age time.Duration) {
	if since := o.memory.since(); !since.IsZero() {
		age = now.Sub(since)
	}
	end, known := o.service.lag.End(bus.Deliveries, o.partition)
	if !known || o.read.next.Load() == 0 {
		return max(0, age)
	}
	if since := o.read.since(end, now); !since.IsZero() {
		age = max(age, now.Sub(since))
	}
	return max(0, age)
}
