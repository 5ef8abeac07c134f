package rerun

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// Defect is the value of a record of deliveries that leads a sender, in a new run, to a
// task at which another one failed. bundle is what that one put into quarantine, at
// where it had the task from: a task of a tier may not have had its payload with it,
// and then it is read there. bus.ErrGone, ErrUnreadable.
func Defect(ctx context.Context, client *bus.Client, bundle []byte, at hook.Coordinates, now time.Time) ([]byte, error) {
	var b deliveryv1.Bundle
	if err := proto.Unmarshal(bundle, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if len(b.GetWebhooks()) != 1 {
		return nil, fmt.Errorf("%w: a task is for one webhook, not %d", ErrUnreadable, len(b.GetWebhooks()))
	}
	b.Run = After(now, hook.Delivery{Run: b.GetRun()})
	if b.GetChange() != nil {
		return proto.Marshal(&b)
	}
	record, err := client.ReadAt(ctx, at)
	if err != nil {
		return nil, err
	}
	whole, err := codec.ReadBundle(record.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	event, err := codec.DecodeChange(whole.Change)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	webhook := b.GetWebhooks()[0]
	payload, err := in(&record, &hook.Delivery{
		ID: hook.DeliveryID(event.ID, webhook, int(b.GetItem())-1), Webhook: webhook, Bundle: at,
	})
	if err != nil {
		return nil, err
	}
	to, err := payload.To(webhook, b.GetRun(), 1)
	return to.Value, err
}
