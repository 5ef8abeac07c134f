package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

const (
	// maxBundle is the most webhooks in one record of deliveries: with ids of
	// 30 bytes about 32 kB beside the event.
	maxBundle = 1000
	// maxWaiting bounds the records that wait for a newer snapshot, so that a
	// flood for an unknown account while Redis is away stays in Kafka.
	maxWaiting = 1000
	// reasonUnknownAccount joins codec's reasons.
	reasonUnknownAccount = "unknown_account"
)

var errRefused = errors.New("kafka refused a record for good")

// intake routes the records of one partition of an event topic, in order.
type intake struct {
	service   *Service
	topic     string
	partition int
	producer  *bus.Producer
	fetcher   *bus.Fetcher
	fail      context.CancelCauseFunc
	tracker   *bus.Tracker
	// committed belongs to whoever commits.
	committed int64

	inbox  chan bus.Batch
	paused atomic.Bool

	// waiting holds the records of accounts that are unknown until the snapshot
	// is known to be newer than they; synced names an account whose time has
	// come. Others go on meanwhile.
	waiting map[string]*queue
	held    int
	synced  chan string
}

// queue is what waits for one account. The first covered of its records came
// before the Sync under way began.
type queue struct {
	records []unrouted
	covered int
}

type unrouted struct {
	record bus.Record
	event  hook.Event
}

// take hands a fetched batch over, and pauses fetching while too many wait.
func (in *intake) take(ctx context.Context, batch bus.Batch) {
	if len(in.inbox) >= inboxBatches && in.paused.CompareAndSwap(false, true) {
		in.fetcher.Pause(in.topic, in.partition)
	}
	select {
	case in.inbox <- batch:
	case <-ctx.Done():
	}
}

func (in *intake) run(ctx context.Context) {
	for {
		inbox := in.inbox
		if in.held >= maxWaiting {
			inbox = nil
		}
		select {
		case <-ctx.Done():
			return
		case account := <-in.synced:
			in.release(ctx, account)
		case batch := <-inbox:
			in.route(ctx, batch)
			if len(in.inbox) == 0 && in.paused.CompareAndSwap(true, false) {
				in.fetcher.Resume(in.topic, in.partition)
			}
		}
	}
}

func (in *intake) route(ctx context.Context, batch bus.Batch) {
	if batch.Reset {
		in.service.metrics.resets.Inc()
		in.service.Log.Error("reading goes on at the earliest event: those before it expired unread, or the topic was made anew",
			zap.String("topic", in.topic), zap.Int("partition", in.partition), zap.Int64("next", batch.Next))
		in.tracker.Reset(batch.Start())
	}
	for _, record := range batch.Records {
		if ctx.Err() != nil {
			return
		}
		in.tracker.Start(record.Offset)
		in.service.metrics.events.Inc()
		event, err := codec.Decode(input(&record))
		if err != nil {
			in.quarantine(ctx, record, err)
			continue
		}
		in.match(ctx, unrouted{record: record, event: event})
	}
	in.tracker.Advance(batch.Next)
}

// input is a record as codec takes it.
func input(r *bus.Record) codec.Input {
	return codec.Input{
		Header: func(name string) ([]byte, bool) {
			for i := range r.Headers {
				if strings.EqualFold(r.Headers[i].Key, name) {
					return r.Headers[i].Value, true
				}
			}
			return nil, false
		},
		Value: r.Value,
		At:    r.At(),
		Time:  r.Time,
	}
}

// match routes an event whose account is known, and lets others wait.
func (in *intake) match(ctx context.Context, u unrouted) {
	account := u.event.Account
	if q, ok := in.waiting[account]; ok {
		q.records = append(q.records, u)
		in.held++
		return
	}
	index, ok := in.service.Snapshot.Account(account)
	if !ok {
		q := &queue{records: []unrouted{u}}
		in.waiting[account] = q
		in.held++
		in.sync(ctx, account, q)
		return
	}
	in.deliver(ctx, u, index)
}

// sync makes sure that the snapshot is newer than all that waits by now.
func (in *intake) sync(ctx context.Context, account string, q *queue) {
	q.covered = len(q.records)
	go func() {
		if err := in.service.Snapshot.Sync(ctx); err != nil {
			return // only when ctx ends: the records stay uncommitted
		}
		select {
		case in.synced <- account:
		case <-ctx.Done():
		}
	}()
}

