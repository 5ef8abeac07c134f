package router

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

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
func (in *intake) deliver(ctx context.Context, u unrouted, event *hook.Event, index *Index) {
	if index.deleted {
		in.unknown(ctx, u, event.Account)
		return
	}
	if err := in.service.checkData(event, index); err != nil {
		in.reject(ctx, u, reasonBreaksSchema, err.Error())
		return
	}
	in.sight(ctx, event)
	total, err := in.bundler.Match(ctx, event, index)
	if err != nil {
		return // ctx ended: the record stays uncommitted
	}
	in.service.failures.note(event.ID, in.bundler.Failures())
	if total == 0 {
		in.tracker.Done(u.mark)
		return
	}
	passed := in.tracing.pass(ctx, u.record.At(), event)
	records, err := in.bundler.Records(event)
	if err != nil {
		passed.end(err)
		in.reject(ctx, u, reasonUnencodable, err.Error())
		return
	}
	passed.carries(event.Trace, records)
	in.service.metrics.deliveries.Add(float64(total))
	in.produce(ctx, &writing{intake: in, at: u.record.At(), mark: u.mark, arrived: u.record.Time, passed: passed}, records...)
}

func (in *intake) unknown(ctx context.Context, u unrouted, account string) {
	if in.notices { // ours, and whom it was for is gone
		in.tracker.Done(u.mark)
		return
	}
	faults := hook.Invalid{}
	faults.Add("account", account, "must be an account of this installation")
	in.reject(ctx, u, reasonUnknownAccount, faults.Error())
}

// reject puts a record into quarantine.
func (in *intake) reject(ctx context.Context, u unrouted, reason, detail string) {
	in.service.metrics.quarantined.WithLabelValues(reason).Inc()
	in.service.Log.Warn("record put into quarantine",
		zap.Stringer("record", u.record.At()), zap.String("reason", reason), zap.String("detail", detail), traceOf(u.record))
	in.produce(ctx, &writing{intake: in, at: u.record.At(), mark: u.mark}, quarantine.Record(*u.record, reason, detail))
}

// traceOf names the trace that a record came with, for the log.
func traceOf(record *bus.Record) zap.Field {
	parent, _ := record.Header("traceparent")
	came := telemetry.Extract(context.Background(), hook.Trace{Parent: string(parent)})
	return telemetry.TraceField(trace.SpanContextFromContext(came))
}

// produce writes what a record leads to, and notes the record as done when all
// of it is acknowledged.
func (in *intake) produce(ctx context.Context, w *writing, records ...bus.Record) {
	w.missing.Store(int32(len(records)))
	done := w.acknowledged
	for _, r := range records {
		if err := in.producer.Produce(ctx, r, done); err != nil {
			if ctx.Err() == nil {
				w.refused(err)
			}
			return // else ctx ended: the record stays uncommitted
		}
	}
}

// writing is what one record leads to, on its way to Kafka.
type writing struct {
	intake  *intake
	at      hook.Coordinates
	mark    bus.Mark
	missing atomic.Int32
	// arrived is when Kafka took an event that is delivered; zero for what goes
	// elsewhere. passed are its spans.
	arrived time.Time
	passed  passage
}

func (w *writing) acknowledged(_ hook.Coordinates, err error) {
	switch {
	case errors.Is(err, bus.ErrClosed): // the generation ended: it is routed again
	case err != nil:
		w.refused(err)
	case w.missing.Add(-1) == 0:
		w.intake.tracker.Done(w.mark)
		if !w.arrived.IsZero() {
			// Kafka's clock and ours may differ.
			took := max(0, time.Since(w.arrived).Seconds())
			telemetry.Observe(w.intake.service.metrics.routing, took, w.passed.span())
		}
		w.passed.end(nil)
	}
}

// refused ends the router: the record is neither delivered nor done, and going on
// would never commit again.
func (w *writing) refused(err error) {
	w.passed.end(err)
	w.intake.fail(fmt.Errorf("write what %s leads to: %w", w.at, err))
}
