// Package redrive reads what is in quarantine, mends it, and makes the records that go
// to where it came from. The api does so for one record, the recorder for many.
package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	"github.com/staffetta/staffetta/pkg/rerun"
)

// Read reads a quarantined record as it came. hook.ErrNotFound if Kafka no longer has it.
func Read(ctx context.Context, client *bus.Client, q *hook.Quarantined) (hook.Record, error) {
	record, err := client.ReadAt(ctx, q.At)
	switch {
	case errors.Is(err, bus.ErrGone):
		return hook.Record{}, fmt.Errorf("record %s: %w", q.ID, hook.ErrNotFound)
	case err != nil:
		return hook.Record{}, err
	}
	entry, err := quarantine.Read(&record)
	if err != nil || hook.QuarantinedID(record.At(), record.Time) != q.ID {
		// The topic was made anew, and another record is there.
		return hook.Record{}, fmt.Errorf("record %s: %w", q.ID, hook.ErrNotFound)
	}
	return entry.Record(), nil
}

// Again makes what leads to where a quarantined record was read, with what is to be sent
// in its place. A task at which a sender failed goes in a new run. hook.ErrNotFound if
// Kafka no longer has what is missing of that.
func Again(ctx context.Context, client *bus.Client, q *hook.Quarantined, r hook.Record, now time.Time) (bus.Record, error) {
	record := bus.Record{Topic: q.Source.Topic, Partition: q.Source.Partition, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, bus.Header{Key: h.Name, Value: []byte(h.Value)})
	}
	if q.Reason != quarantine.ReasonDefect {
		return record, nil
	}
	value, err := rerun.Defect(ctx, client, r.Value, q.Source, now)
	if rerun.Gone(err) {
		return bus.Record{}, fmt.Errorf("payload of %s: %w", q.ID, hook.ErrNotFound)
	}
	record.Value = value
	return record, err
}

// WithValue is a record with another value. One that is text ends what the record said
// of its form, unless that was a form of text.
func WithValue(r hook.Record, value []byte, text bool) hook.Record {
	r.Value, r.Headers = value, slices.Clone(r.Headers)
	if text {
		r.Headers = slices.DeleteFunc(r.Headers, func(h hook.Header) bool {
			return strings.EqualFold(h.Name, "content-type") && !codec.IsText(h.Value)
		})
	}
	return r
}

// Event reads the event that a record is, as the router would. Its error is a
// *codec.Reject.
func Event(q *hook.Quarantined, r *hook.Record) (hook.Event, error) {
	return codec.Decode(codec.Input{Value: r.Value, Key: r.Key, At: q.Source, Time: q.CreatedAt, Header: func(name string) ([]byte, bool) {
		i := slices.IndexFunc(r.Headers, func(h hook.Header) bool { return strings.EqualFold(h.Name, name) })
		if i < 0 {
			return nil, false
		}
		return []byte(r.Headers[i].Value), true
	}})
}