// release routes what waited for an account. If it is still absent, it is
// unknown to those records that came before the snapshot was read; the others
// wait for one more.
func (in *intake) release(ctx context.Context, account string) {
	q := in.waiting[account]
	index, ok := in.service.Snapshot.Account(account)
	ready := q.records
	if !ok {
		ready = q.records[:q.covered]
	}
	for _, u := range ready {
		if ok {
			in.deliver(ctx, u, index)
		} else {
			in.unknown(ctx, u)
		}
	}
	in.held -= len(ready)
	q.records = q.records[len(ready):]
	if len(q.records) == 0 {
		delete(in.waiting, account)
		return
	}
	in.sync(ctx, account, q)
}

func (in *intake) unknown(ctx context.Context, u unrouted) {
	faults := hook.Invalid{}
	faults.Add("account", u.event.Account, "must be an account of this installation")
	in.reject(ctx, u.record, reasonUnknownAccount, faults.Error())
}

// deliver writes the bundles of one event; its record is done when all of them
// are acknowledged.
func (in *intake) deliver(ctx context.Context, u unrouted, index *Index) {
	if index.deleted {
		in.unknown(ctx, u)
		return
	}
	bundles := map[int][]string{}
	total := 0
	index.Match(&u.event, func(webhook string) {
		p := bus.PartitionOf([]byte(webhook), in.service.Partitions)
		bundles[p] = append(bundles[p], webhook)
		total++
	})
	if total == 0 {
		in.tracker.Done(u.record.Offset)
		return
	}
	in.service.metrics.deliveries.Add(float64(total))
	in.traced(ctx, &u.event)
	change := codec.ToChange(u.event)
	records := make([]bus.Record, 0, len(bundles))
	for p, webhooks := range bundles {
		for len(webhooks) > 0 {
			n := min(maxBundle, len(webhooks))
			value, err := proto.Marshal(&deliveryv1.Bundle{Change: change, Webhooks: webhooks[:n]})
			if err != nil {
				in.fail(fmt.Errorf("encode a bundle of %s: %w", u.record.At(), err))
				return
			}
			records = append(records, bus.Record{
				Topic: bus.Deliveries, Partition: p, Key: []byte(u.event.Account), Value: value,
			})
			webhooks = webhooks[n:]
		}
	}
	in.produce(ctx, u.record, records...)
}

// traced makes the event's trace continue in a span of the router's.
func (in *intake) traced(ctx context.Context, e *hook.Event) {
	carrier := propagation.MapCarrier{"traceparent": e.Trace.Parent, "tracestate": e.Trace.State}
	ctx = propagation.TraceContext{}.Extract(ctx, carrier)
	ctx, span := in.service.Tracer.Start(ctx, "process "+in.topic, trace.WithSpanKind(trace.SpanKindConsumer))
	span.End()
	carrier = propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	e.Trace = hook.Trace{Parent: carrier["traceparent"], State: carrier["tracestate"]}
}

func (in *intake) quarantine(ctx context.Context, r bus.Record, err error) {
	reason := "undecodable"
	var reject *codec.Reject
	if errors.As(err, &reject) {
		reason = string(reject.Reason)
	}
	in.reject(ctx, r, reason, err.Error())
}

func (in *intake) reject(ctx context.Context, r bus.Record, reason, detail string) {
	in.service.metrics.quarantined.WithLabelValues(reason).Inc()
	in.service.Log.Warn("record put into quarantine",
		zap.Stringer("record", r.At()), zap.String("reason", reason), zap.String("detail", detail))
	in.produce(ctx, r, quarantine.Record(r, reason, detail))
}

// produce writes what a record leads to, and notes the record as done when all
// of it is acknowledged.
func (in *intake) produce(ctx context.Context, from bus.Record, records ...bus.Record) {
	var missing atomic.Int32
	missing.Store(int32(len(records)))
	for _, r := range records {
		err := in.producer.Produce(ctx, r, func(_ hook.Coordinates, err error) {
			if err != nil {
				if !errors.Is(err, bus.ErrClosed) {
					in.fail(fmt.Errorf("%w: what %s led to: %w", errRefused, from.At(), err))
				}
				return
			}
			if missing.Add(-1) == 0 {
				in.tracker.Done(from.Offset)
			}
		})
		if err != nil {
			return // ctx ended: the record stays uncommitted
		}
	}
}
