package bus

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// ProducerConfig tunes a Producer. The zero value is good.
type ProducerConfig struct {
	// MaxBatchBytes bounds the records of one partition in one request, before
	// compression; a larger record goes alone. Default 1 MiB.
	MaxBatchBytes int
	// MaxBufferedBytes bounds what is queued and under way; beyond it Produce
	// waits. Default 64 MiB.
	MaxBufferedBytes int
	// Linger is how long a record may wait for others to go with it: a broker's
	// work is by the request far more than by the record. Default 0: it goes as
	// soon as nothing else of its partition is under way.
	Linger time.Duration
	// Compression of the batches. Default Uncompressed.
	Compression Compression
	// Log gets warnings about what is tried again. Default: the client's.
	Log *zap.Logger
}

// Producer writes records, acknowledged by all replicas in sync. Of each
// partition one batch is under way at a time; what arrives meanwhile goes out
// together as the next, and a record that finds nothing under way goes at
// once, or after Linger. So there is no timeout to wait for where time counts,
// and under load batches grow by themselves. A batch whose fault passes is sent again, in its place, until
// Close: the order within a partition holds, a record can be written twice and
// none is lost.
type Producer struct {
	client *Client
	cfg    ProducerConfig
	log    *zap.Logger
	ctx    context.Context // ends the requests
	cancel context.CancelFunc
	work   sync.WaitGroup

	turn atomic.Uint32 // for records without a key

	answering sync.Mutex // held while done functions run: one at a time

	mu       sync.Mutex
	boxes    map[topicPartition]*outbox
	waiting  []*outbox // have records and nothing under way, in turn
	lingers  bool      // they are sent soon
	requests map[int32]int
	buffered int
	freed    chan struct{} // closed when buffered falls
	closed   bool
}

// NewProducer returns a producer, to be closed.
func (c *Client) NewProducer(cfg ProducerConfig) *Producer {
	cfg.MaxBatchBytes = cmp.Or(cfg.MaxBatchBytes, mib)
	cfg.MaxBufferedBytes = cmp.Or(cfg.MaxBufferedBytes, 64*mib)
	if cfg.Log == nil {
		cfg.Log = c.log
	}
	ctx, cancel := context.WithCancel(c.ctx)
	return &Producer{
		client:   c,
		cfg:      cfg,
		log:      cfg.Log,
		ctx:      ctx,
		cancel:   cancel,
		boxes:    make(map[topicPartition]*outbox),
		requests: make(map[int32]int),
		freed:    make(chan struct{}),
	}
}

// Produce queues one record. Its slices belong to the producer until done. It
// blocks while MaxBufferedBytes are queued or the topic's partitions are not
// known, until ctx ends; a topic that was there before is waited for some
// seconds. Its error means that done is never called: ctx's, ErrClosed,
// ErrNoTopic, or ErrTooLarge above 64 MiB, which no broker would read.
//
// done is called once, with where the record was written or why not
// (ErrTooLarge, ErrClosed, or what Kafka says). All done functions of a
// producer run one at a time, those of a partition in the order of Produce, so
// done must not block. It may be nil.
func (p *Producer) Produce(ctx context.Context, r Record, done func(at hook.Coordinates, err error)) error {
	if err := p.choosePartition(ctx, &r); err != nil {
		return err
	}
	item := &outgoing{record: r, size: r.size(), done: done}
	if item.size > maxRecordBytes {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, item.size)
	}
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return ErrClosed
		}
		// One that is larger than the whole buffer waits until it is alone.
		if p.buffered == 0 || p.buffered+item.size <= p.cfg.MaxBufferedBytes {
			p.queue(item)
			p.mu.Unlock()
			return nil
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// choosePartition sets r.Partition where it is left to us, and checks it.
func (p *Producer) choosePartition(ctx context.Context, r *Record) error {
	n := len(p.client.layout.known(r.Topic))
	wait := minBackoff
	for n == 0 {
		var err error
		if n, err = p.client.Partitions(ctx, r.Topic); err == nil {
			break
		}
		if ctx.Err() != nil {
			return unknownPartitions(ctx, r.Topic, err)
		}
		if p.ctx.Err() != nil {
			return ErrClosed
		}
		if !passing(err) && !p.client.layout.mayReturn(r.Topic) {
			return err
		}
		p.log.Warn("partitions are not known yet", zap.String("topic", r.Topic), zap.Error(err))
		if pause(ctx, wait) != nil {
			return unknownPartitions(ctx, r.Topic, err)
		}
		wait = min(2*wait, maxBackoff)
	}
	switch {
	case r.Partition == AnyPartition && r.Key != nil:
		r.Partition = PartitionOf(r.Key, n)
	case r.Partition == AnyPartition:
		r.Partition = int(p.turn.Add(1)) % n
	case r.Partition < 0 || r.Partition >= n:
		return fmt.Errorf("topic %q has %d partitions, not number %d: %w", r.Topic, n, r.Partition, ErrNoTopic)
	}
	return nil
}

// unknownPartitions says what was waited for when ctx ended: a wrong password
// may look like a broker that is away.
func unknownPartitions(ctx context.Context, topic string, err error) error {
	return fmt.Errorf("%w while the partitions of %q were not known: %w", ctx.Err(), topic, err)
}

// ProduceSync produces records and waits until all are acknowledged. It returns
// the first error, when the fate of all that were queued is known or ctx ends.
func (p *Producer) ProduceSync(ctx context.Context, records ...Record) error {
	errs := make(chan error, len(records))
	var first error
	queued := 0
	for _, r := range records {
		if first = p.Produce(ctx, r, func(_ hook.Coordinates, err error) { errs <- err }); first != nil {
			break
		}
		queued++
	}
	for range queued {
		select {
		case err := <-errs:
			if first == nil {
				first = err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return first
}

// Close takes no more records and waits until all are acknowledged. When ctx
// ends before that, it gives up: the rest gets ErrClosed, though some of it may
// have been written, and Close returns ctx's error.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.send() // what lingers
	p.wake()
	p.mu.Unlock()
	err := p.drain(ctx)
	p.cancel()
	p.work.Wait()
	p.abandon()
	return err
}

func (p *Producer) drain(ctx context.Context) error {
	for {
		p.mu.Lock()
		left, freed := p.buffered, p.freed
		p.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ctx.Done():
			return ErrClosed // the client was closed first
		}
	}
}

// wake lets everybody look again who waits for the buffer. Under p.mu.
func (p *Producer) wake() {
	close(p.freed)
	p.freed = make(chan struct{})
}
