package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/bench/receiver"
	"github.com/staffetta/staffetta/services/config"
)

// asReceiver as the only argument makes the test binary a receiver.
const asReceiver = "bench-receiver"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == asReceiver {
		if err := receiver.Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// small is a run that takes a moment.
func small(t *testing.T) Config {
	t.Helper()
	return Config{
		Scenario: "throughput", Events: 200, Accounts: 1, Webhooks: 3, Payload: hook.Thin,
		Receiver: []string{os.Args[0], asReceiver}, Version: "test", Log: zap.NewNop(), Errors: t.Output(),
	}
}

func TestThroughputDeliversEverythingOnceAndTellsEveryFigure(t *testing.T) {
	t.Parallel()
	cfg := small(t)
	var profile bytes.Buffer
	cfg.Profile = &profile
	result, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.NotZero(t, profile.Len())

	var text bytes.Buffer
	require.NoError(t, result.WriteJSON(&text))
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text.Bytes(), &fields))
	for name, want := range map[string]any{
		"scenario": "throughput", "servers": "embedded", "payload": "thin",
		"events": 200.0, "accounts": 1.0, "webhooks": 3.0,
		"deliveries": 600.0, "lost": 0.0, "duplicated": 0.0,
	} {
		require.Equal(t, want, fields[name], name)
		delete(fields, name)
	}
	for _, name := range []string{
		"seconds", "deliveries_per_s", "bare_per_s", "ratio", "p50_ms", "p99_ms", "cpu_s", "peak_rss_mib", "bare_connections",
	} {
		require.IsType(t, 0.0, fields[name], name)
		require.Positive(t, fields[name], name)
		delete(fields, name)
	}
	require.Empty(t, fields, "fields that this test does not know")
}

func TestWebhooksOfSeveralAccountsGetTheirOwnAccountsEvents(t *testing.T) {
	t.Parallel()
	cfg := small(t)
	cfg.Events, cfg.Accounts, cfg.Webhooks, cfg.Payload = 10, 3, 4, hook.Full
	result, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	// After a warm-up of 500 events the first account has 3 of the 10, for two
	// webhooks each; the others have one webhook.
	require.Equal(t, 3*2+7, result.Deliveries)
	require.Zero(t, result.Lost)
	require.Zero(t, result.Duplicated)
}

func TestOnRealServersNothingIsLostEither(t *testing.T) {
	t.Parallel()
	brokers := os.Getenv("STAFFETTA_TEST_KAFKA")
	if brokers == "" {
		t.Skip("STAFFETTA_TEST_KAFKA, _REDIS and _DATABASE name no real servers")
	}
	cfg := small(t)
	cfg.Kafka.Brokers = strings.Split(brokers, ",")
	cfg.RedisURL, cfg.DatabaseURL = os.Getenv("STAFFETTA_TEST_REDIS"), os.Getenv("STAFFETTA_TEST_DATABASE")
	result, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, Real, result.Servers)
	require.Equal(t, 600, result.Deliveries)
	require.Zero(t, result.Lost)
}

func TestABadConfigurationIsToldWithEveryFault(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Config{
		Config: config.Config{RedisURL: "redis://cache"}, Scenario: "luck", Webhooks: -1, Payload: "fat",
	})
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	require.Equal(t, hook.Invalid{
		{Field: "scenario", Value: "luck", Rule: "must be one of throughput"},
		{Field: "events", Value: "0", Rule: "must be at least 1"},
		{Field: "accounts", Value: "0", Rule: "must be at least 1"},
		{Field: "webhooks", Value: "-1", Rule: "must be at least one for each account"},
		{Field: "payload", Value: "fat", Rule: "must be thin or full"},
		{Field: "servers", Rule: "must be named all three, Kafka's brokers, Redis and the database, or none of them"},
	}, faults)
}

func TestAReceiverThatDoesNotStartIsAnError(t *testing.T) {
	t.Parallel()
	cfg := small(t)
	cfg.Receiver = []string{"./no-such-program"}
	cfg.Errors = io.Discard
	_, err := Run(t.Context(), cfg)
	require.ErrorContains(t, err, "no-such-program")
}

func TestACancelledRunEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Run(ctx, small(t))
	require.ErrorIs(t, err, context.Canceled)
}
