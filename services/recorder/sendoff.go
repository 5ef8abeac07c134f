package recorder

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/notice"
)

const (
	// sendoffInterval is how soon a notification is on its way to operational
	// webhooks.
	sendoffInterval = time.Second
	// sendoffLimit bounds the notifications of one step: at some 500 bytes each they
	// are 250 kB.
	sendoffLimit = 500
)

// sendoff writes what members are told to the topic notices, in the order of the
// notifications' numbers, for the router to find the operational webhooks that want
// it. One recorder does so, that which has the partition finisher.
//
// The number that it got to is noted after Kafka has acknowledged: a crash in between,
// or a member that does not know yet that another goes on, writes some twice. These
// have the ids that they had, so a sender posts them once if it still remembers them,
// and a receiver knows them by webhook-id.
type sendoff struct {
	service  *Service
	producer *bus.Producer
	// sent is the number up to which all was written, and noted the one that the store
	// has; negative: not read yet. They differ while the store is away: nothing is
	// written again for that.
	sent, noted int64
	// failing keeps a fault from being logged every second.
	failing bool
}

func newSendoff(s *Service, producer *bus.Producer) *sendoff {
	return &sendoff{service: s, producer: producer, sent: -1, noted: -1}
}

func (s *sendoff) run(ctx context.Context) {
	ticker := time.NewTicker(sendoffInterval)
	defer ticker.Stop()
	for {
		more, err := s.step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !s.failing:
			s.service.Log.Warn("sending notices to operational webhooks failed, trying again", zap.Error(err))
		case err == nil && s.failing:
			s.service.Log.Info("sending notices to operational webhooks goes on")
		}
		s.failing = err != nil
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// step sends the next notifications; more says that there may be others.
func (s *sendoff) step(ctx context.Context) (more bool, err error) {
	if s.noted < 0 {
		from, err := s.service.Store.NoticesSent(ctx)
		if err != nil {
			return false, err
		}
		s.sent, s.noted = from, from
	}
	if err := s.note(ctx); err != nil {
		return false, err
	}
	list, next, err := s.service.Store.NoticesAfter(ctx, s.sent, sendoffLimit)
	if err != nil || next == s.sent {
		return false, err
	}
	if err := s.produce(ctx, list); err != nil {
		return false, err
	}
	s.sent = next
	return true, s.note(ctx)
}

// note has the store know what was sent.
func (s *sendoff) note(ctx context.Context) error {
	if s.noted == s.sent {
		return nil
	}
	if err := s.service.Store.NoteNoticesSent(ctx, s.sent); err != nil {
		return err
	}
	s.noted = s.sent
	return nil
}

// produce returns once Kafka has acknowledged all of them.
func (s *sendoff) produce(ctx context.Context, list []hook.Notification) error {
	if len(list) == 0 {
		return nil
	}
	records := make([]bus.Record, len(list))
	for i := range list {
		records[i] = notice.Record(list[i])
	}
	return s.producer.ProduceSync(ctx, records...)
}
