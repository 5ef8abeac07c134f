package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
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
		Scenario: "throughput", Events: 200, Accounts: 1, Webhooks: 3, Payload: hook.Thin, Pairs: 1,
		Receiver: []string{os.Args[0], asReceiver}, Version: "test", Log: zap.NewNop(), Errors: t.Output(),
	}
}

func TestThroughputDeliversEverythingOnceAndTellsEveryFigure(t *testing.T) {
	t.Parallel()
	cfg := small(t)
	cfg.Pairs = 2
	var profile bytes.Buffer
	cfg.Profile = &profile
	result, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.NotZero(t, profile.Len())
	require.Len(t, result.Parts, 2)
	for i, part := range []struct {
		name  string
		count int
	}{{"throughput", 2 * 600}, {"bare", 2 * minBare}} {
		require.Equal(t, part.name, result.Parts[i].Name)
		require.Equal(t, part.count, result.Parts[i].Deliveries)
		require.Equal(t, 2, result.Parts[i].Runs)
	}
	result.Parts = nil

	var text bytes.Buffer
	require.NoError(t, result.WriteJSON(&text))
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text.Bytes(), &fields))
	for name, want := range map[string]any{
		"scenario": "throughput", "servers": "embedded", "payload": "thin",
		"events": 400.0, "accounts": 1.0, "webhooks": 3.0,
		"deliveries": 1200.0, "lost": 0.0, "duplicated": 0.0,
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
	for _, name := range []string{"deferred", "hops", "twins"} {
		require.IsType(t, 0.0, fields[name], name)
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
	cfg := onReal(t)
	result, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, Real, result.Servers)
	require.Equal(t, 600, result.Deliveries)
	require.Zero(t, result.Lost)
}

func TestABadConfigurationIsToldWithEveryFault(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Config{
		Config: config.Config{RedisURL: "redis://cache"}, Scenario: "throughput", Events: -1, Accounts: 2, Webhooks: 1,
		Payload: "fat", Rate: -0.5, Seconds: -3, Pairs: -5, Fanout: []int{10, 0}, Variant: "asleep-1-of-2",
		Backlog: -1, Drain: -2,
	})
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	require.Equal(t, hook.Invalid{
		{Field: "events", Value: "-1", Rule: "must be at least 1"},
		{Field: "webhooks", Value: "1", Rule: "must be at least one for each account"},
		{Field: "seconds", Value: "-3", Rule: "must be at least 1"},
		{Field: "pairs", Value: "-5", Rule: "must be at least 1"},
		{Field: "backlog", Value: "-1", Rule: "must not be negative"},
		{Field: "drain", Value: "-2", Rule: "must not be negative"},
		{Field: "fanout", Value: "0", Rule: "must be at least 1"},
		{Field: "rate", Value: "-0.5", Rule: "must be more than 0 and at most 1000000"},
		{Field: "payload", Value: "fat", Rule: "must be thin or full"},
		{Field: "variant", Value: "asleep-1-of-2", Rule: errVariant.Error()},
		{Field: "servers", Rule: "must be named all three, Kafka's brokers, Redis and the database, or none of them"},
	}, faults)
}

func TestAnUnknownScenarioIsToldWithThoseThatThereAre(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Config{Scenario: "luck"})
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 1)
	require.Equal(t, "luck", faults[0].Value)
	for _, s := range Scenarios() {
		require.Contains(t, faults[0].Rule, s)
	}
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

func TestWhatARunMadeIsPutAwayAlthoughItIsCancelled(t *testing.T) {
	t.Parallel()
	cfg := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := cfg.installed(ctx, func(using context.Context, in *installation) error {
		tenants, err := in.populate(using, cfg, always(target{url: "http://127.0.0.1:9/"}), nil)
		require.NoError(t, err)
		cancel()
		<-using.Done()
		return errors.Join(context.Cause(using), in.revoke(context.WithoutCancel(using), tenants))
	})
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, context.Canceled.Error(), "the API answered to the end")
}
