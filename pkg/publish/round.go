package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
)

// settleEvery is how often acknowledged rows are deleted while others of the
// batch are still on their way: so little is published again after a crash,
// also while one partition is away.
const settleEvery = 250 * time.Millisecond

// round publishes one batch and deletes what was acknowledged; it returns how
// many rows the batch had. Meanwhile it reads the next batch.
func (r *Relay) round(ctx context.Context, t *term) (int, error) {
	if err := t.Renew(ctx); err != nil {
		return 0, err
	}
	rows := r.ahead
	r.ahead = nil
	more := true
	if rows == nil {
		var err error
		if rows, more, err = r.read(ctx, r.query(nil)); err != nil {
			return 0, err
		}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	next := func() []row { return nil }
	if more && r.cfg.DB.Dialect == database.Postgres {
		next = r.readAhead(ctx, rows)
	}
	err := r.publish(ctx, t, rows)
	if !errors.Is(err, errLost) {
		err = errors.Join(err, r.settle(ctx, t))
	}
	if ahead := next(); err == nil {
		r.ahead = ahead
	}
	return len(rows), err
}

// readAhead reads what follows the rows that are on their way or not deleted
// yet. Those are left out by their ids: one that commits late lies between
// them, and may not be passed over. The result waits for the end of the
// reading, and is empty if that failed: the next round reads again.
func (r *Relay) readAhead(ctx context.Context, rows []row) (next func() []row) {
	known := slices.Clone(r.unsettled.acknowledged)
	known = slices.AppendSeq(known, maps.Keys(r.unsettled.refused))
	for _, one := range rows {
		known = append(known, one.id)
	}
	q := r.query(known)
	found := make(chan []row, 1)
	go func() {
		ahead, _, err := r.read(ctx, q)
		if err != nil {
			ahead = nil
		}
		found <- ahead
	}()
	return func() []row { return <-found }
}

// answer is what the producer says of one row.
type answer struct {
	id    int64
	topic string
	err   error
}

// publish gives a batch to Kafka and waits for every answer. From time to time it
// settles what was answered. The error is the first that is about more than one
// message.
func (r *Relay) publish(ctx context.Context, t *term, batch []row) error {
	answers := make(chan answer, len(batch)) // room for all: done never blocks
	feeding, stop := context.WithCancel(ctx)
	fed, ended := make(chan int, 1), make(chan struct{})
	shut := make(map[string]bool)
	for _, topic := range r.heldTopics() {
		shut[topic] = true // since the batch was read
	}
	var feedErr error // written before fed is
	go func() {
		defer close(ended)
		var sent int
		sent, feedErr = r.feed(feeding, t, batch, shut, answers)
		fed <- sent
	}()
	// Nothing is given to Kafka after the return.
	defer func() {
		stop()
		<-ended
	}()

	tick := time.NewTicker(min(settleEvery, t.span/3))
	defer tick.Stop()
	stopped := ctx.Done()
	var drained <-chan time.Time
	var failed error
	for sent, got := -1, 0; sent < 0 || got < sent; {
		select {
		case sent = <-fed:
			failed = errors.Join(failed, feedErr)
		case a := <-answers:
			got++
			if err := r.note(a); err != nil && failed == nil {
				failed = err
			}
		case <-tick.C:
			// A database that is away for a moment costs no answer of Kafka's.
			if err := r.progress(ctx, t); errors.Is(err, errLost) || err != nil && !t.Valid() {
				return err
			}
		case <-stopped:
			stopped = nil
			timer := time.NewTimer(drainSpan)
			defer timer.Stop()
			drained = timer.C
		case <-drained:
			return ctx.Err()
		}
	}
	return failed
}

// feed queues the batch, in order, without the topics that are shut; Produce may
// block while Kafka is away.
func (r *Relay) feed(ctx context.Context, t *term, batch []row, shut map[string]bool, answers chan<- answer) (sent int, err error) {
	for _, one := range batch {
		topic := one.message.Topic
		switch {
		case shut[topic]:
			continue
		case ctx.Err() != nil:
			return sent, ctx.Err()
		case !t.Valid():
			return sent, errLost
		}
		err := r.cfg.Producer.Produce(ctx, one.message, func(err error) { answers <- answer{one.id, topic, err} })
		if errors.Is(err, ErrTopic) {
			shut[topic] = true
			answers <- answer{one.id, topic, err}
		} else if err != nil {
			return sent, fmt.Errorf("relay: produce: %w", err)
		}
		sent++
	}
	return sent, nil
}

// note keeps an answer; the error is one that is not about this message or
// its topic alone.
func (r *Relay) note(a answer) error {
	switch {
	case a.err == nil:
		r.unsettled.acknowledged = append(r.unsettled.acknowledged, a.id)
		r.release(a.topic)
	case errors.Is(a.err, ErrRefused):
		r.unsettled.refused[a.id] = a.err
	case errors.Is(a.err, ErrTopic):
		r.hold(a.topic, a.err)
	default:
		return fmt.Errorf("relay: produce: %w", a.err)
	}
	return nil
}
