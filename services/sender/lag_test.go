package sender

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNothingIsStartedWhileAnAnswerWaitsForItsRecord(t *testing.T) {
	t.Parallel()
	var l lag
	require.NoError(t, l.wait(t.Context()), "nothing is open")
	l.begin(time.Now().Add(time.Hour))
	require.NoError(t, l.wait(t.Context()), "one that is young")
	l.end()

	l.begin(time.Now().Add(-2 * maxLag))
	l.begin(time.Now().Add(time.Hour))
	ctx, cancel := context.WithCancelCause(t.Context())
	waited := make(chan error)
	go func() { waited <- l.wait(ctx) }()
	ended := errors.New("ended")
	cancel(ended)
	require.ErrorIs(t, <-waited, ended)

	go func() { waited <- l.wait(t.Context()) }()
	l.end()
	require.NoError(t, <-waited, "the oldest is acknowledged")
}
