package recorder

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// roundInterval is how soon a held delivery is seen to be releasable.
	roundInterval = time.Second
	// roundLimit bounds the deliveries of one round: ten webhooks at their full
	// rate; more share it.
	roundLimit = 1000
	// finisher is the partition whose owner does what is to be done once for all:
	// it looks after the log and the usage.
	finisher = 0
)

// releaser sends held deliveries of this member's partitions on their way,
// oldest first, once their webhook is active or resuming. Those of a revoked webhook
// go too: the sender cancels them, as it does with all that is pending.
//
// A partition takes part once the log has caught up with what was in attempts a
// round ago: else a delivery could look held although its release is only not
// recorded yet. A crash between the release and Released releases it twice,
// under the same delivery id.
type releaser struct {
	service  *Service
	producer *bus.Producer
	tails    map[int]*tail
	ramp     *ramp
	// ends are where the partitions of attempts ended a round ago.
	ends map[int]int64
	// waits are the webhooks that ask for order and of which this round has left
	// something behind.
	waits map[string]bool
	// failing keeps a fault from being logged every second.
	failing bool
}

func newReleaser(s *Service, producer *bus.Producer, tails map[int]*tail) *releaser {
	return &releaser{service: s, producer: producer, tails: tails, ramp: newRamp()}
}

func (r *releaser) run(ctx context.Context) {
	ticker := time.NewTicker(roundInterval)
	defer ticker.Stop()
	for {
		err := r.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !r.failing:
			r.service.Log.Warn("releasing held deliveries failed, trying again", zap.Error(err))
		case err == nil && r.failing:
			r.service.Log.Info("releasing held deliveries goes on")
		}
		r.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-r.service.wake:
		}
	}
}

func (r *releaser) round(ctx context.Context) error {
	var caughtUp []int
	for p, t := range r.tails {
		if end, ok := r.ends[p]; ok && t.next.Load() >= end {
			caughtUp = append(caughtUp, p)
		}
	}
	held, err := r.service.Store.Releasable(ctx, caughtUp, roundLimit)
	if err != nil {
		return err
	}
	now := r.service.Now()
	r.waits = map[string]bool{}
	var left error // what one payload does must not keep the others
	for some := range slices.Chunk(r.pick(now, held), chunk) {
		unread, err := r.release(ctx, some)
		left = errors.Join(left, unread)
		if err != nil {
			return errors.Join(left, err)
		}
	}
	r.ramp.forget(now)
	if err := r.finish(ctx, caughtUp); err != nil {
		return errors.Join(left, err)
	}
	return errors.Join(left, r.look(ctx))
}

// pick takes of each webhook as many as its ramp allows.
func (r *releaser) pick(now time.Time, held []hook.Delivery) []hook.Delivery {
	byWebhook := make(map[string]int)
	for i := range held {
		byWebhook[held[i].Webhook]++
	}
	for webhook, n := range byWebhook {
		byWebhook[webhook] = r.ramp.take(webhook, now, n)
	}
	var picked []hook.Delivery
	for _, d := range held {
		if byWebhook[d.Webhook] > 0 {
			byWebhook[d.Webhook]--
			picked = append(picked, d)
		}
	}
	return picked
}

// look notes where attempts ends now. Partitions that hold no record at all
// count as caught up, wherever the log is.
func (r *releaser) look(ctx context.Context) error {
	starts, err := r.service.Bus.StartOffsets(ctx, bus.Attempts)
	if err != nil {
		return err
	}
	ends, err := r.service.Bus.EndOffsets(ctx, bus.Attempts)
	if err != nil {
		return err
	}
	for p, start := range starts {
		if ends[p] <= start {
			ends[p] = 0
		}
	}
	r.ends = ends
	return nil
}

// finish makes resuming webhooks active that have nothing held left: of the
// partitions of which the log has all that was written a round ago, so that what
// the sender held until then counts. That it knows of the resumption, its marker
// tells.
//
// What it holds between that moment and its hearing of the change is released by
// the next round, since the webhook is active; it may then come after a newer event.
func (r *releaser) finish(ctx context.Context, caughtUp []int) error {
	return r.service.Store.FinishResuming(ctx, func(webhook string) bool {
		return slices.Contains(caughtUp, bus.PartitionOf([]byte(webhook), r.service.Partitions))
	})
}
