package bus_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// members are those of one group, each with what it owns now.
type members struct {
	t      *testing.T
	client *bus.Client
	cfg    bus.GroupConfig

	mu    sync.Mutex
	owned map[int]*bus.Assignment
}

func newMembers(t *testing.T, client *bus.Client, topics ...string) *members {
	return &members{t: t, client: client, owned: make(map[int]*bus.Assignment), cfg: bus.GroupConfig{
		ID:                name("group"),
		Topics:            topics,
		SessionTimeout:    6 * time.Second, // the least that Apache Kafka takes
		HeartbeatInterval: 50 * time.Millisecond,
	}}
}

// join runs a member; leave ends it and waits until it has left.
func (m *members) join(number int) (leave func()) {
	group, err := m.client.NewGroup(m.cfg)
	require.NoError(m.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() {
		left <- group.Run(ctx, func(ctx context.Context, a *bus.Assignment) error {
			m.set(number, a)
			<-ctx.Done()
			m.set(number, nil)
			return ctx.Err()
		})
	}()
	leave = sync.OnceFunc(func() {
		cancel()
		require.NoError(m.t, <-left)
	})
	m.t.Cleanup(leave)
	return leave
}

func (m *members) set(number int, a *bus.Assignment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a == nil {
		delete(m.owned, number)
	} else {
		m.owned[number] = a
	}
}

// settled waits until so many members own all partitions together, in one
// generation, and returns the owner of each number.
func (m *members) settled(count, partitions int) map[int]int {
	m.t.Helper()
	var owners map[int]int
	require.Eventually(m.t, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		owners = make(map[int]int)
		generations := make(map[int]bool)
		for number, a := range m.owned {
			generations[a.Generation] = true
			for _, p := range a.Partitions[m.cfg.Topics[0]] {
				owners[p] = number
			}
		}
		return len(m.owned) == count && len(generations) == 1 && len(owners) == partitions
	}, patience, time.Millisecond)
	return owners
}

func TestAMemberOwnsTheSameNumbersOfEveryTopicAndFewMove(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		const partitions = 8
		small := topic(t, client, 3) // lacks the higher numbers
		m := newMembers(t, client, topic(t, client, partitions), topic(t, client, partitions), topic(t, client, partitions), small)

		leaves := make(map[int]func())
		for number := range 3 {
			leaves[number] = m.join(number)
		}
		before := m.settled(3, partitions)

		m.mu.Lock()
		for _, a := range m.owned {
			numbers := a.Partitions[m.cfg.Topics[0]]
			require.InDelta(t, partitions/3.0, len(numbers), 1, "even shares")
			for _, topic := range m.cfg.Topics[1:3] {
				require.Equal(t, numbers, a.Partitions[topic])
			}
			for _, p := range a.Partitions[small] {
				require.Contains(t, numbers, p)
			}
		}
		m.mu.Unlock()

		leaves[1]()
		after := m.settled(2, partitions)
		moved := 0
		for p, owner := range before {
			if owner != 1 && after[p] != owner {
				moved++
			}
		}
		require.Zero(t, moved, "only what the one that left had goes elsewhere")

		m.join(3)
		again := m.settled(3, partitions)
		moved = 0
		for p, owner := range after {
			if again[p] != owner {
				require.Equal(t, 3, again[p])
				moved++
			}
		}
		require.InDelta(t, partitions/3.0, moved, 1, "the new one's share")
	})
}

func TestACommitOnRevocationIsReadBackWithItsMetadata(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		first := topic(t, client, 2)
		m := newMembers(t, client, first)
		metadata := base64.StdEncoding.EncodeToString(make([]byte, 2250)) // 3,000 characters

		group, err := client.NewGroup(m.cfg)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		owning := make(chan *bus.Assignment)
		left := make(chan error, 1)
		commits := make(chan error, 10)
		go func() {
			left <- group.Run(ctx, func(ctx context.Context, a *bus.Assignment) error {
				select {
				case owning <- a:
				case <-ctx.Done():
				}
				<-ctx.Done()
				offsets := make(map[int]bus.Committed)
				for _, p := range a.Partitions[first] {
					offsets[p] = bus.Committed{Offset: int64(40 + p), Metadata: metadata}
				}
				commits <- a.Commit(context.WithoutCancel(ctx), map[string]map[int]bus.Committed{first: offsets})
				return nil
			})
		}()
		a := <-owning
		require.Equal(t, bus.Committed{Offset: bus.FirstOffset}, a.Committed(first, 0), "never committed")

		m.join(1) // takes one of the two
		require.NoError(t, <-commits, "revoked by a rebalance")
		<-owning
		m.settled(1, 1)
		m.mu.Lock()
		p := m.owned[1].Partitions[first][0]
		got := m.owned[1].Committed(first, p)
		require.Equal(t, bus.Committed{Offset: int64(40 + p), Metadata: metadata, At: got.At}, got)
		m.mu.Unlock()

		cancel()
		require.NoError(t, <-commits, "revoked by the end")
		require.NoError(t, <-left)
		all, err := client.CommittedOffsets(patient(t), m.cfg.ID, []string{first})
		require.NoError(t, err)
		for p := range 2 {
			got := all[first][p]
			require.Equal(t, bus.Committed{Offset: int64(40 + p), Metadata: metadata, At: got.At}, got)
		}
	})
}

func TestAMemberThatEndsLeavesAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		m := newMembers(t, client, topic(t, client, 4))
		broken := errors.New("broken")
		group, err := client.NewGroup(m.cfg)
		require.NoError(t, err)
		err = group.Run(patient(t), func(context.Context, *bus.Assignment) error { return broken })
		require.ErrorIs(t, err, broken)

		begin := time.Now()
		m.join(1)
		m.settled(1, 4)
		require.Less(t, time.Since(begin), m.cfg.SessionTimeout/2, "nobody was waited for")
	})
}

func TestTheCauseTellsARebalanceFromTheEnd(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		m := newMembers(t, client, topic(t, client, 2))
		group, err := client.NewGroup(m.cfg)
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(context.Background())
		causes := make(chan error, 10)
		joined := make(chan struct{}, 10)
		left := make(chan error, 1)
		go func() {
			left <- group.Run(ctx, func(ctx context.Context, _ *bus.Assignment) error {
				joined <- struct{}{}
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return nil
			})
		}()
		<-joined
		m.join(1)
		require.ErrorIs(t, <-causes, bus.ErrRevoked)
		<-joined
		shutdown := errors.New("shutdown")
		cancel(shutdown)
		require.ErrorIs(t, <-causes, shutdown)
		require.NoError(t, <-left)
	})
}

func TestAGroupGoesOnAfterItsBrokerRestarts(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		if b.restart == nil {
			t.Skip("not ours to restart")
		}
		client := dial(t, b)
		first := topic(t, client, 4)
		m := newMembers(t, client, first)
		m.cfg.SessionTimeout = time.Second
		m.join(0)
		m.settled(1, 4)
		require.NoError(t, b.restart())
		require.Eventually(t, func() bool {
			m.mu.Lock()
			a := m.owned[0]
			m.mu.Unlock()
			return a != nil && a.Commit(patient(t), map[string]map[int]bus.Committed{first: {0: {Offset: 7}}}) == nil
		}, patience, 10*time.Millisecond)
		all, err := client.CommittedOffsets(patient(t), m.cfg.ID, []string{first})
		require.NoError(t, err)
		require.Equal(t, int64(7), all[first][0].Offset)
		require.Equal(t, []int{0, 1, 2, 3}, slices.Sorted(maps.Keys(all[first])))
	})
}

func TestAGroupNamesEveryFaultOfItsConfiguration(t *testing.T) {
	t.Parallel()
	client, err := bus.Dial(bus.Config{Brokers: []string{"kafka:9092"}})
	require.NoError(t, err)
	defer client.Close()
	_, err = client.NewGroup(bus.GroupConfig{HeartbeatInterval: time.Minute})
	var invalid hook.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid, 3)
}

func TestACommitSaysWhenItWasMade(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 2)
		m := newMembers(t, client, topic)
		group, err := client.NewGroup(m.cfg)
		require.NoError(t, err)
		before := time.Now().Truncate(time.Millisecond)
		done := errors.New("committed")
		err = group.Run(patient(t), func(ctx context.Context, a *bus.Assignment) error {
			require.Zero(t, a.Committed(topic, 0).At, "never committed")
			require.NoError(t, a.Commit(ctx, map[string]map[int]bus.Committed{topic: {
				0: {Offset: 7},
				1: {Offset: 8, Metadata: "at=any rate"}, // the caller's own
			}}))
			return done
		})
		require.ErrorIs(t, err, done)

		m.join(0)
		m.settled(1, 2)
		m.mu.Lock()
		defer m.mu.Unlock()
		own := m.owned[0].Committed(topic, 0)
		require.WithinRange(t, own.At, before, time.Now())
		require.Equal(t, bus.Committed{Offset: 7, At: own.At}, own)
		other := m.owned[0].Committed(topic, 1)
		require.WithinRange(t, other.At, before, time.Now(), "also beside the caller's own metadata")
		require.Equal(t, bus.Committed{Offset: 8, Metadata: "at=any rate", At: other.At}, other)

		all, err := client.CommittedOffsets(patient(t), m.cfg.ID, []string{topic})
		require.NoError(t, err)
		require.Equal(t, own, all[topic][0])
	})
}
