package assembly

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	"github.com/staffetta/staffetta/pkg/rerun"
)

// redrives is the api's way to what is in quarantine.
type redrives struct {
	bus      *bus.Client
	producer *bus.Producer
}

// Record implements api.Redrives.
func (r redrives) Record(ctx context.Context, q hook.Quarantined) (hook.Record, error) {
	record, err := r.bus.ReadAt(ctx, q.At)
	switch {
	case errors.Is(err, bus.ErrGone):
		return hook.Record{}, fmt.Errorf("record %s: %w", q.ID, hook.ErrNotFound)
	case err != nil:
		return hook.Record{}, err
	}
	entry, err := quarantine.Read(&record)
	if err != nil || hook.QuarantinedID(record.At(), record.Time) != q.ID {
		// The topic was made anew, and another record is there.
		return hook.Record{}, fmt.Errorf("record %s: %w", q.ID, hook.ErrNotFound)
	}
	return entry.Record(), nil
}

// Redrive implements api.Redrives.
func (r redrives) Redrive(ctx context.Context, q hook.Quarantined, came hook.Record) error {
	record := bus.Record{Topic: q.Source.Topic, Partition: q.Source.Partition, Key: came.Key, Value: came.Value}
	for _, h := range came.Headers {
		record.Headers = append(record.Headers, bus.Header{Key: h.Name, Value: []byte(h.Value)})
	}
	if q.Reason == quarantine.ReasonDefect {
		value, err := rerun.Defect(ctx, r.bus, came.Value, q.Source, time.Now())
		if rerun.Gone(err) {
			return fmt.Errorf("payload of %s: %w", q.ID, hook.ErrNotFound)
		}
		if err != nil {
			return err
		}
		record.Value = value
	}
	err := r.producer.ProduceSync(ctx, record)
	if errors.Is(err, bus.ErrNoTopic) || errors.Is(err, bus.ErrTooLarge) {
		return fmt.Errorf("%w: %w", hook.ErrNotFound, err)
	}
	return err
}
