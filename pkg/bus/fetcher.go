package bus

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// FetcherConfig tunes a Fetcher. The zero value is good.
type FetcherConfig struct {
	// MaxWait is how long a broker holds a request without data. Default 250 ms.
	MaxWait time.Duration
	// Rest is how long a loop waits after an answer with records before it asks
	// again, for who can wait: the next answer has more of them, and a broker's
	// work is by the request. Default 0.
	Rest time.Duration
	// MaxBytes bounds one answer; twice as much is buffered before fetching
	// stops. Default 16 MiB.
	MaxBytes int
	// PartitionMaxBytes bounds one partition's part of an answer and what of it
	// is buffered; a larger record still comes through. Default 1 MiB.
	PartitionMaxBytes int
	// OnSkipped is told how many control records and records of aborted
	// transactions were left out. It is called by Poll's goroutine.
	OnSkipped func(topic string, control, aborted int)
	// Log gets warnings about what is tried again. Default: the client's.
	Log *zap.Logger
}

// Batch is what was fetched of one partition at a time.
type Batch struct {
	Topic     string
	Partition int
	// Records may be empty, if all were skipped.
	Records []Record
	// Next is the position after the batch, past what was skipped.
	Next int64
	// HighWatermark is the partition's end when this was fetched.
	HighWatermark int64
	// Reset tells that the position was out of range, so that reading went on
	// somewhere else; see AddSince. Offsets may then be lower than before.
	Reset bool

	size             int
	control, aborted int
	of               *fetching
}

// Start is the offset of the first record, or Next if there is none.
func (b *Batch) Start() int64 {
	if len(b.Records) == 0 {
		return b.Next
	}
	return b.Records[0].Offset
}

type topicPartition struct {
	topic     string
	partition int
}

// fetching is the state of one partition; guarded by Fetcher.mu.
type fetching struct {
	topicPartition
	offset int64 // to fetch next; FirstOffset: ask where the log starts
	leader int32 // noLeader: to be found, and a position if offset is FirstOffset or lost
	paused bool
	lost   bool      // the offset is out of range
	reset  bool      // the next batch says so
	since  time.Time // when the position was last known to be right
	queued int       // bytes waiting for Poll
	served uint64

	flying  bool      // asked for, not yet answered
	stirred time.Time // when it last had records, or was added
}

// Fetcher reads many partitions, read-committed, each in order. Per broker there
// are few requests, each for many of the partitions that the broker leads; see
// station.
type Fetcher struct {
	client *Client
	cfg    FetcherConfig
	log    *zap.Logger
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu         sync.Mutex
	partitions map[topicPartition]*fetching
	stations   map[int32]*station
	queue      []*Batch
	queued     int           // bytes in queue
	round      uint64        // counts answers, to serve partitions in turn
	ready      chan struct{} // capacity 1: the queue may be filled
	homeless   chan struct{} // capacity 1: a partition has no known leader
}

// NewFetcher returns a fetcher without partitions.
func (c *Client) NewFetcher(cfg FetcherConfig) *Fetcher {
	cfg.MaxWait = cmp.Or(cfg.MaxWait, 250*time.Millisecond)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 16*mib)
	cfg.PartitionMaxBytes = cmp.Or(cfg.PartitionMaxBytes, mib)
	if cfg.Log == nil {
		cfg.Log = c.log
	}
	ctx, cancel := context.WithCancel(c.ctx)
	f := &Fetcher{
		client:     c,
		cfg:        cfg,
		log:        cfg.Log,
		ctx:        ctx,
		cancel:     cancel,
		partitions: make(map[topicPartition]*fetching),
		stations:   make(map[int32]*station),
		ready:      make(chan struct{}, 1),
		homeless:   make(chan struct{}, 1),
	}
	f.done.Go(f.findLeaders)
	return f
}

// Add is AddSince for a position of which it is not known when it was right.
func (f *Fetcher) Add(topic string, partition int, offset int64) {
	f.AddSince(topic, partition, offset, time.Time{})
}

