package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/cmd"
)

func run(args ...string) (status int, out, errors string) {
	return runIn(nil, args...)
}

func runIn(env map[string]string, args ...string) (status int, out, errors string) {
	var o, e bytes.Buffer
	status = cmd.Main(args, cmd.Environment{
		Version: "1.2.3", Commit: "abc", Out: &o, Err: &e,
		Lookup: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
	})
	return status, o.String(), e.String()
}

func TestVersionTellsVersionAndCommit(t *testing.T) {
	t.Parallel()
	status, out, _ := run("version")
	require.Zero(t, status)
	require.Equal(t, "staffetta 1.2.3 (abc)\n", out)
}

func TestWhatIsWrongWithTheCommandLineIsSaidWithStatus2(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		`unknown command "sendr"`:   {"sendr"},
		"unknown flag: --lisen":     {"router", "--lisen", ":1"},
		`argument "extra"`:          {"version", "extra"},
		"invalid argument \"many\"": {"topics", "--partitions", "many"},
	} {
		status, _, errors := run(args...)
		require.Equal(t, 2, status, says)
		require.Contains(t, errors, says)
	}
}

func TestEverySettingThatAServiceLacksIsListed(t *testing.T) {
	t.Parallel()
	status, _, errors := run("api")
	require.Equal(t, 2, status)
	for _, name := range []string{"KAFKA_BROKERS", "REDIS_URL", "DATABASE_URL", "ADMIN_KEY", "ENCRYPTION_KEY"} {
		require.Contains(t, errors, "STAFFETTA_"+name+" is required by api")
	}
}

func TestAHealthcheckAsksTheServiceOfItsContainer(t *testing.T) {
	t.Parallel()
	var health telemetry.Health
	well := true
	health.Require("kafka", func(context.Context) error {
		if well {
			return nil
		}
		return errors.New("no broker answers")
	})
	server := httptest.NewServer(telemetry.Handler(telemetry.NewRegistry(), &health))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	env := map[string]string{"STAFFETTA_LISTEN": ":" + port}

	status, _, said := runIn(env, "healthcheck")
	require.Zero(t, status, said)
	well = false
	status, _, said = runIn(env, "healthcheck")
	require.Equal(t, 1, status)
	require.Contains(t, said, "answers 503 Service Unavailable: kafka: no broker answers")
	status, _, said = runIn(nil, "healthcheck", "--url", server.URL+"/nothing")
	require.Equal(t, 1, status)
	require.Contains(t, said, "answers 404 Not Found")
	server.Close()
	status, _, said = runIn(env, "healthcheck")
	require.Equal(t, 1, status)
	require.Contains(t, said, "connection refused")
}
