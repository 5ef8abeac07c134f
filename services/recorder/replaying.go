package recorder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/filter"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/rerun"
)

const (
	// replayTick is how often a replay goes on: a fifth of its rate at a time. Each
	// time costs reading, writing, and waking up everybody on the way, so many a second
	// are felt by live traffic more than what comes together now and then.
	replayTick = 200 * time.Millisecond
	// replayBurst is how much of its rate a replay that was late may make up for.
	replayBurst = 250 * time.Millisecond
	// awaitInterval is how often is looked whether a replay can begin.
	awaitInterval = 200 * time.Millisecond
	// ackGrace is how long a replay that ends waits for acknowledgements.
	ackGrace = time.Second
	// noteInterval is how often its progress is noted: the most that it repeats
	// after a crash, and how soon it hears that its webhook changed.
	noteInterval = time.Second
)

// walk finds what a replay delivers, in order.
type walk interface {
	// begin looks at the whole range, and notes its size in p.
	begin(ctx context.Context, p *hook.ReplayProgress) error
	// next goes on from where p is, moves it, and returns what it passed that is
	// to be delivered: at most limit, and no more than fits into memory. ended says
	// that nothing is left.
	next(ctx context.Context, p *hook.ReplayProgress, limit int) (found []repeat, ended bool, err error)
	close()
}

// repeat is what a replay makes of one delivery or event.
type repeat struct {
	// record leads a sender to it, or ends it, if it is gone; one without a topic
	// is none.
	record bus.Record
	gone   bool
	// deliveries is how many there are in the record: of each item one, if the
	// webhook's format is so.
	deliveries int
	// row is what the log has of it, if the log is to show at once that it waits
	// again.
	row *hook.Delivery
}

// replaying is one replay under way. Everything is written in the replay's run,
// so that what a crash makes it write twice is posted once, and the progress is
// noted after Kafka has acknowledged, so that nothing is passed over.
type replaying struct {
	service  *Service
	producer *bus.Producer
	tail     *tail
	replay   hook.Replay
	webhook  hook.Webhook // as of the last note
	filter   *filter.Filter
	schemas  itemSchemas // of a replay without source
	walk     walk
	pace     pace
	// handed are rows of what was handed to the senders since the last note.
	handed []hook.Delivery
	noted  time.Time
}

func newReplaying(s *Service, producer *bus.Producer, t *tail, replay hook.Replay) *replaying {
	r := &replaying{service: s, producer: producer, tail: t, replay: replay}
	if replay.Source != "" {
		r.walk = &logWalk{replaying: r, payloads: newPayloads(s)}
	} else {
		r.walk = &eventWalk{replaying: r}
	}
	return r
}

