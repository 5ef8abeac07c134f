package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Partitions returns the number of a topic's partitions. ErrNoTopic.
func (c *Client) Partitions(ctx context.Context, topic string) (n int, err error) {
	err = c.retry(ctx, func(ctx context.Context) error {
		leaders, err := c.layout.leaders(ctx, topic)
		n = len(leaders)
		return err
	})
	return n, err
}

// EndOffsets returns the high watermark of each partition: the offset that the
// next record gets. ErrNoTopic.
func (c *Client) EndOffsets(ctx context.Context, topic string) (map[int]int64, error) {
	return c.topicOffsets(ctx, topic, kafka.LastOffset)
}

// StartOffsets returns the first offset that each partition still has, equal
// to its end if it is empty. ErrNoTopic.
func (c *Client) StartOffsets(ctx context.Context, topic string) (map[int]int64, error) {
	return c.topicOffsets(ctx, topic, kafka.FirstOffset)
}

// OffsetsAt returns for each partition the offset of the first record that was
// taken at a time or later, its end if there is none. ErrNoTopic.
func (c *Client) OffsetsAt(ctx context.Context, topic string, at time.Time) (map[int]int64, error) {
	// The ends first: what is added in between is found by its time.
	ends, err := c.EndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	millis := at.UnixMilli()
	if at.After(time.UnixMilli(millis)) {
		millis++ // records have whole ones
	}
	found, err := c.topicOffsets(ctx, topic, max(0, millis))
	if err != nil {
		return nil, err
	}
	for p, offset := range found {
		if offset < 0 {
			found[p] = ends[p]
		}
	}
	return found, nil
}

func (c *Client) topicOffsets(ctx context.Context, topic string, at int64) (map[int]int64, error) {
	var offsets map[int]int64
	err := c.retry(ctx, func(ctx context.Context) error {
		leaders, err := c.layout.leaders(ctx, topic)
		if err != nil {
			return err
		}
		wanted := make(map[topicPartition]int64, len(leaders))
		for i := range leaders {
			wanted[topicPartition{topic, i}] = at
		}
		found, err := c.offsets(ctx, wanted)
		offsets = make(map[int]int64, len(found))
		for p, offset := range found {
			offsets[p.partition] = offset
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offsets of topic %q: %w", topic, err)
	}
	return offsets, nil
}

// offsets asks for offsets in partitions, in one request per leader: the first,
// the last, or that of the first record at or after a Unix time in milliseconds,
// which is −1 if there is none. It returns those that it found, and an error if
// that is not all.
func (c *Client) offsets(ctx context.Context, wanted map[topicPartition]int64) (map[topicPartition]int64, error) {
	found := make(map[topicPartition]int64, len(wanted))
	requests := make(map[int32]*listoffsets.Request)
	var faults error
	for p, at := range wanted {
		leader, err := c.layout.leader(ctx, p.topic, p.partition)
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		req := requests[leader]
		if req == nil {
			req = &listoffsets.Request{ReplicaID: -1}
			requests[leader] = req
		}
		req.Topics = append(req.Topics, listoffsets.RequestTopic{
			Topic: p.topic,
			Partitions: []listoffsets.RequestPartition{
				{Partition: int32(p.partition), CurrentLeaderEpoch: -1, Timestamp: at},
			},
		})
	}
	for leader, req := range requests {
		answer, err := expect[*listoffsets.Response](c.do(ctx, leader, req))
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		for _, t := range answer.Topics {
			for _, p := range t.Partitions {
				if err := answered(p.ErrorCode); err != nil {
					faults = errors.Join(faults, fmt.Errorf("topic %q partition %d: %w", t.Topic, p.Partition, err))
					continue
				}
				found[topicPartition{t.Topic, int(p.Partition)}] = p.Offset
			}
		}
	}
	return found, faults
}

const (
	// readAtBytes is what ReadAt asks for: a broker sends the whole batch that has
	// the record all the same, and no second one.
	readAtBytes = 1
	// readAheadBytes is what ReadFrom asks for: about 250 records of 1 KiB.
	readAheadBytes = 256 << 10
)

// ReadAt returns one record. ErrGone if it is not there (any more), ErrNoTopic.
func (c *Client) ReadAt(ctx context.Context, at hook.Coordinates) (Record, error) {
	records, err := c.read(ctx, at, readAtBytes)
	if err != nil {
		return Record{}, err
	}
	return records[0], nil
}

// ReadFrom is ReadAt for who goes on with the records behind it: some of them come
// with it, in their order. They share memory.
func (c *Client) ReadFrom(ctx context.Context, at hook.Coordinates) ([]Record, error) {
	return c.read(ctx, at, readAheadBytes)
}

func (c *Client) read(ctx context.Context, at hook.Coordinates, bytes int) (records []Record, err error) {
	err = c.retry(ctx, func(ctx context.Context) error {
		leader, err := c.layout.leader(ctx, at.Topic, at.Partition)
		if err != nil {
			return err
		}
		want := []wanted{{topic: at.Topic, partition: at.Partition, offset: at.Offset}}
		got, err := c.fetchFrom(ctx, leader, want, time.Millisecond, bytes, bytes, nil)
		if err != nil {
			return err
		}
		records, err = from(got.partitions, at)
		return err
	})
	if errors.Is(err, errNotWritten) {
		err = ErrGone // no leader came up with it
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	return records, nil
}

// from picks the record at the coordinates out of an answer, with those behind it.
func from(got []fetched, at hook.Coordinates) ([]Record, error) {
	var d decoder
	for i := range got {
		switch err := got[i].err; {
		case errors.Is(err, kafka.OffsetOutOfRange):
			return nil, ErrGone
		case err != nil:
			return nil, err
		}
		batch, err := d.read(&got[i], at.Offset)
		if err != nil {
			return nil, err
		}
		switch {
		case len(batch.Records) > 0 && batch.Records[0].Offset == at.Offset:
			return batch.Records, nil
		case batch.Next > at.Offset:
			return nil, ErrGone // something else is there
		case batch.HighWatermark <= at.Offset:
			return nil, errNotWritten
		}
	}
	return nil, errEmpty
}
