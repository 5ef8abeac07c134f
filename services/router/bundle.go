package router

import (
	"cmp"
	"context"
	"slices"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/filter"
	"github.com/staffetta/staffetta/pkg/hook"
)

// maxBundle is the most webhooks in one record of deliveries: with ids of 30
// bytes about 32 kB beside the event.
const maxBundle = 1000

// maxSelections bounds what a record says about items that some of its webhooks
// do not get, in bytes: beside the largest event and 1,000 ids it still fits
// 1 MiB.
const maxSelections = 64 << 10

// Bundler finds the webhooks that want an event and makes the records that lead
// the senders to them. It belongs to one goroutine.
type Bundler struct {
	partitions int // of the topic deliveries
	asked      asked

	// What follows is memory that is used again, from event to event.
	matches  []match
	webhooks []string
	places   []int
	change   []byte
	records  []bus.Record
}

// match is a webhook that wants the event, and where its sender reads. each says
// that it gets a delivery per item.
type match struct {
	partition int
	each      bool
	// filter is the number of the one that chose its items, or noFilter if it gets
	// all of them.
	filter  int32
	webhook string
}

// NewBundler makes one for so many partitions of the topic deliveries. Its
// filters are compiled by cache.
func NewBundler(partitions int, cache *filter.Cache) *Bundler {
	return &Bundler{partitions: partitions, asked: asked{cache: cache}}
}

// Match finds the webhooks of an account that want an event, or some of its
// items, and returns the number of their deliveries. They wait for Records. The
// error is ctx's.
func (b *Bundler) Match(ctx context.Context, event *hook.Event, index *Index) (deliveries int, err error) {
	b.matches = emptied(b.matches)
	b.asked.begin(index.filters)
	index.Match(event, func(number int) bool { return b.asked.ask(ctx, event, number) }, func(webhook string, each bool, number int) {
		items := len(event.Items)
		if number != noFilter {
			answer := &b.asked.answers[number]
			b.asked.note(webhook, answer)
			if items = answer.Count; items == 0 {
				return
			}
			if answer.Items == nil {
				number = noFilter // it gets them all
			}
		}
		b.matches = append(b.matches, match{bus.PartitionOf([]byte(webhook), b.partitions), each, int32(number), webhook})
		if !each {
			items = 1
		}
		deliveries += items
	})
	return deliveries, b.asked.err
}

// Failures are the webhooks whose filters had no answer for some items of the
// event that was matched last, valid until the next.
func (b *Bundler) Failures() []FilterFailure { return b.asked.failures }

// Records are the bundles of an event for what Match found, valid until the next
// call: their partitions in turn, of each as many as its webhooks need. The error
// says that one of these has an id that cannot be written.
func (b *Bundler) Records(event *hook.Event) ([]bus.Record, error) {
	slices.SortFunc(b.matches, func(x, y match) int {
		return cmp.Or(cmp.Compare(x.order(), y.order()), cmp.Compare(x.filter, y.filter))
	})
	b.change = codec.AppendChange(emptied(b.change), event)
	key := []byte(event.Account)
	b.records = emptied(b.records)
	for rest := b.matches; len(rest) > 0; {
		first := rest[0]
		item, most := codec.AllItems, maxBundle
		if first.each {
			// Its deliveries are handed out together.
			item, most = codec.EachItem, max(1, maxBundle/len(event.Items))
		}
		these, bytes := b.next(rest, most)
		rest = rest[len(these):]
		value, err := codec.AppendBundle(make([]byte, 0, len(b.change)+bytes), b.change, b.webhooks, 0, item)
		if err != nil {
			return nil, err
		}
		value = b.appendSelections(value, these)
		b.records = append(b.records, bus.Record{Topic: bus.Deliveries, Partition: first.partition, Key: key, Value: value})
	}
	return b.records, nil
}

// next takes the matches of one record, at most so many, from the front of those
// that are left, and puts their webhooks into b.webhooks. bytes is what the record
// has beside the change at most.
func (b *Bundler) next(rest []match, most int) (these []match, bytes int) {
	b.webhooks = emptied(b.webhooks)
	bytes = bundleBytes
	if rest[0].each {
		bytes += eachBytes
	}
	order, selections, last := rest[0].order(), 0, int32(noFilter)
	for i := range rest {
		m := &rest[i]
		if m.order() != order || len(b.webhooks) == most {
			break
		}
		if m.filter != noFilter {
			more := placeBytes
			if m.filter != last {
				more = codec.SizeSelection(b.asked.answers[m.filter].Items, 1)
			}
			if selections+more > maxSelections {
				break
			}
			selections, last = selections+more, m.filter
		}
		b.webhooks = append(b.webhooks, m.webhook)
		bytes += len(m.webhook) + webhookBytes
	}
	return rest[:len(b.webhooks)], bytes + selections
}

// appendSelections appends to a bundle which items those of its webhooks get that
// do not get all.
func (b *Bundler) appendSelections(value []byte, these []match) []byte {
	for at := 0; at < len(these); {
		number := these[at].filter
		b.places = b.places[:0]
		for ; at < len(these) && these[at].filter == number; at++ {
			b.places = append(b.places, at)
		}
		if number != noFilter {
			value = codec.AppendSelection(value, b.asked.answers[number].Items, b.places)
		}
	}
	return value
}

// order is equal for webhooks that one bundle may hold.
func (m *match) order() int {
	if m.each {
		return 2*m.partition + 1
	}
	return 2 * m.partition
}

// maxKept bounds what is kept for the next event: 64 KiB of change, or 1.5 MiB of
// matches.
const maxKept = 64 << 10

// emptied is the memory of a slice to be filled again, without what it refers to:
// indexes are replaced, and values handed on.
func emptied[T any](used []T) []T {
	if cap(used) > maxKept {
		return nil
	}
	clear(used)
	return used[:0]
}

// At most this is in a bundle beside the change and the ids: a tag and a length
// each; a tag and ten bytes in one of a delivery for each item; and a webhook's
// place if its items are selected.
const (
	bundleBytes  = 6
	eachBytes    = 11
	webhookBytes = 6
	placeBytes   = 3
)