// run replays until the end, or until ctx ends, which is no error. ErrStale:
// it was cancelled, or another member runs it.
func (r *replaying) run(ctx context.Context) error {
	defer r.walk.close()
	if going, err := r.look(ctx); err != nil || !going {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	err := r.paced(ctx)
	if errors.Is(err, hook.ErrStale) || r.replay.State != hook.ReplayRunning {
		return err
	}
	// Whoever goes on shall repeat as little as can be.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return errors.Join(err, r.note(closing))
}

// begin waits for what the replay needs, and looks at the whole range, once.
func (r *replaying) begin(ctx context.Context) error {
	if err := r.await(ctx); err != nil {
		return err
	}
	now := r.service.Now()
	r.pace, r.noted = pace{since: now, last: now}, now
	if r.replay.Progress.Begun {
		return nil
	}
	// As in rerun.After: another member's clock may have been ahead.
	newest, err := r.service.Store.NewestRun(ctx, r.replay)
	if err != nil {
		return err
	}
	r.replay.Run = max(r.replay.Run, newest+1)
	if err := r.walk.begin(ctx, &r.replay.Progress); err != nil {
		return err
	}
	r.replay.Progress.Begun = true
	r.service.Log.Info("a replay begins", zap.String("replay", r.replay.ID), zap.String("account", r.replay.Account),
		zap.String("webhook", r.replay.Webhook), zap.Int64("total", r.replay.Progress.Total))
	return r.note(ctx)
}

// await waits until the log has what was in attempts, of the webhook that leads and
// of the one that receives, when the replay was first seen here, and until senders can know the webhook: a task for one that they
// cannot see, they would cancel.
func (r *replaying) await(ctx context.Context) error {
	starts, err := r.service.Bus.StartOffsets(ctx, bus.Attempts)
	if err != nil {
		return err
	}
	ends, err := r.service.Bus.EndOffsets(ctx, bus.Attempts)
	if err != nil {
		return err
	}
	caughtUp := func(p int, next int64) bool { return starts[p] == ends[p] || next >= ends[p] }
	receives := bus.PartitionOf([]byte(r.replay.Webhook), r.service.Partitions)
	ticker := time.NewTicker(awaitInterval)
	defer ticker.Stop()
	for {
		published, err := r.service.Store.AccountPublished(ctx, r.replay.Account)
		if err != nil {
			return err
		}
		if published && caughtUp(r.tail.partition, r.tail.next.Load()) {
			// Another member may write that one.
			next, err := r.service.Store.NextOffset(ctx, receives)
			if err != nil || caughtUp(receives, next) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// paced goes on at the replay's rate.
func (r *replaying) paced(ctx context.Context) error {
	ticker := time.NewTicker(replayTick)
	defer ticker.Stop()
	for {
		ended := false
		for found := chunk; found >= chunk && !ended; { // it was cut for the sake of memory
			var err error
			if found, ended, err = r.step(ctx); err != nil {
				return err
			}
		}
		if ended {
			r.replay.State = hook.ReplayDone
		}
		if ended || r.service.Now().Sub(r.noted) >= noteInterval {
			if err := r.note(ctx); err != nil {
				return err
			}
			if going, err := r.look(ctx); err != nil || !going {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// step hands on some of what the pace allows now, and returns how many these
// were. If anything of that fails, the replay is where it was.
func (r *replaying) step(ctx context.Context) (n int, ended bool, err error) {
	now := r.service.Now()
	limit := r.pace.take(now, math.MaxInt, rising(float64(r.replay.Rate), now.Sub(r.pace.since)), replayBurst)
	if limit == 0 {
		return 0, false, nil
	}
	next := r.replay.Progress.Clone()
	found, ended, err := r.walk.next(ctx, &next, limit)
	if err != nil {
		return 0, false, err
	}
	r.pace.tokens += float64(limit)
	var records []bus.Record
	for i := range found {
		// More than are allowed now are owed.
		r.pace.tokens -= float64(max(1, found[i].deliveries))
		if found[i].gone {
			next.Fail(hook.ReasonPayloadGone, 1)
		}
		next.Replayed += int64(found[i].deliveries)
		if found[i].record.Topic != "" {
			records = append(records, found[i].record)
		}
	}
	if err := r.write(ctx, records); err != nil {
		return 0, false, fmt.Errorf("writing %d deliveries: %w", len(records), err)
	}
	for i := range found {
		if found[i].row != nil {
			r.handed = append(r.handed, *found[i].row)
		}
	}
	r.service.metrics.replayed.Add(float64(next.Replayed - r.replay.Progress.Replayed))
	r.replay.Progress = next
	return len(found), ended, nil
}

// write waits for all acknowledgements, at the end of ctx for a moment more: what is
// known to be written is not repeated.
func (r *replaying) write(ctx context.Context, records []bus.Record) error {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(ackGrace, stop) })()
	_, err := write(writing, r.producer, records)
	return err
}

// note writes down how far the replay is. ErrStale.
func (r *replaying) note(ctx context.Context) error {
	r.replay.Progress.Total = max(r.replay.Progress.Total, r.replay.Progress.Done)
	if err := r.service.Store.Released(ctx, r.handed, r.replay.Run); err != nil {
		return err
	}
	r.handed = nil
	after, err := r.service.Store.AdvanceReplay(ctx, r.replay)
	if err != nil {
		return err
	}
	r.replay, r.noted = after, r.service.Now()
	if r.replay.State != hook.ReplayRunning {
		r.service.Log.Info("a replay ends", zap.String("replay", r.replay.ID), zap.String("state", string(r.replay.State)),
			zap.Int64("replayed", r.replay.Progress.Replayed), zap.String("detail", r.replay.Detail))
	}
	return nil
}

// look reads the webhook that receives, and what its account wants of the events that
// are read from their topics. Nothing is made for one that was revoked:
// the replay fails then.
func (r *replaying) look(ctx context.Context) (going bool, err error) {
	if r.replay.State != hook.ReplayRunning {
		return false, nil
	}
	w, err := r.service.Store.Webhook(ctx, r.replay.Account, r.replay.Webhook)
	if err != nil {
		return false, err
	}
	if w.Status == hook.Revoked {
		r.replay.State, r.replay.Detail = hook.ReplayFailed, fmt.Sprintf("webhook %q was revoked", w.ID)
		return false, r.note(ctx)
	}
	if w.Filter == "" {
		r.filter = nil
	} else if w.Filter != r.webhook.Filter {
		if r.filter, err = filter.Compile(w.Filter); err != nil {
			return false, fmt.Errorf("filter of webhook %q: %w", w.ID, err)
		}
	}
	if r.replay.Source == "" {
		wanted, err := r.service.Store.ItemSchemas(ctx, r.replay.Account)
		if err != nil {
			return false, err
		}
		r.schemas = itemSchemasOf(wanted)
	}
	r.webhook = w
	return true, nil
}

// covers reports whether the webhook that receives is to get an event. Its own
// deliveries are repeated as they were; of others' it gets what it subscribed to.
func (r *replaying) covers(e *hook.Event) bool {
	return r.own() || r.webhook.Wants(e)
}

// lead makes what leads the webhook's sender to what happened, if it is to get any
// of it. An item about which its filter has no answer does not match: the router
// has told of that.
func (r *replaying) lead(ctx context.Context, p *rerun.Payload) (one repeat, wanted bool, err error) {
	payload := *p
	if !r.own() {
		if payload, err = p.Whole(); err != nil {
			return repeat{}, false, err
		}
		if r.filter != nil {
			matching, err := r.filter.Select(ctx, filter.NewSubject(&payload.Event))
			if err != nil || matching.Count == 0 {
				return repeat{}, false, err
			}
			payload = payload.Only(matching.Items)
		}
	}
	one.deliveries = 1
	if r.webhook.Format.PerItem() {
		payload, one.deliveries = payload.EachItem(), len(payload.Event.Items)
	}
	one.record, err = payload.To(r.replay.Webhook, r.replay.Run, r.service.Partitions)
	return one, err == nil, err
}

// own: the deliveries that are meant are those of the webhook that receives.
func (r *replaying) own() bool { return r.replay.Source == r.replay.Webhook }
