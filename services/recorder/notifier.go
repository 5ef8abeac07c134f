package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// noticeInterval is how often the notifier looks.
	noticeInterval = time.Hour
	// expiryNotice is how long before held payloads expire members are told
	// (CONTRACT.md, "Retention").
	expiryNotice = 48 * time.Hour
	// keepNotices is how long notifications are kept: as long as the log.
	keepNotices = 90 * 24 * time.Hour
)

// notifier tells members of what nobody records: that payloads of this member's
// partitions are about to expire which held deliveries need. Notifications that
// follow from attempts are written with those.
type notifier struct {
	service *Service
	tails   map[int]*tail
}

// run looks at once and then every hour, until ctx ends. What fails is done the next
// time: there are two days for it.
func (n *notifier) run(ctx context.Context) {
	ticker := time.NewTicker(noticeInterval)
	defer ticker.Stop()
	for {
		if err := n.round(ctx); err != nil && ctx.Err() == nil {
			n.service.Log.Warn("looking for payloads that expire failed, trying again in an hour", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (n *notifier) round(ctx context.Context) error {
	s := n.service
	now := s.Now()
	written := now.Add(expiryNotice - s.Payloads)
	before, err := s.Bus.OffsetsAt(ctx, bus.Deliveries, written)
	if err != nil {
		return fmt.Errorf("payloads that expire: %w", err)
	}
	for p := range n.tails {
		if before[p] == 0 {
			continue // nothing there is so old
		}
		err = errors.Join(err, s.Store.NotifyExpiring(ctx, hook.Expiring{Partition: p, Before: before[p], Published: written}))
	}
	if _, mine := n.tails[finisher]; mine {
		err = errors.Join(err, s.Store.ForgetNotifications(ctx, now.Add(-keepNotices)))
	}
	return err
}
