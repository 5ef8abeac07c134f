package cmd_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/cmd"
)

func run(args ...string) (status int, out, errors string) {
	var o, e bytes.Buffer
	status = cmd.Main(args, cmd.Environment{
		Version: "1.2.3", Commit: "abc", Out: &o, Err: &e,
		Lookup: func(string) (string, bool) { return "", false },
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
