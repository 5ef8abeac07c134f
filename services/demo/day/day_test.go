package day_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/services/config"
	"github.com/staffetta/staffetta/services/demo/day"
	"github.com/staffetta/staffetta/services/standalone"
)

const adminKey = "an-admin-key-of-thirty-two-chars-"

// start runs all services on embedded parts until the test ends.
func start(t *testing.T) (url string) {
	t.Helper()
	cfg, err := config.Load("standalone", func(string) (string, bool) { return "", false }, map[string]string{
		config.Listen: "127.0.0.1:0", config.AdminKey: adminKey,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- standalone.Run(ctx, standalone.Config{
			Config: cfg, DataDir: t.TempDir(), KafkaListen: "127.0.0.1:0", Version: "test", Log: zap.NewNop(), Out: io.Discard,
			Ready: func(url string) { ready <- url },
		})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	select {
	case url = <-ready:
		return url
	case err := <-ended:
		ended <- err
		require.NoError(t, err)
	case <-time.After(time.Minute):
		require.FailNow(t, "the services do not answer")
	}
	return ""
}

func TestAfterAShopsDayAllAgree(t *testing.T) {
	t.Parallel()
	s, err := day.Run(t.Context(), day.Config{URL: start(t), AdminKey: adminKey, Changes: 270, Stores: 2, Date: "2026-11-28", Log: zap.NewNop()})
	require.NoError(t, err)
	require.Empty(t, s.Findings)
	require.Zero(t, s.Disagreements)
	require.GreaterOrEqual(t, s.Changes, 270)
	require.Positive(t, s.Refused)
	require.Greater(t, s.References, s.Items/2)
	require.Len(t, s.Webhooks, 8)
	for _, w := range s.Webhooks {
		require.Positive(t, w.Deliveries, w.Webhook)
		require.Equal(t, w.Deliveries, w.Logged, w.Webhook)
	}
}
