package router

import (
	"cmp"
	"slices"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

// maxBundle is the most webhooks in one record of deliveries: with ids of 30
// bytes about 32 kB beside the event.
const maxBundle = 1000

// Bundler finds the webhooks that want an event and makes the records that lead
// the senders to them. It belongs to one goroutine.
type Bundler struct {
	partitions int // of the topic deliveries

	// What follows is memory that is used again, from event to event.
	matches  []match
	webhooks []string
	change   []byte
	records  []bus.Record
}

// match is a webhook that wants the event, and where its sender reads. each says
// that it gets a delivery per item.
type match struct {
	partition int
	each      bool
	webhook   string
}

// NewBundler makes one for so many partitions of the topic deliveries.
func NewBundler(partitions int) *Bundler { return &Bundler{partitions: partitions} }

// Match finds the webhooks of an account that want an event and returns the number
// of their deliveries. They wait for Records.
func (b *Bundler) Match(event *hook.Event, index *Index) (deliveries int) {
	b.matches = emptied(b.matches)
	index.Match(event, func(webhook string, each bool) {
		b.matches = append(b.matches, match{bus.PartitionOf([]byte(webhook), b.partitions), each, webhook})
		deliveries++
		if each {
			deliveries += len(event.Items) - 1
		}
	})
	return deliveries
}

// Records are the bundles of an event for what Match found, valid until the next
// call: their partitions in turn, of each as many as its webhooks need. The error
// says that one of these has an id that cannot be written.
func (b *Bundler) Records(event *hook.Event) ([]bus.Record, error) {
	slices.SortFunc(b.matches, func(x, y match) int { return cmp.Compare(x.order(), y.order()) })
	b.change = codec.AppendChange(emptied(b.change), event)
	key := []byte(event.Account)
	b.records = emptied(b.records)
	for rest := b.matches; len(rest) > 0; {
		first, bytes := rest[0], len(b.change)+bundleBytes
		item, most := codec.AllItems, maxBundle
		if first.each {
			// Its deliveries are handed out together.
			item, most, bytes = codec.EachItem, max(1, maxBundle/len(event.Items)), bytes+eachBytes
		}
		b.webhooks = emptied(b.webhooks)
		for len(rest) > 0 && rest[0].order() == first.order() && len(b.webhooks) < most {
			b.webhooks = append(b.webhooks, rest[0].webhook)
			bytes += len(rest[0].webhook) + webhookBytes
			rest = rest[1:]
		}
		value, err := codec.AppendBundle(make([]byte, 0, bytes), b.change, b.webhooks, 0, item)
		if err != nil {
			return nil, err
		}
		b.records = append(b.records, bus.Record{Topic: bus.Deliveries, Partition: first.partition, Key: key, Value: value})
	}
	return b.records, nil
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
// each; and a tag and ten bytes in one of a delivery for each item.
const (
	bundleBytes  = 6
	eachBytes    = 11
	webhookBytes = 6
)
