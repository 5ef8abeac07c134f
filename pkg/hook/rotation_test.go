package hook_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAnOldSecretLastsForTheOverlap(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	after := func(d time.Duration) time.Time { return now.Add(d) }
	w := &hook.Webhook{Secrets: [][]byte{{1}}}

	require.NoError(t, w.Rotate([]byte{2}, now, 24*time.Hour))
	require.Equal(t, [][]byte{{2}, {1}}, w.Secrets)
	require.Equal(t, []time.Time{after(24 * time.Hour)}, w.SecretsUntil)

	require.NoError(t, w.Rotate([]byte{3}, after(time.Hour), 48*time.Hour))
	require.Equal(t, [][]byte{{3}, {2}, {1}}, w.Secrets)
	require.Equal(t, []time.Time{after(49 * time.Hour), after(24 * time.Hour)}, w.SecretsUntil, "each for its own overlap")

	require.NoError(t, w.Rotate([]byte{4}, after(2*time.Hour), time.Hour))
	require.Equal(t, []time.Time{after(3 * time.Hour), after(3 * time.Hour), after(3 * time.Hour)}, w.SecretsUntil,
		"none outlives a younger one")

	require.NoError(t, w.Rotate([]byte{5}, after(3*time.Hour), time.Hour))
	require.Equal(t, [][]byte{{5}, {4}}, w.Secrets, "those that have ended are forgotten")

	require.NoError(t, w.Rotate([]byte{6}, after(3*time.Hour), 0))
	require.Equal(t, [][]byte{{6}}, w.Secrets, "without an overlap all others end at once")
	require.Empty(t, w.SecretsUntil)
}

func TestOnlySoManySecretsSignAtATime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	w := &hook.Webhook{Secrets: [][]byte{{0}}}
	for n := range hook.MaxSecrets - 1 {
		require.NoError(t, w.Rotate([]byte{byte(n + 1)}, now, time.Hour))
	}
	before := *w
	require.ErrorIs(t, w.Rotate([]byte{9}, now, time.Hour), hook.ErrConflict)
	require.Equal(t, before, *w)
	require.NoError(t, w.Rotate([]byte{9}, now.Add(time.Hour), time.Hour), "the old ones have ended")
	require.Len(t, w.Secrets, 2)
}

func TestOldSecretsAreForgottenOnceTheyEnd(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	w := &hook.Webhook{Secrets: [][]byte{{1}, {2}, {3}}, SecretsUntil: []time.Time{now.Add(time.Second), now}}
	w.DropOldSecrets(now)
	require.Equal(t, [][]byte{{1}, {2}}, w.Secrets)
	require.Equal(t, []time.Time{now.Add(time.Second)}, w.SecretsUntil)
	none := &hook.Webhook{}
	none.DropOldSecrets(now)
	require.Empty(t, none.Secrets)
}
