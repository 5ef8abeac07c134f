package sender

import (
	"sync"

	"github.com/staffetta/staffetta/pkg/bus"
)

// inboxBatches is how many fetched batches of deliveries may wait for an owner
// before its fetching pauses.
const inboxBatches = 4

// inbox is what was fetched for an owner and is not taken in yet. It takes
// whatever comes, so that one owner never keeps the others' batches waiting; it
// is bounded because fetching is paused.
type inbox struct {
	fetcher   *bus.Fetcher
	partition int

	mu      sync.Mutex
	batches []bus.Batch
	// fresh is how many of them are of deliveries; paused whether fetching of
	// deliveries is. The fetcher is told under mu, so that the two agree.
	fresh  int
	paused bool
	ready  chan struct{}
}

func newInbox(f *bus.Fetcher, partition int) *inbox {
	return &inbox{fetcher: f, partition: partition, ready: make(chan struct{}, 1)}
}

func (i *inbox) put(b bus.Batch) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.batches = append(i.batches, b)
	if b.Topic == bus.Deliveries {
		i.fresh++
		if i.fresh >= inboxBatches && !i.paused {
			i.paused = true
			i.fetcher.Pause(b.Topic, i.partition)
		}
	}
	i.signal()
}

// get returns the next batch, if there is one.
func (i *inbox) get() (b bus.Batch, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.batches) == 0 {
		return bus.Batch{}, false
	}
	b, i.batches[0] = i.batches[0], bus.Batch{}
	i.batches = i.batches[1:]
	if b.Topic == bus.Deliveries {
		i.fresh--
		if i.fresh < inboxBatches && i.paused {
			i.paused = false
			i.fetcher.Resume(b.Topic, i.partition)
		}
	}
	if len(i.batches) > 0 {
		i.signal()
	}
	return b, true
}

// signal leaves a note that there is something to get.
func (i *inbox) signal() {
	select {
	case i.ready <- struct{}{}:
	default:
	}
}
