package router

import (
	"sync"

	"github.com/staffetta/staffetta/pkg/bus"
)

const (
	// maxInbox bounds what waits in all the inboxes of a member, in bytes, up to
	// 512 partitions. An inbox that is full still gets what was fetched by then:
	// at worst three fetches, 3/4 of its room, more if they are compressed.
	maxInbox = 64 << 20
	// minRoom and maxRoom bound one inbox, in bytes: 1 MiB are 2,500 events of 400
	// bytes, 12 ms of work.
	minRoom = 64 << 10
	maxRoom = 1 << 20
	// fetches is how many fetches fill an inbox. With one, each fetch pauses and
	// resumes its partition, and 160 of them are read a third slower.
	fetches = 4
	// recordBytes is what a record takes beside its key, value and headers.
	recordBytes = 128
)

// roomOf is the size of each inbox, in bytes, of a member with so many partitions.
func roomOf(partitions int) int {
	return min(max(maxInbox/2/max(partitions, 1), minRoom), maxRoom)
}

// inbox holds what was fetched of one partition and is not routed yet. It takes
// every batch at once, so that a partition that waits holds up no other; what
// bounds it is that its fetching pauses while it is full.
type inbox struct {
	room          int
	pause, resume func()
	filled        chan struct{} // capacity 1: there is a batch

	// mu is held over pause and resume too, so that what was called last is what
	// paused says.
	mu      sync.Mutex
	batches []bus.Batch
	bytes   int
	paused  bool
}

func newInbox(room int, pause, resume func()) *inbox {
	return &inbox{room: room, pause: pause, resume: resume, filled: make(chan struct{}, 1)}
}

// put never waits.
func (b *inbox) put(batch bus.Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches = append(b.batches, batch)
	b.bytes += sizeOf(batch)
	if b.bytes >= b.room && !b.paused {
		b.paused = true
		b.pause()
	}
	b.signal()
}

// take gives the oldest batch; ok is false if there is none. Whoever waits for
// filled takes one batch each time.
func (b *inbox) take() (batch bus.Batch, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.batches) == 0 {
		return bus.Batch{}, false
	}
	batch = b.batches[0]
	b.batches[0] = bus.Batch{} // lets go of its records
	b.batches = b.batches[1:]
	b.bytes -= sizeOf(batch)
	if b.paused && b.bytes <= b.room/2 {
		b.paused = false
		b.resume()
	}
	if len(b.batches) > 0 {
		b.signal()
	}
	return batch, true
}

func (b *inbox) signal() {
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

// sizeOf is about what a batch takes in memory.
func sizeOf(b bus.Batch) int { return recordBytes + bytesOf(b.Records...) }

// bytesOf is about what records take in memory.
func bytesOf(records ...bus.Record) int {
	n := 0
	for i := range records {
		r := &records[i]
		n += recordBytes + len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			n += recordBytes/4 + len(h.Value)
		}
	}
	return n
}
