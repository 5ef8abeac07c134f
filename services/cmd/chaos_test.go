package cmd_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChaosIsAScenarioWithFlagsOfItsOwn(t *testing.T) {
	t.Parallel()
	status, _, errors := run("bench", "chaos", "--rounds", "0", "--rate", "0", "--seed", "7")
	require.Equal(t, 2, status)
	require.Contains(t, errors, "staffetta bench chaos --seed 7", "the seed is told before anything can fail")
	require.Contains(t, errors, `rounds must be at least 1, not "0"`)
	require.Contains(t, errors, `rate must be from 1 to 10000, not "0"`)
}

func TestAnOutageIsAScenarioWithFlagsOfItsOwn(t *testing.T) {
	t.Parallel()
	status, _, errors := run("bench", "outage", "--server", "kafka", "--seconds", "0", "--rate", "0")
	require.Equal(t, 2, status)
	require.Contains(t, errors, `seconds must be at least 1, not "0"`)
	require.Contains(t, errors, `rate must be from 1 to 10000, not "0"`)
	status, _, errors = run("bench", "outage", "--server", "postgres")
	require.Equal(t, 2, status)
	require.Contains(t, errors, `server must be one that can be stopped, redis, not "postgres"`)
}

func TestAnotherSeedEachTime(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for range 10 {
		_, _, errors := run("bench", "chaos", "--rounds", "0")
		told[errors] = true
	}
	require.Greater(t, len(told), 1)
}
