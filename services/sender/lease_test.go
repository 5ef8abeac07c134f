package sender

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheLeaseIsHalfASessionFromWhenTheCommitWasSent(t *testing.T) {
	t.Parallel()
	now := start
	l := newLease(func() time.Time { return now })
	require.False(t, l.holds())
	l.renew(now, 10*time.Second)
	now = now.Add(5*time.Second - 1)
	require.True(t, l.holds())
	now = now.Add(1)
	require.False(t, l.holds())
	l.renew(start.Add(-time.Second), 10*time.Second)
	require.False(t, l.holds(), "an answer that was on its way says nothing new")
}

func TestWhoeverWaitsForTheLeaseGoesOnOnceItHolds(t *testing.T) {
	t.Parallel()
	l := newLease(func() time.Time { return start })
	held := make(chan error)
	go func() { held <- l.wait(t.Context()) }()
	l.renew(start, 10*time.Second)
	require.NoError(t, <-held)
}

func TestTheLeaseIsWorthNothingToAPartitionThatMoved(t *testing.T) {
	t.Parallel()
	l := newLease(func() time.Time { return start })
	ctx, giveUp := context.WithCancelCause(t.Context())
	giveUp(errMoved)
	require.ErrorIs(t, l.wait(ctx), errMoved)
	l.renew(start, 10*time.Second)
	require.ErrorIs(t, l.wait(ctx), errMoved, "although it holds")
}
