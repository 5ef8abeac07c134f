package sender

import (
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/retry"
)

// astray reports whether a task's webhook lives on another partition. Nothing
// of ours writes such a record; a stranger's hand, or topics that were made anew
// with another number of partitions, do.
func (o *owner) astray(t *task) bool {
	return bus.PartitionOf([]byte(t.webhook), o.service.Partitions) != o.partition
}

// forward writes a task to the partition where its webhook's owner reads it, as
// a bundle of its own, or into a tier if it has waited before. Written twice it
// has a twin there.
func (o *owner) forward(t *task, due time.Time) {
	record := bus.Record{
		Topic: bus.Deliveries, Partition: bus.PartitionOf([]byte(t.webhook), o.service.Partitions), Key: []byte(t.account),
	}
	var err error
	if t.step == 0 {
		record.Value, err = t.asBundle()
	} else {
		tier, _ := retry.Hop(time.Now(), due, due)
		record.Topic, record.Key = tier.Topic, []byte(t.webhook)
		record.Value, record.Headers = t.forTier(due, due), t.linked()
	}
	if err != nil {
		o.service.fail(fmt.Errorf("%w: forward delivery %s: %w", errRefused, t.delivery, err))
		return
	}
	o.service.metrics.forwarded.Inc()
	o.produce(o.ctx, record, t.finished, func() {})
}
