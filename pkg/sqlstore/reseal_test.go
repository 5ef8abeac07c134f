package sqlstore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestWhatIsSealedIsExchangedInBatchesAndTheAccountPublished(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		for n := range 5 {
			w := webhook("acme", fmt.Sprint("wh_", n))
			if n == 3 {
				w.Status = hook.Revoked
			}
			_, err := f.CreateWebhook(t.Context(), w)
			require.NoError(t, err)
		}
		f.webhook(t, "other", "wh_x")
		publish(t, f)

		var seen []string
		exchange := func(w *hook.Webhook) (bool, error) {
			seen = append(seen, w.ID)
			if w.ID == "wh_1" {
				return false, nil
			}
			return true, w.EachSealed(func(sealed *[]byte, _ []byte) error { *sealed = []byte{9}; return nil })
		}
		next, err := f.Reseal(t.Context(), "acme", "", 2, exchange)
		require.NoError(t, err)
		require.Equal(t, "wh_1", next)
		queued, err := f.Unpublished(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, queued, 1)
		require.Equal(t, []byte{9}, queued[0].Webhooks[0].Auth.Secret)
		next, err = f.Reseal(t.Context(), "acme", next, 2, exchange)
		require.NoError(t, err)
		require.Equal(t, "wh_4", next)
		next, err = f.Reseal(t.Context(), "acme", next, 2, exchange)
		require.NoError(t, err)
		require.Empty(t, next)
		require.Equal(t, []string{"wh_0", "wh_1", "wh_2", "wh_4"}, seen, "the revoked one has none")

		want := webhook("acme", "wh_0")
		want.Secrets, want.Headers[0].Value, want.Auth.Secret = [][]byte{{9}, {9}}, []byte{9}, []byte{9}
		got, err := f.Webhook(t.Context(), "acme", "wh_0")
		require.NoError(t, err)
		require.Equal(t, want, got, "nothing else has changed, nor has its version")

		publish(t, f)
		_, err = f.Reseal(t.Context(), "acme", "", 10, func(*hook.Webhook) (bool, error) { return false, nil })
		require.NoError(t, err)
		queued, err = f.Unpublished(t.Context(), 10)
		require.NoError(t, err)
		require.Empty(t, queued, "nothing was written")

		own := errors.New("own")
		_, err = f.Reseal(t.Context(), "acme", "", 10, func(w *hook.Webhook) (bool, error) {
			w.Secrets = nil
			if w.ID == "wh_4" {
				return false, own
			}
			return true, nil
		})
		require.ErrorIs(t, err, own)
		got, err = f.Webhook(t.Context(), "acme", "wh_0")
		require.NoError(t, err)
		require.Equal(t, want, got, "all of a batch or nothing")
		_, err = f.Reseal(t.Context(), "nobody", "", 10, exchange)
		require.ErrorIs(t, err, hook.ErrNotFound)
	})
}

// publish confirms all that is queued.
func publish(t *testing.T, f fixture) {
	t.Helper()
	queued, err := f.Unpublished(t.Context(), 10)
	require.NoError(t, err)
	require.NoError(t, f.Published(t.Context(), queued))
}
