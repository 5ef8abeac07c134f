package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/bench"
	"github.com/staffetta/staffetta/services/config"
)

func TestABadConfigurationIsToldWithEveryFault(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Config{
		Config: config.Config{RedisURL: "redis://cache"}, Rate: 10_001, Within: -time.Second,
	})
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	require.Equal(t, hook.Invalid{
		{Field: "rounds", Value: "0", Rule: "must be at least 1"},
		{Field: "rate", Value: "10001", Rule: "must be from 1 to 10000"},
		{Field: "within", Value: "-1s", Rule: "must not be negative"},
		{Field: "program", Rule: "must be given"},
		{Field: "servers", Rule: "must be named all three, Kafka's brokers, Redis and the database, or none of them"},
	}, faults)
}

func TestStrokesThatAreNotKnownAreRefused(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Config{
		Rounds: 1, Rate: 1, Program: []string{"staffetta"}, Only: []string{"postgres kill"}, Log: zap.NewNop(), Logs: t.TempDir(),
	})
	require.ErrorContains(t, err, `only must be one of sender kill, `)
	require.ErrorContains(t, err, `not "postgres kill"`)
}

func TestAProgramThatDoesNotStartIsAnErrorThatNamesTheSeed(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Config{
		Rounds: 1, Rate: 1, Seed: 7, Program: []string{"./no-such-program"}, Log: zap.NewNop(), Logs: t.TempDir(),
	})
	require.ErrorContains(t, err, "seed 7")
	require.ErrorContains(t, err, "no-such-program")
}

func TestOnlyAResultAsItShouldBeHasNoFault(t *testing.T) {
	t.Parallel()
	good := Result{Result: bench.Result{Deliveries: 10, Duplicated: 3}, RepeatedExplained: 2, Unhealthy: 1}
	require.NoError(t, good.Fault())
	for name, spoil := range map[string]func(*Result){
		"deliveries were lost":                                    func(r *Result) { r.Lost = 1 },
		"repeated without a kill that explains it":                func(r *Result) { r.RepeatedUnexplained = 1 },
		"deliveries came that nobody published":                   func(r *Result) { r.Strange = 1 },
		"deliveries are not in the log":                           func(r *Result) { r.LogMissing = 1 },
		"deliveries are not delivered in the log":                 func(r *Result) { r.LogUndelivered = 1 },
		"deliveries have a wrong number of attempts in the log":   func(r *Result) { r.LogInconsistent = 1 },
		"figures of usage are not what the log says":              func(r *Result) { r.UsageWrong = 1 },
		"waited for the server that was away":                     func(r *Result) { r.Outage = &OutageResult{Late: 1} },
		"seed 7: sender-1 was stopped and ended with exit status": func(r *Result) { r.Seed, r.Faults = 7, []string{"sender-1 was stopped and ended with exit status 66"} },
	} {
		bad := good
		spoil(&bad)
		require.ErrorContains(t, bad.Fault(), name)
	}
}

func TestTheResultIsOneLineWithTheContractsNames(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	result := Result{
		Result: bench.Result{Scenario: "chaos", Lost: 1, Servers: bench.Real}, Rounds: 15, Seed: 3,
		Blows: map[string]int{"sender kill": 2}, Repeated: map[cause]int{senderKilled: 4}, SlowestRecovery: 1.23456,
	}
	result.timed([]time.Duration{time.Millisecond, 3 * time.Millisecond, 2 * time.Millisecond}, 2*time.Second)
	require.NoError(t, result.WriteJSON(&text))
	require.Equal(t, 1, strings.Count(text.String(), "\n"))
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text.Bytes(), &fields))
	for name, want := range map[string]any{
		"scenario": "chaos", "lost": 1.0, "servers": "real", "rounds": 15.0, "seed": 3.0, "p50_ms": 2.0, "p99_ms": 3.0,
		"seconds": 2.0, "slowest_recovery_s": 1.235, "blows": map[string]any{"sender kill": 2.0},
		"repeated": map[string]any{"sender killed": 4.0},
	} {
		require.Equal(t, want, fields[name], name)
	}
	for _, name := range []string{"deliveries", "duplicated", "cpu_s", "peak_rss_mib", "repeated_unexplained", "log_missing"} {
		require.Contains(t, fields, name)
	}
}

func TestTheTableTellsOfTheFault(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	result := Result{Rounds: 2, Blows: map[string]int{"kafka kill": 1, "api restart": 1}, LogMissing: 7}
	require.NoError(t, result.WriteText(&text))
	require.Contains(t, text.String(), "rounds              2: 1 api restart, 1 kafka kill\n")
	require.Contains(t, text.String(), "log                 7 missing, 0 not delivered, 0 inconsistent\n")
	require.Contains(t, text.String(), "usage               0 figures that differ from the log\n")
}

func TestFindingsTellTimesSinceTheStart(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	f := &findings{to: &text, begun: noon}
	f.delivery("lost", "dlv_1", &delivery{webhook: "wh_1", published: at(1500), requests: []request{got(1600, 1601, 500), {arrived: at(2000)}}})
	require.NoError(t, f.err)
	require.Equal(t, "lost: dlv_1 of wh_1, published at 1.5000; 1.6000 to 1.6010: 500, 2.0000 to never: 0\n", text.String())
	f.to = broken{}
	f.line("x")
	require.ErrorIs(t, f.err, errBroken)
}

var errBroken = errors.New("disk full")

// broken is a file that cannot be written.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
