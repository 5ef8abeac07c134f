package recorder

import (
	"context"
	"errors"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/rerun"
)

// logWalk goes through the deliveries that the log has of a webhook.
type logWalk struct {
	*replaying
	// page are the next ones: a second's at most, since what is delivered by
	// itself meanwhile is to be left out.
	page     []hook.Delivery
	payloads *payloads
}

func (w *logWalk) begin(ctx context.Context, p *hook.ReplayProgress) (err error) {
	p.Total, err = w.service.Store.CountReplay(ctx, w.replay)
	return err
}

func (w *logWalk) close() {}

func (w *logWalk) next(ctx context.Context, p *hook.ReplayProgress, limit int) (found []repeat, ended bool, err error) {
	var due []hook.Delivery
	for scanned := 0; len(due) < min(limit, chunk) && scanned < scanLimit; scanned++ {
		d, more, err := w.pass(ctx, p)
		if err != nil {
			return nil, false, err
		}
		if !more {
			ended = true
			break
		}
		if w.repeats(&d) {
			due = append(due, d)
		}
	}
	due, payloads, left := w.payloads.read(ctx, due, map[string]bool{})
	if left != nil {
		return nil, false, left
	}
	for i := range due {
		one, wanted, err := w.repeat(ctx, &due[i], payloads[i])
		if err != nil {
			return nil, false, err
		}
		if wanted {
			found = append(found, one)
		}
	}
	return found, ended, nil
}

// pass moves by one delivery; more is false at the end.
func (w *logWalk) pass(ctx context.Context, p *hook.ReplayProgress) (d hook.Delivery, more bool, err error) {
	if len(w.page) == 0 {
		place := w.replay
		place.Progress = *p
		if w.page, err = w.service.Store.ReplayDeliveries(ctx, place, w.replay.Rate); err != nil || len(w.page) == 0 {
			return hook.Delivery{}, false, err
		}
	}
	d, w.page = w.page[0], w.page[1:]
	p.Done, p.At, p.Delivery = p.Done+1, d.Published, d.ID
	return d, true, nil
}

// repeats reports whether a delivery of the source is to be made again. Own ones
// are not that have this run or a newer one: a recorder before was here, or
// somebody has asked for it again since.
func (w *logWalk) repeats(d *hook.Delivery) bool {
	if w.own() && d.Run >= w.replay.Run {
		return false
	}
	return w.covers(&hook.Event{Type: d.EventType, ItemType: d.ItemType, Store: d.Store})
}

// repeat makes a delivery of the source one of the webhook that receives. payload
// is nil if it is gone.
func (w *logWalk) repeat(ctx context.Context, d *hook.Delivery, payload *rerun.Payload) (one repeat, wanted bool, err error) {
	if payload == nil {
		one, err = w.gone(ctx, d)
		return one, err == nil, err
	}
	one, wanted, err = w.lead(ctx, payload)
	if w.own() {
		one.row = d
	}
	return one, wanted, err
}

// gone ends a delivery whose payload is gone, unless it had come to a good end.
func (w *logWalk) gone(ctx context.Context, d *hook.Delivery) (repeat, error) {
	ends, err := w.receiving(ctx, d)
	if err != nil || ends == nil || ends.Status == hook.FateDelivered {
		return repeat{gone: true}, err
	}
	return repeat{gone: true, record: rerun.Expired(ends, w.replay.Run, w.service.Now(), w.service.Partitions)}, nil
}

// receiving is what the webhook that receives had of a delivery of the source; nil if
// the log has no such thing, or one of the two is made of one item, or of each:
// which that would be, only the payload says.
func (w *logWalk) receiving(ctx context.Context, d *hook.Delivery) (*hook.Delivery, error) {
	switch {
	case w.own():
		return d, nil
	case w.webhook.Format.PerItem() || d.ID != hook.DeliveryID(d.Event, d.Webhook, -1):
		return nil, nil
	}
	had, err := w.service.Store.Delivery(ctx, d.Account, hook.DeliveryID(d.Event, w.replay.Webhook, -1))
	if errors.Is(err, hook.ErrNotFound) {
		return nil, nil
	}
	return &had, err
}
