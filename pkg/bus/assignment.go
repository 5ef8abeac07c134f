package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
)

// Committed is a group's position in one partition.
type Committed struct {
	// Offset to read next; FirstOffset if none was ever committed.
	Offset int64
	// Metadata is UTF-8 text, at most MaxMetadata bytes.
	Metadata string
	// At is when this was committed, by the clock of who did; Commit sets it. It
	// is zero if another program committed.
	At time.Time
}

// MaxMetadata bounds Committed.Metadata: Kafka stores 4,096 bytes by default,
// and the time goes before it.
const MaxMetadata = 4_000

// atPrefix begins what is stored beside an offset: when, in Unix milliseconds,
// and after a space the metadata, if there is any.
const atPrefix = "at="

// stored is what is stored beside an offset that is committed now.
func (c *Committed) stored(now time.Time) string {
	at := atPrefix + strconv.FormatInt(now.UnixMilli(), 10)
	if c.Metadata == "" {
		return at
	}
	return at + " " + c.Metadata
}

// committedOf reads what is stored.
func committedOf(offset int64, stored string) Committed {
	c := Committed{Offset: offset, Metadata: stored}
	if offset < 0 {
		c.Offset = FirstOffset
	}
	at, rest, _ := strings.Cut(stored, " ")
	if at, ok := strings.CutPrefix(at, atPrefix); ok {
		if millis, err := strconv.ParseInt(at, 10, 64); err == nil {
			c.Metadata, c.At = rest, time.UnixMilli(millis)
		}
	}
	return c
}

// Assignment is what one member owns for one generation.
type Assignment struct {
	Generation int
	// Member is this member's id, given by the coordinator.
	Member string
	// Partitions are the numbers by topic, sorted; the same for every topic
	// that has them.
	Partitions map[string][]int
	// Session is how long the group waits for a silent member before it gives
	// its partitions to others.
	Session time.Duration

	client    *Client
	group     string
	committed map[string]map[int]Committed
}

// Committed is the position at the start of the generation.
func (a *Assignment) Committed(topic string, partition int) Committed {
	if c, ok := a.committed[topic][partition]; ok {
		return c
	}
	return Committed{Offset: FirstOffset}
}

// Commit stores positions under this generation. It works until the handler
// has returned, also after the revocation. It fails if the group went on
// without this member; then the positions are the new owner's.
func (a *Assignment) Commit(ctx context.Context, offsets map[string]map[int]Committed) error {
	now := time.Now()
	req := &offsetcommit.Request{
		GroupID:         a.group,
		GenerationID:    int32(a.Generation),
		MemberID:        a.Member,
		RetentionTimeMs: -1, // the broker's, where the request has it
	}
	for topic, partitions := range offsets {
		t := offsetcommit.RequestTopic{Name: topic}
		for partition, c := range partitions {
			t.Partitions = append(t.Partitions, offsetcommit.RequestPartition{
				PartitionIndex:       int32(partition),
				CommittedOffset:      c.Offset,
				CommittedLeaderEpoch: -1,
				CommittedMetadata:    c.stored(now),
			})
		}
		req.Topics = append(req.Topics, t)
	}
	if len(req.Topics) == 0 {
		return nil
	}
	err := a.client.retry(ctx, func(ctx context.Context) error {
		answer, err := expect[*offsetcommit.Response](a.client.ask(ctx, a.group, req, requestTimeout))
		if err != nil {
			return err
		}
		var faults error
		for _, t := range answer.Topics {
			for _, p := range t.Partitions {
				if err := answered(p.ErrorCode); err != nil {
					faults = errors.Join(faults, fmt.Errorf("topic %q partition %d: %w", t.Name, p.PartitionIndex, err))
				}
			}
		}
		return faults
	})
	if err != nil {
		return fmt.Errorf("commit offsets of group %q: %w", a.group, err)
	}
	return nil
}

// CommittedOffsets returns the positions of a group in all partitions of
// topics, to compute lag from. ErrNoTopic.
func (c *Client) CommittedOffsets(ctx context.Context, group string, topics []string) (map[string]map[int]Committed, error) {
	partitions := make(map[string][]int, len(topics))
	for _, topic := range topics {
		n, err := c.Partitions(ctx, topic)
		if err != nil {
			return nil, err
		}
		for i := range n {
			partitions[topic] = append(partitions[topic], i)
		}
	}
	return c.committed(ctx, group, partitions)
}

func (c *Client) committed(ctx context.Context, group string, partitions map[string][]int) (map[string]map[int]Committed, error) {
	req := &offsetfetch.Request{GroupID: group}
	for topic, numbers := range partitions {
		t := offsetfetch.RequestTopic{Name: topic}
		for _, n := range numbers {
			t.PartitionIndexes = append(t.PartitionIndexes, int32(n))
		}
		req.Topics = append(req.Topics, t)
	}
	found := make(map[string]map[int]Committed, len(partitions))
	if len(req.Topics) == 0 {
		return found, nil // no topics would mean all
	}
	err := c.retry(ctx, func(ctx context.Context) error {
		answer, err := expect[*offsetfetch.Response](c.ask(ctx, group, req, requestTimeout))
		if err != nil {
			return err
		}
		faults := answered(answer.ErrorCode)
		if errors.Is(faults, kafka.GroupIdNotFound) {
			faults = nil // nothing was ever committed
		}
		for _, t := range answer.Topics {
			positions := make(map[int]Committed, len(t.Partitions))
			for _, p := range t.Partitions {
				if err := answered(p.ErrorCode); err != nil {
					faults = errors.Join(faults, fmt.Errorf("topic %q partition %d: %w", t.Name, p.PartitionIndex, err))
				}
				positions[int(p.PartitionIndex)] = committedOf(p.CommittedOffset, p.Metadata)
			}
			found[t.Name] = positions
		}
		return faults
	})
	if err != nil {
		return nil, fmt.Errorf("committed offsets of group %q: %w", group, err)
	}
	return found, nil
}
