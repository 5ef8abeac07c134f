package bus

import (
	"cmp"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/retry"
)

// The names of our topics; those of the tiers are in package retry.
const (
	Deliveries = "deliveries"
	Attempts   = "attempts"
	Quarantine = "quarantine"
	// Gates holds checkpoints of the senders' gates.
	Gates = "gates"
	// Stores holds the stores that events had: its keys are accounts, its values ids.
	Stores = "stores"
	// Notices holds what operational webhooks are told of, which the recorder writes: by
	// this topic the router tells notices from what upstream publishes.
	Notices = "notices"
	// EventsPrefix begins the names of the topics that our services publish to.
	EventsPrefix = "events."
)

// EventTopics are the topics of the domain services and of REST ingest.
var EventTopics = []string{
	EventsPrefix + "receipts",
	EventsPrefix + "invoices",
	EventsPrefix + "contacts",
	EventsPrefix + "stock",
	EventsPrefix + "ingest",
}

const (
	day = 24 * time.Hour
	// PayloadRetention is how long payloads are kept, and a delivery can be replayed,
	// unless an installation says otherwise.
	PayloadRetention = 14 * day
	// QuarantineRetention is how long bad input is kept, likewise.
	QuarantineRetention = 14 * day
	// MinPayloadRetention is longer than the longest retry schedule (7 days) with its
	// jitter of a tenth: a large task in a tier is read from deliveries when it is due.
	MinPayloadRetention = 8 * day
	// MinQuarantineRetention leaves people a day to look.
	MinQuarantineRetention = day
	// keepTask is what a tier keeps a record beyond its delay: how long senders
	// may be away before a task is lost.
	keepTask = 7 * day

	mib = 1 << 20
)

// TopicSpec says how a topic is set up.
type TopicSpec struct {
	Name       string
	Partitions int
	Retention  time.Duration
	// MaxMessageBytes bounds a batch of records, as it is compressed.
	MaxMessageBytes int
	// Upstream topics belong to somebody else: they are created if they are
	// missing, else left as they are, and any partition count will do.
	Upstream bool
}

// Retention is how long the topics keep what an installation may choose.
type Retention struct {
	// Payloads is of events.*, as far as they are ours, deliveries and attempts.
	// Default: PayloadRetention; at least MinPayloadRetention.
	Payloads time.Duration
	// Quarantine is of the topic quarantine. Default: QuarantineRetention; at least
	// MinQuarantineRetention.
	Quarantine time.Duration
}

// Topics is Retention.Topics with the defaults.
func Topics(partitions int, upstream []string) []TopicSpec {
	return Retention{}.Topics(partitions, upstream)
}

// Topics are all topics that the services use, in CONTRACT.md's sizes. upstream
// names the event topics that an installation adds; those that are ours anyway
// are passed over.
func (r Retention) Topics(partitions int, upstream []string) []TopicSpec {
	payloads := cmp.Or(r.Payloads, PayloadRetention)
	var specs []TopicSpec
	known := make(map[string]bool)
	add := func(s TopicSpec) {
		if known[s.Name] {
			return
		}
		known[s.Name] = true
		s.Partitions = partitions
		specs = append(specs, s)
	}
	for _, name := range EventTopics {
		add(TopicSpec{Name: name, Retention: payloads, MaxMessageBytes: 8 * mib})
	}
	add(TopicSpec{Name: Deliveries, Retention: payloads, MaxMessageBytes: 2 * mib})
	for _, tier := range retry.Tiers {
		add(TopicSpec{Name: tier.Topic, Retention: tier.Delay + keepTask, MaxMessageBytes: 2 * mib})
	}
	add(TopicSpec{Name: Attempts, Retention: payloads, MaxMessageBytes: 2 * mib})
	add(TopicSpec{Name: Gates, Retention: keepTask, MaxMessageBytes: 2 * mib})
	add(TopicSpec{Name: Quarantine, Retention: cmp.Or(r.Quarantine, QuarantineRetention), MaxMessageBytes: 16 * mib})
	add(TopicSpec{Name: Stores, Retention: keepTask, MaxMessageBytes: 2 * mib})
	add(TopicSpec{Name: Notices, Retention: PayloadRetention, MaxMessageBytes: 2 * mib})
	for _, name := range upstream {
		add(TopicSpec{Name: name, Retention: payloads, MaxMessageBytes: 8 * mib, Upstream: true})
	}
	return specs
}

// Internal reports whether a topic is one of ours that upstream does not publish to.
func Internal(name string) bool {
	switch name {
	case Deliveries, Attempts, Gates, Quarantine, Stores, Notices:
		return true
	}
	return slices.ContainsFunc(retry.Tiers[:], func(t retry.Tier) bool { return t.Topic == name })
}
