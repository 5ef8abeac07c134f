package assembly

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
)

// Topics creates the topics, or brings their settings up to date. Idempotent.
func (p *Parts) Topics(ctx context.Context, partitions, replication int) error {
	if err := p.awaitKafka(ctx); err != nil {
		return err
	}
	return p.Bus.EnsureTopics(ctx, p.topics(partitions), replication)
}

// checkTopics waits for Kafka, refuses topics that are missing or differ, and
// returns the number of partitions that they were created with.
func (p *Parts) checkTopics(ctx context.Context) (partitions int, err error) {
	if err := p.awaitKafka(ctx); err != nil {
		return 0, err
	}
	partitions, err = p.Bus.Partitions(ctx, bus.Deliveries)
	if err != nil {
		return 0, fmt.Errorf("%w: run `staffetta topics` first", err)
	}
	return partitions, p.Bus.CheckTopics(ctx, p.topics(partitions))
}

// lookAtTopics is checkTopics for services that work without Kafka: while it is
// away they start all the same.
func (p *Parts) lookAtTopics(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := p.Bus.Ping(asking); err != nil {
		p.Log.Warn("kafka does not answer; starting without a look at its topics", zap.Error(err))
		return nil
	}
	_, err := p.checkTopics(ctx)
	return err
}

// lookTimeout is how long the start of a service that works without Kafka may
// wait for it.
const lookTimeout = 3 * time.Second

func (p *Parts) awaitKafka(ctx context.Context) error {
	return await(ctx, p.Log, "kafka", func() error { return p.Bus.Ping(ctx) })
}

// routed are the topics that the router reads: events, and notices of ours.
func (p *Parts) routed() []string {
	events := slices.DeleteFunc(p.eventTopics(), func(topic string) bool { return topic == bus.Notices })
	return append(events, bus.Notices)
}

// eventTopics are those of the domain services and of the installation, each once.
func (p *Parts) eventTopics() []string {
	topics := slices.Clone(bus.EventTopics)
	for _, topic := range p.Config.EventTopics {
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// topics are all of them, as the installation wants them.
func (p *Parts) topics(partitions int) []bus.TopicSpec {
	keep := bus.Retention{Payloads: p.Config.PayloadRetention, Quarantine: p.Config.QuarantineRetention}
	return keep.Topics(partitions, p.Config.EventTopics)
}
