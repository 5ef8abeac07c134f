package publish

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// row is one event in the outbox.
type row struct {
	id      int64
	message Message
}

// read returns the oldest rows, in order; more says that there are others.
func (r *Relay) read(ctx context.Context, t term) (batch []row, more bool, err error) {
	rows, err := t.Query(ctx, `SELECT id, topic, key, value, traceparent, tracestate FROM `+
		r.cfg.Outbox.prefix+`_outbox WHERE refused IS NULL ORDER BY id LIMIT $1`, batchRows)
	if err != nil {
		return nil, false, fmt.Errorf("relay: read: %w", err)
	}
	defer func() {
		if closeErr := rows.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("relay: read: %w", closeErr)
		}
	}()
	size := 0
	for rows.Next() {
		var one row
		m := &one.message
		if err := rows.Scan(&one.id, &m.Topic, &m.Key, &m.Value, &m.Trace.Parent, &m.Trace.State); err != nil {
			return nil, false, fmt.Errorf("relay: read: %w", err)
		}
		batch = append(batch, one)
		if size += len(m.Value); size >= batchBytes {
			return batch, true, nil
		}
	}
	return batch, len(batch) == batchRows, rows.Err()
}

// outcome is what became of a batch; rows in neither list stay as they are.
type outcome struct {
	acknowledged []int64
	refused      map[int64]error
}

// answer is what the producer says of one row.
type answer struct {
	id  int64
	err error
}

// publish gives a batch to Kafka and waits for every answer. The error is the
// first that is about more than one message; the outcome counts all the same.
func (r *Relay) publish(ctx context.Context, t term, batch []row) (outcome, error) {
	answers := make(chan answer, len(batch)) // room for all: done never blocks
	feeding, stop := context.WithCancel(ctx)
	fed, ended := make(chan int, 1), make(chan struct{})
	var feedErr error // written before fed is
	go func() {
		defer close(ended)
		var sent int
		sent, feedErr = r.feed(feeding, batch, answers)
		fed <- sent
	}()
	// Nothing is given to Kafka after the return.
	defer func() {
		stop()
		<-ended
	}()

	renew := time.NewTicker(renewEvery)
	defer renew.Stop()
	stopped := ctx.Done()
	var drained <-chan time.Time
	out := outcome{refused: make(map[int64]error)}
	var failed error
	for sent, got := -1, 0; sent < 0 || got < sent; {
		select {
		case sent = <-fed:
			failed = errors.Join(failed, feedErr)
		case a := <-answers:
			got++
			if err := out.add(a); err != nil && failed == nil {
				failed = err
			}
		case <-renew.C:
			// Without it a long wait for Kafka would cost the lease.
			if err := t.Renew(context.WithoutCancel(ctx)); err != nil {
				return out, errors.Join(errLost, err)
			}
		case <-stopped:
			stopped = nil
			timer := time.NewTimer(drainSpan)
			defer timer.Stop()
			drained = timer.C
		case <-drained:
			return out, errors.Join(failed, ctx.Err())
		}
	}
	return out, failed
}

// feed queues the batch, in order; Produce may block while Kafka is away.
func (r *Relay) feed(ctx context.Context, batch []row, answers chan<- answer) (sent int, err error) {
	for _, one := range batch {
		if ctx.Err() != nil {
			return sent, ctx.Err()
		}
		err := r.cfg.Producer.Produce(ctx, one.message, func(err error) { answers <- answer{one.id, err} })
		if err != nil {
			return sent, fmt.Errorf("relay: produce: %w", err)
		}
		sent++
	}
	return sent, nil
}

// add notes an answer; the error is one that is not about this message alone.
func (o *outcome) add(a answer) error {
	switch {
	case a.err == nil:
		o.acknowledged = append(o.acknowledged, a.id)
	case errors.Is(a.err, ErrRefused):
		o.refused[a.id] = a.err
	default:
		return fmt.Errorf("relay: produce: %w", a.err)
	}
	return nil
}

// settle deletes what was acknowledged and sets aside what was refused, also
// after the end of ctx.
func (r *Relay) settle(ctx context.Context, t term, out outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeSpan)
	defer cancel()
	table := r.cfg.Outbox.prefix + "_outbox"
	if len(out.acknowledged) > 0 {
		list, args := in(out.acknowledged)
		if err := t.Change(ctx, `DELETE FROM `+table+` WHERE id IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("relay: delete: %w", err)
		}
	}
	for id, reason := range out.refused {
		r.cfg.Log.Error("event refused by Kafka, set aside in the outbox",
			zap.String("table", table), zap.Int64("id", id), zap.Error(reason))
		if err := t.Change(ctx, `UPDATE `+table+` SET refused = $1 WHERE id = $2`, reason.Error(), id); err != nil {
			return fmt.Errorf("relay: set aside: %w", err)
		}
	}
	return nil
}

// in is the placeholder list and the arguments of an IN clause.
func in(ids []int64) (list string, args []any) {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(i+1))
		args = append(args, id)
	}
	return b.String(), args
}
