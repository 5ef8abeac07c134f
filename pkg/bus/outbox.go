package bus

import (
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// requestsPerBroker are under way at a time, each for partitions of its
	// own. With one, a record waits for the request of another partition; with
	// one per partition, 10,000 records a second over 32 partitions are nearly
	// as many requests.
	requestsPerBroker = 3
	// maxRequestBytes bounds one request; brokers take 100 MiB.
	maxRequestBytes = 8 * mib
	// maxRecordBytes bounds one record. A broker drops the connection of a
	// request above its limit, which would look like a fault that passes.
	maxRecordBytes = 64 * mib
	// ackTimeout is how long the leader waits for the other replicas.
	ackTimeout = requestTimeout / 2
)

// outgoing is a record on its way.
type outgoing struct {
	record Record
	size   int
	done   func(at hook.Coordinates, err error)
}

// outbox is the queue of one partition; guarded by Producer.mu, but batch
// belongs to the request while one is under way.
type outbox struct {
	topicPartition
	queue []*outgoing
	batch []*outgoing   // under way, or to be sent again
	busy  bool          // a request or its backoff is under way
	limit int           // bytes in the next batch, at least one record
	wait  time.Duration // backoff after the next fault
}

// queue takes an item and sends what can be sent. Under p.mu.
func (p *Producer) queue(item *outgoing) {
	key := topicPartition{item.record.Topic, item.record.Partition}
	box := p.boxes[key]
	if box == nil {
		box = &outbox{topicPartition: key, limit: p.cfg.MaxBatchBytes, wait: minBackoff}
		p.boxes[key] = box
	}
	box.queue = append(box.queue, item)
	p.buffered += item.size
	if !box.busy && len(box.queue) == 1 && box.batch == nil {
		p.waiting = append(p.waiting, box)
		p.soon()
	}
}

// soon sends at once, or when what waits has lingered. Under p.mu.
func (p *Producer) soon() {
	switch {
	case p.cfg.Linger == 0 || p.closed:
		p.send()
	case !p.lingers && len(p.waiting) > 0:
		p.lingers = true
		time.AfterFunc(p.cfg.Linger, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.lingers = false
			if !p.closed { // else Close has sent it
				p.send()
			}
		})
	}
}

// send makes requests of the boxes that wait, as far as their brokers have
// room. A box whose leader is unknown goes to broker anyBroker, so that its
// request fails and finds the leader. Under p.mu.
func (p *Producer) send() {
	type load struct {
		boxes []*outbox
		size  int
	}
	loads := make(map[int32]*load)
	left := p.waiting[:0]
	for _, box := range p.waiting {
		broker := p.leader(box)
		l := loads[broker]
		if l == nil {
			if p.requests[broker] >= requestsPerBroker {
				left = append(left, box)
				continue
			}
			l = new(load)
			loads[broker] = l
		}
		if len(l.boxes) > 0 && l.size >= maxRequestBytes {
			left = append(left, box)
			continue
		}
		l.size += box.fill()
		l.boxes = append(l.boxes, box)
	}
	clear(p.waiting[len(left):])
	p.waiting = left
	for broker, l := range loads {
		p.requests[broker]++
		p.work.Go(func() { p.request(broker, l.boxes) })
	}
}

func (p *Producer) leader(box *outbox) int32 {
	if leaders := p.client.layout.known(box.topic); box.partition < len(leaders) {
		return leaders[box.partition]
	}
	return noLeader
}

// fill moves records from the queue into the batch, unless there is one to be
// sent again.
func (b *outbox) fill() (size int) {
	b.busy = true
	if b.batch != nil {
		return sizeOf(b.batch)
	}
	n := 0
	for n < len(b.queue) && (n == 0 || size+b.queue[n].size <= b.limit) {
		size += b.queue[n].size
		n++
	}
	b.batch = b.queue[:n:n]
	b.queue = b.queue[n:]
	if len(b.queue) == 0 {
		b.queue = nil // lets go of the array with what was sent
	}
	return size
}

func sizeOf(batch []*outgoing) (size int) {
	for _, item := range batch {
		size += item.size
	}
	return size
}

