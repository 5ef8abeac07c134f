package assembly

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redrive"
)

// redrives is the api's way to what is in quarantine.
type redrives struct {
	bus      *bus.Client
	producer *bus.Producer
}

// Record implements api.Redrives.
func (r redrives) Record(ctx context.Context, q hook.Quarantined) (hook.Record, error) {
	return redrive.Read(ctx, r.bus, &q)
}

// Redrive implements api.Redrives.
func (r redrives) Redrive(ctx context.Context, q hook.Quarantined, came hook.Record) error {
	record, err := redrive.Again(ctx, r.bus, &q, came, time.Now())
	if err != nil {
		return err
	}
	err = r.producer.ProduceSync(ctx, record)
	if errors.Is(err, bus.ErrNoTopic) || errors.Is(err, bus.ErrTooLarge) {
		return fmt.Errorf("%w: %w", hook.ErrNotFound, err)
	}
	return err
}
