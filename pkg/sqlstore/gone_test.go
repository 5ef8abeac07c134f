package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func gone(webhook string) hook.Attempt {
	return but(attempt(1), func(a *hook.Attempt) {
		a.Webhook, a.Delivery, a.Reason, a.StatusCode = webhook, "dlv_"+webhook, hook.ReasonGone, 410
	})
}

func TestAReceiverThatIsGoneDisablesItsWebhook(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		before := f.webhook(t, "acme", "wh_1")
		f.webhook(t, "acme", "wh_2")
		f.webhook(t, "acme", "wh_3")
		_, err := f.UpdateWebhook(t.Context(), "acme", "wh_2", 0, func(w *hook.Webhook) error {
			w.URL = "https://example.com/elsewhere?since=then"
			return nil
		})
		require.NoError(t, err)
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_3", 0, func(w *hook.Webhook) error {
			w.Status = hook.Paused
			return nil
		})
		require.NoError(t, err)
		account, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)

		f.record(t, gone("wh_1"), gone("wh_2"), gone("wh_3"), gone("wh_unheard"),
			but(gone("wh_1"), func(a *hook.Attempt) { a.Account = "nobody" }))

		w, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, hook.Disabled, w.Status)
		require.False(t, w.SuspendedAt.IsZero())
		require.Equal(t, before.Version+1, w.Version)
		after, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, account.Version+1, after.Version, "the senders are told")

		for id, want := range map[string]hook.Status{"wh_2": hook.Active, "wh_3": hook.Paused} {
			w, err := f.Webhook(t.Context(), "acme", id)
			require.NoError(t, err)
			require.Equal(t, want, w.Status, id)
		}
	})
}
