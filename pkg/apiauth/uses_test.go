package apiauth_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// KeysUsed notes the use, as the store does.
func (d *directory) KeysUsed(_ context.Context, uses map[string]time.Time) error {
	d.written = append(d.written, len(uses))
	for hash, k := range d.keys {
		if at, ok := uses[k.ID]; ok {
			k.LastUsedAt = at
			d.keys[hash] = k
		}
	}
	return d.down
}

// The bubble's clock stands while anybody works, and passes when all wait.
func TestAKeysUseIsWrittenOnceAMinuteAndNotByARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &directory{}
		key := d.add(hook.ScopeRead)
		uses := apiauth.NewUses(d, zap.NewNop())
		v := apiauth.New(apiauth.Config{Keys: d, Uses: uses})
		ctx, stop := context.WithCancel(t.Context())
		go uses.Run(ctx)
		ask := func() {
			_, err := v.Identify(request("Authorization", "Bearer "+key))
			require.NoError(t, err)
		}
		pass := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		for range 100 {
			ask()
		}
		require.Empty(t, d.written, "no request writes")
		pass(1500 * time.Millisecond)
		require.Equal(t, []int{1}, d.written)
		for range 55 {
			pass(time.Second)
			ask()
		}
		require.Equal(t, []int{1}, d.written, "it is known to the minute")
		pass(10 * time.Second)
		ask()
		_, err := v.Identify(request("Authorization", "Bearer sk_wrong"))
		require.ErrorIs(t, err, apiauth.ErrUnauthorized)
		stop()
		synctest.Wait()
		require.Equal(t, []int{1, 1}, d.written, "at the end the rest is written")
	})
}
