package bus

import (
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// take queues what the broker answered: some says that there was any. ok is
// false if an answer could not be read, so that asking again at once would not
// help.
func (l *fetchLoop) take(want []wanted, got []fetched, sent time.Time) (some, ok bool) {
	f := l.station.fetcher
	asked := make(map[topicPartition]int64, len(want))
	for _, w := range want {
		asked[topicPartition{w.topic, w.partition}] = w.offset
	}
	ok = true
	l.confirm(asked, got, sent)
	for i := range got {
		answer := &got[i]
		key := topicPartition{answer.topic, answer.partition}
		from, known := asked[key]
		if !known {
			continue
		}
		if answer.err != nil {
			l.failed(key, from, answer.err)
			continue
		}
		if len(answer.set) == 0 {
			continue
		}
		batch, err := l.decode.read(answer, from)
		if err != nil {
			f.log.Error("fetched batch cannot be read", zap.String("topic", key.topic),
				zap.Int("partition", key.partition), zap.Int64("offset", batch.Next), zap.Error(err))
			ok = false
		}
		if batch.Next > from {
			l.enqueue(batch, from)
			some = true
		}
	}
	return some, ok
}

// confirm notes that positions were right when the request was sent.
func (l *fetchLoop) confirm(asked map[topicPartition]int64, got []fetched, sent time.Time) {
	f := l.station.fetcher
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range got {
		key := topicPartition{got[i].topic, got[i].partition}
		from, known := asked[key]
		if p := f.partitions[key]; known && p != nil && p.offset == from && got[i].err == nil {
			p.since = sent
		}
	}
}

// read decodes what was fetched of one partition. With an error it returns the
// batches before the bad one.
func (d *decoder) read(answer *fetched, from int64) (*Batch, error) {
	batch := &Batch{
		Topic:         answer.topic,
		Partition:     answer.partition,
		Next:          from,
		HighWatermark: answer.highWatermark,
		size:          len(answer.set),
	}
	d.topic, d.partition = answer.topic, answer.partition
	if n := expected(answer.set); n > 0 {
		batch.Records = make([]Record, 0, n)
	}
	open := newTransactions(answer.aborted)
	for set := answer.set; ; {
		b, rest, ok, err := nextBatch(set)
		if err != nil || !ok {
			return batch, err
		}
		set = rest
		switch control, aborted := open.skip(&b); {
		case b.last < from:
		case control:
			batch.control += b.count
		case aborted:
			batch.aborted += b.count
		default:
			records, err := d.append(batch.Records, &b, from)
			if err != nil {
				return batch, err
			}
			batch.Records = records
		}
		batch.Next = max(batch.Next, b.last+1)
	}
}

// enqueue hands a batch to Poll, unless its partition was removed or moved
// while it was fetched.
func (l *fetchLoop) enqueue(b *Batch, from int64) {
	f := l.station.fetcher
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.partitions[topicPartition{b.Topic, b.Partition}]
	if p == nil || p.offset != from {
		return
	}
	f.round++
	p.served = f.round
	p.stirred = time.Now()
	p.offset = b.Next
	b.Reset, p.reset = p.reset, false
	b.of = p
	p.queued += b.size
	f.queued += b.size
	f.queue = append(f.queue, b)
	signal(f.ready)
}

// failed sends a partition to look for its leader, or its position, again.
func (l *fetchLoop) failed(key topicPartition, from int64, err error) {
	f := l.station.fetcher
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.partitions[key]
	if p == nil || p.leader != l.station.broker || p.offset != from {
		return
	}
	p.leader = noLeader
	if errors.Is(err, kafka.OffsetOutOfRange) {
		f.log.Warn("position is out of range", zap.String("topic", key.topic), zap.Int("partition", key.partition), zap.Int64("offset", from))
		p.lost = true
		signal(f.homeless)
		return
	}
	if !passing(err) {
		f.log.Error("partition cannot be fetched", zap.String("topic", key.topic), zap.Int("partition", key.partition), zap.Error(err))
	}
	f.client.layout.expire()
	// Not at once: an election takes a moment.
	time.AfterFunc(2*minBackoff, func() { signal(f.homeless) })
}
