package sender

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// maxReads bounds the payloads that are read at a time: at 900 kB each these
	// are 15 MB on their way.
	maxReads = 16
	// unreadDelay is how long a task waits whose payload cannot be read.
	unreadDelay = 5 * time.Second
)

// fetch reads the event of a task that is too large to travel. It reports
// whether the task can be tried; if not, its fate is seen to.
func (o *owner) fetch(t *task, w *target) bool {
	if err := o.service.reads.Acquire(o.ctx, 1); err != nil {
		o.drop(t)
		return false
	}
	record, err := o.service.Bus.ReadAt(o.ctx, t.bundle)
	o.service.reads.Release(1)
	if err == nil {
		err = t.unpack(record)
	}
	switch {
	case err == nil:
		return true
	case o.ctx.Err() != nil:
		o.drop(t)
	case errors.Is(err, bus.ErrGone):
		o.settle(t, w, hook.FateExhausted, outcome{reason: hook.ReasonPayloadGone})
	case errors.Is(err, errNoBundle):
		o.settle(t, w, hook.FateExhausted, outcome{reason: hook.ReasonPayloadGone, detail: err.Error()})
	default:
		o.service.Log.Warn("payload cannot be read; trying again", zap.String("delivery", t.delivery), zap.Error(err))
		o.deferUntil(t, time.Now().Add(unreadDelay), causeUnread)
	}
	return false
}

var errNoBundle = errors.New("the record of deliveries is not the bundle")

// unpack takes the event out of a bundle.
func (t *task) unpack(r bus.Record) error {
	b, err := codec.ReadBundle(r.Value)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errNoBundle, r.At(), err)
	}
	part, err := b.PartOf(t.webhook, t.delivery)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errNoBundle, r.At(), err)
	}
	t.item, t.change, t.event, t.items = part.Item, part.Change, part.Event, part.Selected
	return nil
}
