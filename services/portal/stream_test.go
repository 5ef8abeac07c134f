package portal_test

import (
	"bufio"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// A server that stops waits for what is under way, and a stream would be for ever.
func TestStreamsEndWhenTheServiceDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	on := b.guest(hook.RoleViewer, hook.English)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.service.Run(ctx) }()
	open := func() *bufio.Scanner {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/portal/log/stream", http.NoBody)
		require.NoError(t, err)
		answer, err := on.client.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = answer.Body.Close() })
		require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
		return bufio.NewScanner(answer.Body)
	}
	lines := open()
	require.True(t, lines.Scan())
	stop()
	for lines.Scan() { // all that is left
		continue
	}
	require.NoError(t, lines.Err())
	require.NoError(t, <-ended)
	began := time.Now()
	for lines = open(); lines.Scan(); {
		continue
	}
	require.Less(t, time.Since(began), 5*time.Second, "one that is opened meanwhile")
}
