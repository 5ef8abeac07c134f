package publish

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// settleEvery is how often acknowledged rows are deleted while others of the
// batch are still on their way: so little is published again after a crash,
// also while one partition is away.
const settleEvery = 250 * time.Millisecond

// answer is what the producer says of one row.
type answer struct {
	id    int64
	topic string
	err   error
}

// publish gives a batch to Kafka, waits for every answer and settles what was
// answered. The error is the first that is about more than one message.
func (r *Relay) publish(ctx context.Context, t *term, batch []row) error {
	answers := make(chan answer, len(batch)) // room for all: done never blocks
	feeding, stop := context.WithCancel(ctx)
	fed, ended := make(chan int, 1), make(chan struct{})
	var feedErr error // written before fed is
	go func() {
		defer close(ended)
		var sent int
		sent, feedErr = r.feed(feeding, t, batch, answers)
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
			return errors.Join(ctx.Err(), r.settle(ctx, t))
		}
	}
	return errors.Join(failed, r.settle(ctx, t))
}

// feed queues the batch, in order; Produce may block while Kafka is away.
func (r *Relay) feed(ctx context.Context, t *term, batch []row, answers chan<- answer) (sent int, err error) {
	shut := make(map[string]bool)
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
