package chaos

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAwait(t *testing.T) {
	t.Parallel()
	t.Run("ends when it is done", func(t *testing.T) {
		t.Parallel()
		at := 0
		done, err := await(t.Context(), time.Hour, func(context.Context) (int, bool, error) { at++; return at, at == 3, nil })
		require.NoError(t, err)
		require.True(t, done)
	})
	t.Run("gives up when nothing moves", func(t *testing.T) {
		t.Parallel()
		done, err := await(t.Context(), time.Millisecond, func(context.Context) (int, bool, error) { return 5, false, nil })
		require.NoError(t, err)
		require.False(t, done)
	})
	t.Run("ends with its context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := await(ctx, time.Hour, func(context.Context) (int, bool, error) { cancel(); return 0, false, nil })
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("ends with an error", func(t *testing.T) {
		t.Parallel()
		gone := errors.New("gone")
		_, err := await(t.Context(), time.Hour, func(context.Context) (int, bool, error) { return 0, false, gone })
		require.ErrorIs(t, err, gone)
	})
}

func TestFreeAddressesDiffer(t *testing.T) {
	t.Parallel()
	addresses, err := freeAddresses(20)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, a := range addresses {
		seen[a] = true
	}
	require.Len(t, seen, 20)
}
