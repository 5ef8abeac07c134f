package bus_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
)

// requests counts those of one kind.
func requests(c *kfake.Cluster, kind kmsg.Key) *atomic.Int32 {
	var count atomic.Int32
	c.ControlKey(int16(kind), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		count.Add(1)
		return nil, nil, false
	})
	return &count
}

func TestTheCoordinatorIsLookedForOnce(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 2)
	topic := topic(t, client, 2)
	searches, beats := requests(c, kmsg.FindCoordinator), requests(c, kmsg.Heartbeat)
	m := newMembers(t, client, topic)
	m.join(0)
	m.settled(1, 2)
	require.Eventually(t, func() bool { return beats.Load() >= 5 }, patience, time.Millisecond)
	require.Equal(t, int32(1), searches.Load())
}

func TestTheCoordinatorIsLookedForAgainWhenItHasMoved(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 2)
	topic := topic(t, client, 2)
	m := newMembers(t, client, topic)
	m.join(0)
	m.settled(1, 2)
	searches := requests(c, kmsg.FindCoordinator)
	once, _ := times(1)
	answerWith(c, func(_ *kmsg.HeartbeatRequest, answer *kmsg.HeartbeatResponse) bool {
		answer.ErrorCode = 16 // NOT_COORDINATOR
		return once()
	})
	require.Eventually(t, func() bool { return searches.Load() == 1 }, patience, time.Millisecond)
	beats := requests(c, kmsg.Heartbeat)
	require.Eventually(t, func() bool { return beats.Load() >= 2 }, patience, time.Millisecond)
	require.Equal(t, int32(1), searches.Load())
}

func TestAMemberNoticesWithinItsSessionThatNoBrokerAnswers(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 2)
	m := newMembers(t, client, topic)
	m.cfg.SessionTimeout = time.Second
	group, err := client.NewGroup(m.cfg)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	joined, lost, left := make(chan struct{}, 1), make(chan error, 1), make(chan error, 1)
	go func() {
		left <- group.Run(ctx, func(ctx context.Context, _ *bus.Assignment) error {
			joined <- struct{}{}
			<-ctx.Done()
			lost <- context.Cause(ctx)
			return nil
		})
	}()
	select {
	case <-joined:
	case err := <-left:
		t.Fatal("left at once: ", err)
	}
	answerAgain := make(chan struct{})
	t.Cleanup(func() { close(answerAgain) }) // before the cluster closes
	c.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
		<-answerAgain // the cluster answers one request after another
		return nil, nil, false
	})
	begin := time.Now()
	require.ErrorIs(t, <-lost, bus.ErrSessionLost)
	require.Less(t, time.Since(begin), 5*m.cfg.SessionTimeout)
}
