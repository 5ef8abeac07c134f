package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

const (
	// noLeader stands for a partition that nobody leads just now.
	noLeader int32 = -1
	// secondLook is how long after a broker did not know a topic that was there
	// the question is put again: a broker that has just started may not have
	// heard of all topics yet.
	secondLook = 100 * time.Millisecond
	// awaited is how long a topic that is gone may be one that comes back.
	awaited = 10 * time.Second
)

// layout knows which broker leads which partition of the topics that were
// asked for. It is read again after expire.
type layout struct {
	client *Client

	mu      sync.Mutex
	topics  map[string][]int32   // leaders by partition; nil: not known yet
	missed  map[string]time.Time // when topics went away that had been known
	expired bool

	reading sync.Mutex // held while a read is under way, so there is only one
}

func newLayout(c *Client) *layout {
	return &layout{client: c, topics: make(map[string][]int32), missed: make(map[string]time.Time)}
}

// expire makes the next question ask a broker.
func (l *layout) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expired = true
}

// known returns the leaders of a topic as last read, without asking anybody.
func (l *layout) known(topic string) []int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.topics[topic]
}

// leaders returns the leader of each partition of a topic. ErrNoTopic.
func (l *layout) leaders(ctx context.Context, topic string) ([]int32, error) {
	if leaders, ok := l.fresh(topic); ok {
		return leaders, nil
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	if leaders, ok := l.fresh(topic); ok {
		return leaders, nil // somebody else read it meanwhile
	}
	there, err := l.read(ctx, topic)
	if err == nil && !there && l.known(topic) != nil {
		if err := pause(ctx, secondLook); err != nil {
			return nil, err
		}
		there, err = l.read(ctx, topic)
	}
	switch {
	case err != nil:
		return nil, err
	case !there:
		l.drop(topic)
		return nil, fmt.Errorf("topic %q: %w", topic, ErrNoTopic)
	}
	return l.known(topic), nil
}

// drop forgets a topic that does not exist.
func (l *layout) drop(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.topics[topic] != nil {
		l.missed[topic] = time.Now()
	}
	delete(l.topics, topic)
}

// mayReturn reports whether a topic that does not exist was there a moment ago.
func (l *layout) mayReturn(topic string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.missed[topic]
	return ok && time.Since(at) < awaited
}

// leader returns the leader of one partition. ErrNoTopic if the topic does not
// have it, errNoLeader if nobody leads it just now.
func (l *layout) leader(ctx context.Context, topic string, partition int) (int32, error) {
	leaders, err := l.leaders(ctx, topic)
	if err != nil {
		return noLeader, err
	}
	if partition < 0 || partition >= len(leaders) {
		return noLeader, fmt.Errorf("topic %q has %d partitions, not number %d: %w", topic, len(leaders), partition, ErrNoTopic)
	}
	if leaders[partition] == noLeader {
		l.expire()
		return noLeader, fmt.Errorf("topic %q partition %d: %w", topic, partition, errNoLeader)
	}
	return leaders[partition], nil
}

func (l *layout) fresh(topic string) ([]int32, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	leaders := l.topics[topic]
	return leaders, leaders != nil && !l.expired
}

// read asks a broker for this topic and all others that are of interest, and
// tells whether the broker knows it. What was known of those that it does not
// know stays.
func (l *layout) read(ctx context.Context, topic string) (there bool, err error) {
	l.mu.Lock()
	if _, ok := l.topics[topic]; !ok {
		l.topics[topic] = nil
	}
	names := slices.Sorted(maps.Keys(l.topics))
	l.mu.Unlock()

	answer, err := expect[*metadata.Response](l.client.do(ctx, anyBroker, &metadata.Request{TopicNames: names}))
	if err != nil {
		return false, fmt.Errorf("read the cluster's layout: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range answer.Topics {
		switch err := answered(t.ErrorCode); {
		case err == nil:
			l.topics[t.Name] = leadersOf(t.Partitions)
			delete(l.missed, t.Name)
			there = there || t.Name == topic
		case errors.Is(err, kafka.UnknownTopicOrPartition):
		case t.Name == topic:
			return false, fmt.Errorf("topic %q: %w", topic, err)
		}
	}
	l.expired = false
	return there, nil
}

func leadersOf(partitions []metadata.ResponsePartition) []int32 {
	leaders := make([]int32, len(partitions))
	for i := range leaders {
		leaders[i] = noLeader
	}
	for _, p := range partitions {
		if int(p.PartitionIndex) < len(leaders) && p.ErrorCode == 0 {
			leaders[p.PartitionIndex] = p.LeaderID
		}
	}
	return leaders
}
