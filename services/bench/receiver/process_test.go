package receiver

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asReceiver as the only argument makes the test binary a receiver.
const asReceiver = "bench-receiver"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == asReceiver {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAReceiverOfItsOwnProcessCountsAndEndsWhenItIsClosed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p, err := Start(t.Context(), &log, os.Args[0], asReceiver)
	require.NoError(t, err)

	require.NoError(t, p.Reset(t.Context(), time.Now()))
	request, err := http.NewRequest(http.MethodPost, p.URL(), strings.NewReader(Ref(time.Now(), 1)+`"`))
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusNoContent, answer.StatusCode)

	progress, err := p.Progress(t.Context())
	require.NoError(t, err)
	require.Equal(t, Progress{Requests: 1, Deliveries: 1}, progress)
	stats, err := p.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, progress, stats.Progress)

	require.NoError(t, p.Become(t.Context(), "x", Status(http.StatusTeapot)))
	request, err = http.NewRequest(http.MethodPost, p.URLOf(Slow(time.Millisecond), "x"), strings.NewReader(Ref(time.Now(), 2)+`"`))
	require.NoError(t, err)
	answer, err = http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusTeapot, answer.StatusCode)
	progress, err = p.ProgressOf(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, Progress{Requests: 1, Refused: 1}, progress)
	stats, err = p.StatsOf(t.Context(), Of{From: time.Now()})
	require.NoError(t, err)
	require.Equal(t, 1, stats.Deliveries, "those of the plain path")
	require.Zero(t, stats.Timed, "published before")

	require.NoError(t, p.Close())
	_, err = p.Progress(t.Context())
	require.Error(t, err)
	require.Empty(t, log.String())
}

func TestACommandThatIsNoReceiverIsAnError(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"none":          nil,
		"not there":     {"./no-such-program"},
		"says nothing":  {os.Args[0], "-test.run=^$", "-test.v=false", "-test.list=^$"},
		"fails at once": {os.Args[0], "-no-such-flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			_, err := Start(t.Context(), &log, command...)
			require.Error(t, err)
		})
	}
}
