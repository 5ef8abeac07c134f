package router

import (
	"context"
	"errors"
	"fmt"
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

// maxBundle is the most webhooks in one record of deliveries: with ids of 30
// bytes about 32 kB beside the event.
const maxBundle = 1000

// These reasons join codec's.
const (
	reasonUnknownAccount = "unknown_account"
	// reasonUnencodable: codec lets through only what can be encoded, so it is
	// codec or the snapshot that is wrong; the next event need not wait for us
	// to mend it.
	reasonUnencodable = "unencodable"
	// reasonUndecodable is that of an error which is no codec.Reject.
	reasonUndecodable = "undecodable"
)

// deliver writes the bundles of one event; its record is done when all of them
// are acknowledged.
func (in *intake) deliver(ctx context.Context, u unrouted, event hook.Event, index *Index) {
	if index.deleted {
		in.unknown(ctx, u, event.Account)
		return
	}
	byPartition := map[int][]string{}
	total := 0
	index.Match(&event, func(webhook string) {
		p := bus.PartitionOf([]byte(webhook), in.service.Partitions)
		byPartition[p] = append(byPartition[p], webhook)
		total++
	})
	if total == 0 {
		in.tracker.Done(u.mark)
		return
	}
	in.traced(ctx, &event)
	records, err := bundles(event, byPartition)
	if err != nil {
		in.reject(ctx, u, reasonUnencodable, err.Error())
		return
	}
	in.service.metrics.deliveries.Add(float64(total))
	in.produce(ctx, u, records...)
}

// bundles are the records that make the senders deliver an event.
func bundles(event hook.Event, byPartition map[int][]string) ([]bus.Record, error) {
	change := codec.ToChange(event)
	records := make([]bus.Record, 0, len(byPartition))
	for p, webhooks := range byPartition {
		for len(webhooks) > 0 {
			n := min(maxBundle, len(webhooks))
			value, err := proto.Marshal(&deliveryv1.Bundle{Change: change, Webhooks: webhooks[:n]})
			if err != nil {
				return nil, fmt.Errorf("encode a bundle: %w", err)
			}
			records = append(records, bus.Record{
				Topic: bus.Deliveries, Partition: p, Key: []byte(event.Account), Value: value,
			})
			webhooks = webhooks[n:]
		}
	}
	return records, nil
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

func (in *intake) unknown(ctx context.Context, u unrouted, account string) {
	faults := hook.Invalid{}
	faults.Add("account", account, "must be an account of this installation")
	in.reject(ctx, u, reasonUnknownAccount, faults.Error())
}

// reject puts a record into quarantine.
func (in *intake) reject(ctx context.Context, u unrouted, reason, detail string) {
	in.service.metrics.quarantined.WithLabelValues(reason).Inc()
	in.service.Log.Warn("record put into quarantine",
		zap.Stringer("record", u.record.At()), zap.String("reason", reason), zap.String("detail", detail))
	in.produce(ctx, u, quarantine.Record(u.record, reason, detail))
}

// produce writes what a record leads to, and notes the record as done when all
// of it is acknowledged. What Kafka refuses for good ends the router: the
// record is neither delivered nor done, and going on would never commit again.
func (in *intake) produce(ctx context.Context, u unrouted, records ...bus.Record) {
	var missing atomic.Int32
	missing.Store(int32(len(records)))
	refused := func(err error) { in.fail(fmt.Errorf("write what %s leads to: %w", u.record.At(), err)) }
	for _, r := range records {
		err := in.producer.Produce(ctx, r, func(_ hook.Coordinates, err error) {
			switch {
			case errors.Is(err, bus.ErrClosed): // the generation ended: it is routed again
			case err != nil:
				refused(err)
			case missing.Add(-1) == 0:
				in.tracker.Done(u.mark)
			}
		})
		if err != nil {
			if ctx.Err() == nil {
				refused(err)
			}
			return // else ctx ended: the record stays uncommitted
		}
	}
}
