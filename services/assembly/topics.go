package assembly

import (
	"context"
	"fmt"

	"github.com/staffetta/staffetta/pkg/bus"
)

// Topics creates the topics, or brings their settings up to date. Idempotent.
func (p *Parts) Topics(ctx context.Context, partitions, replication int) error {
	return p.Bus.EnsureTopics(ctx, bus.Topics(partitions, p.Config.EventTopics), replication)
}

// checkTopics refuses topics that are missing or differ, and returns the number
// of partitions that they were created with.
func (p *Parts) checkTopics(ctx context.Context) (partitions int, err error) {
	partitions, err = p.Bus.Partitions(ctx, bus.Deliveries)
	if err != nil {
		return 0, fmt.Errorf("%w: run `staffetta topics` first", err)
	}
	return partitions, p.Bus.CheckTopics(ctx, bus.Topics(partitions, p.Config.EventTopics))
}