// AddSince begins to fetch a partition at an offset, FirstOffset for the
// earliest. A partition that was added before starts over.
//
// since is when the offset was a position of the partition, as in
// Committed.At; each fetch that works renews it. It tells where to go on when
// the partition turns out to end before the position:
//
//   - A topic that was made anew has been since then: none of its records was
//     ever read, so all of them are.
//   - A broker that lost the end of its log has had another end since then.
//     What came before that was read, but for some minutes, in case clocks
//     differ.
//
// In both cases that is the first record whose time is since less five
// minutes or later, which holds for topics whose times are the broker's. With
// the zero time, and where the records at the position expired, it is the
// earliest record.
func (f *Fetcher) AddSince(topic string, partition int, offset int64, since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := topicPartition{topic, partition}
	f.drop(key)
	f.partitions[key] = &fetching{topicPartition: key, offset: offset, leader: noLeader, since: since, stirred: time.Now()}
	signal(f.homeless)
}

// Remove ends fetching a partition. A Poll that begins afterwards returns no
// batch of it.
func (f *Fetcher) Remove(topic string, partition int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(topicPartition{topic, partition})
}

func (f *Fetcher) drop(key topicPartition) {
	p := f.partitions[key]
	if p == nil {
		return
	}
	delete(f.partitions, key)
	f.free(p, p.queued)
	f.queue = slices.DeleteFunc(f.queue, func(b *Batch) bool { return b.of == p })
}

// Pause stops fetching a partition. What was fetched is still returned, and so is
// the answer to a request that is under way: one batch, within MaxWait.
func (f *Fetcher) Pause(topic string, partition int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.partitions[topicPartition{topic, partition}]; p != nil {
		p.paused = true
	}
}

// Resume goes on where Pause stopped.
func (f *Fetcher) Resume(topic string, partition int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.partitions[topicPartition{topic, partition}]
	if p == nil || !p.paused {
		return
	}
	p.paused = false
	if s := f.stations[p.leader]; s != nil && !p.flying {
		s.call(p, time.Now())
	}
}

// Poll returns the next batch, waiting for one. Batches of one partition come
// in order. It fails with ctx's error at its end and ErrClosed after Close.
// One goroutine calls it at a time.
func (f *Fetcher) Poll(ctx context.Context) (Batch, error) {
	for {
		if b, ok := f.next(); ok {
			if f.cfg.OnSkipped != nil && b.control+b.aborted > 0 {
				f.cfg.OnSkipped(b.Topic, b.control, b.aborted)
			}
			return b, nil
		}
		select {
		case <-f.ready:
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		case <-f.ctx.Done():
			return Batch{}, ErrClosed
		}
	}
}

func (f *Fetcher) next() (Batch, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return Batch{}, false
	}
	b := f.queue[0]
	f.queue[0] = nil
	f.queue = f.queue[1:]
	f.free(b.of, b.size)
	return *b, true
}

// full reports whether so much waits for Poll that nothing is fetched.
func (f *Fetcher) full() bool { return f.queued >= 2*f.cfg.MaxBytes }

// free notes that some of a partition's bytes wait no longer. Its loop may have
// left the partition out because of them, and all of them may have stopped.
func (f *Fetcher) free(p *fetching, bytes int) {
	stopped, left := f.full(), p.queued >= f.cfg.PartitionMaxBytes
	f.queued -= bytes
	p.queued -= bytes
	switch s := f.stations[p.leader]; {
	case stopped && !f.full():
		for _, s := range f.stations {
			s.callAll()
		}
	case left && p.queued < f.cfg.PartitionMaxBytes && s != nil && !p.flying:
		s.call(p, time.Now())
	}
}

// Close ends all fetching. A Poll under way returns ErrClosed.
func (f *Fetcher) Close() {
	f.cancel()
	f.done.Wait()
}

// signal leaves a note in a channel of capacity 1, where it stays until read.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
