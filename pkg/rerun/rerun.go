// Package rerun lets deliveries happen again. It reads what happened where the
// log says that it lives, and makes the record of the topic deliveries that
// leads a sender to it in a new run. A retry of one delivery, the release of what
// was held and a replay are that and nothing else.
package rerun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
)

// ErrUnreadable says that what lies at a delivery's coordinates is not its
// bundle: trying again mends nothing.
var ErrUnreadable = errors.New("payload cannot be read")

// Payload is what happened, as the topic deliveries carries it: to all items, or to
// the one that a delivery is about.
type Payload struct {
	// Event shares the payload's memory.
	Event hook.Event

	change []byte
	item   int
	// items are those of the change that Event has; nil: all.
	items hook.Selection
	// test: it was made to try a webhook out.
	test bool
}

// Of is the payload of an event that was just decoded.
func Of(e *hook.Event) Payload {
	return Payload{Event: *e, change: codec.AppendChange(nil, e)}
}

// AsTest is the payload for trying a webhook out: posted once, marked as a test.
func (p Payload) AsTest() Payload {
	p.test = true
	return p
}

// Only is the payload for a webhook that gets some of the event's items, at least
// one; nil: all.
func (p Payload) Only(items hook.Selection) Payload {
	p.Event, p.items = *items.Of(&p.Event), items
	return p
}

// Whole is the payload with all items of its change: for another webhook than the
// one whose it is. ErrUnreadable.
func (p Payload) Whole() (Payload, error) {
	if p.items == nil {
		return p, nil
	}
	event, err := codec.DecodeChange(p.change)
	if err != nil {
		return Payload{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return Payload{Event: event, change: p.change, item: p.item, test: p.test}, nil
}

// EachItem is the payload for a webhook that gets a delivery for each item.
func (p Payload) EachItem() Payload {
	if p.item == codec.AllItems {
		p.item = codec.EachItem
	}
	return p
}

// Read reads the payload of a delivery. bus.ErrGone if Kafka no longer has it;
// ErrUnreadable.
func Read(ctx context.Context, client *bus.Client, d *hook.Delivery) (Payload, error) {
	record, err := client.ReadAt(ctx, d.Bundle)
	if err != nil {
		return Payload{}, err
	}
	return in(&record, d)
}

// in finds the payload of a delivery in the record at its coordinates.
func in(record *bus.Record, d *hook.Delivery) (Payload, error) {
	b, err := codec.ReadBundle(record.Value)
	if err != nil {
		return Payload{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	b.Change = bytes.Clone(b.Change) // not its neighbours in the fetched memory
	part, err := b.PartOf(d.Webhook, d.ID)
	if err != nil {
		return Payload{}, fmt.Errorf("%w: %s: %w", ErrUnreadable, d.Bundle, err)
	}
	return Payload{Event: *part.Event, change: part.Change, item: part.Item, items: part.Selected, test: b.Test}, nil
}

// Gone reports whether an error of Read is for good.
func Gone(err error) bool { return errors.Is(err, bus.ErrGone) || errors.Is(err, ErrUnreadable) }

// To is the record that makes a webhook's sender deliver the payload in a run, as
// the router's makes it in the first. partitions is the number of those of the
// topic deliveries.
func (p *Payload) To(webhook string, run int64, partitions int) (bus.Record, error) {
	room := len(p.change) + len(webhook) + bundleBytes + codec.SizeSelection(p.items, 1)
	value, err := codec.AppendBundle(make([]byte, 0, room), p.change, []string{webhook}, run, p.item)
	if err != nil {
		return bus.Record{}, err
	}
	if p.items != nil {
		value = codec.AppendSelection(value, p.items, []int{0})
	}
	if p.test {
		value = codec.AppendTest(value)
	}
	return bus.Record{
		Topic: bus.Deliveries, Partition: bus.PartitionOf([]byte(webhook), partitions),
		Key: []byte(p.Event.Account), Value: value,
	}, nil
}

// bundleBytes is the most that is in a bundle of one webhook beside the change
// and the id: tags, two lengths, the run, the item and the test.
const bundleBytes = 37

// Expired is the record of attempts that ends a delivery whose payload is gone. It
// goes through attempts like any fate, so that whoever reads those knows.
func Expired(d *hook.Delivery, run int64, now time.Time, partitions int) bus.Record {
	return bus.Record{
		Topic: bus.Attempts, Partition: bus.PartitionOf([]byte(d.Webhook), partitions), Key: []byte(d.Webhook),
		Value: journal.Encode(hook.Attempt{
			Delivery: d.ID, Run: run, Fate: hook.FateExhausted, Reason: hook.ReasonPayloadGone,
			Detail:  "the payload is no longer in Kafka",
			Account: d.Account, Webhook: d.Webhook, Store: d.Store, Event: d.Event, EventType: d.EventType,
			ItemType: d.ItemType, Items: d.Items, Test: d.Test, Bundle: d.Bundle, Source: d.Source, Published: d.Published,
			At: now, TraceID: d.TraceID,
		}),
	}
}

// After is the run that begins now: its time in Unix microseconds, and higher
// than any run that the deliveries had, since another member's clock may have
// been ahead.
func After(now time.Time, deliveries ...hook.Delivery) int64 {
	run := now.UnixMicro()
	for i := range deliveries {
		run = max(run, deliveries[i].Run+1)
	}
	return run
}