// request sends the batches of some boxes to their leader and settles each.
func (p *Producer) request(broker int32, boxes []*outbox) {
	outcomes, err := p.exchange(broker, boxes)
	for _, box := range boxes {
		outcome := outcomes[box.topicPartition]
		if err != nil {
			outcome.err = err
		}
		p.settle(box, outcome)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests[broker]--
	p.soon()
}

// outcome of a batch: the offset of its first record, or why it failed.
type outcome struct {
	first int64
	err   error
}

// settle answers the records of a batch, or has it sent again.
func (p *Producer) settle(box *outbox, o outcome) {
	var answer kafka.Error
	switch errors.As(o.err, &answer); {
	case o.err == nil:
		p.finish(box, func(i int, item *outgoing) (hook.Coordinates, error) {
			return hook.Coordinates{Topic: box.topic, Partition: box.partition, Offset: o.first + int64(i)}, nil
		})
		// Slowly back to full size, after a batch was too large.
		p.next(box, min(box.limit+box.limit/8+1, p.cfg.MaxBatchBytes))
	case p.ctx.Err() != nil:
		return // abandon answers
	case isOfRecord(answer) && len(box.batch) > 1:
		// They are too many for the topic, or one of them is the cause: send
		// halves, until it is alone.
		half := sizeOf(box.batch) / 2
		p.mu.Lock()
		box.queue = append(box.batch, box.queue...)
		p.mu.Unlock()
		p.next(box, half)
	case !passing(o.err):
		err := o.err
		if answer == kafka.MessageSizeTooLarge || answer == kafka.RecordListTooLarge {
			err = fmt.Errorf("%w: %w", ErrTooLarge, o.err)
		}
		p.finish(box, func(int, *outgoing) (hook.Coordinates, error) { return hook.Coordinates{}, err })
		p.next(box, box.limit)
	default:
		p.again(box, o.err)
	}
}

// isOfRecord reports whether a broker refuses a batch for what is in it.
func isOfRecord(err kafka.Error) bool {
	switch err {
	case kafka.MessageSizeTooLarge, kafka.RecordListTooLarge, kafka.InvalidRecord, kafka.InvalidTimestamp:
		return true
	}
	return false
}

// finish calls the done functions of the batch.
func (p *Producer) finish(box *outbox, answer func(i int, item *outgoing) (hook.Coordinates, error)) {
	p.answering.Lock()
	defer p.answering.Unlock()
	size := sizeOf(box.batch)
	for i, item := range box.batch {
		at, err := answer(i, item)
		if item.done != nil {
			item.done(at, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buffered -= size
	p.wake()
}

// next lets the box send what is in its queue, in batches of limit bytes.
func (p *Producer) next(box *outbox, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	box.batch, box.busy, box.limit, box.wait = nil, false, limit, minBackoff
	if len(box.queue) > 0 {
		p.waiting = append(p.waiting, box)
		p.soon()
	}
}

// again sends the batch once more after a backoff and a look at the layout.
func (p *Producer) again(box *outbox, err error) {
	p.log.Warn("produce failed, trying again", zap.String("topic", box.topic), zap.Int("partition", box.partition),
		zap.Int("records", len(box.batch)), zap.Duration("after", box.wait), zap.Error(err))
	p.work.Go(func() {
		if pause(p.ctx, box.wait) != nil {
			return
		}
		p.client.layout.expire()
		if _, err := p.client.layout.leaders(p.ctx, box.topic); err != nil && p.ctx.Err() == nil {
			p.log.Warn("layout is not known", zap.Error(err))
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		box.wait = min(2*box.wait, maxBackoff)
		p.waiting = append(p.waiting, box)
		p.send()
	})
}

// abandon answers ErrClosed to all that is left. Nothing else runs any more.
func (p *Producer) abandon() {
	for _, box := range p.boxes {
		box.batch = append(box.batch, box.queue...)
		box.queue = nil
		p.finish(box, func(int, *outgoing) (hook.Coordinates, error) { return hook.Coordinates{}, ErrClosed })
		box.batch = nil
	}
}
