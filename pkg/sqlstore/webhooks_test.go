package sqlstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAWebhookComesBackAsItWasCreated(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		_, err := f.CreateWebhook(t.Context(), webhook("nobody", "wh_1"))
		require.ErrorIs(t, err, hook.ErrNotFound)
		require.Equal(t, webhook("acme", "wh_1"), f.webhook(t, "acme", "wh_1"))
		got, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, webhook("acme", "wh_1"), got)

		_, err = f.Webhook(t.Context(), "other", "wh_1")
		require.ErrorIs(t, err, hook.ErrNotFound, "it is another account's")
		_, err = f.CreateWebhook(t.Context(), webhook("acme", "wh_1"))
		require.ErrorIs(t, err, hook.ErrConflict)
	})
}

func TestAWebhookIsChangedInATransaction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		change := func(version int64, edit func(*hook.Webhook) error) (hook.Webhook, error) {
			return f.UpdateWebhook(t.Context(), "acme", "wh_1", version, edit)
		}
		nothing := func(*hook.Webhook) error { return nil }

		same, err := change(0, nothing)
		require.NoError(t, err)
		require.Equal(t, webhook("acme", "wh_1"), same, "a change that edits nothing raises no version")

		changed, err := change(1, func(w *hook.Webhook) error {
			w.ItemTypes[0] = "Receipt" // in place
			w.Status, w.SuspendedAt = hook.Paused, start
			w.ID, w.Account, w.Version, w.CreatedAt = "x", "y", 99, time.Time{} // not its to change
			return nil
		})
		require.NoError(t, err)
		want := webhook("acme", "wh_1")
		want.ItemTypes, want.Status, want.SuspendedAt, want.Version = []string{"Receipt", "Invoice"}, hook.Paused, start, 2
		require.Equal(t, want, changed)
		got, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, want, got)

		_, err = change(1, nothing)
		require.ErrorIs(t, err, hook.ErrStale)
		own := errors.New("own")
		_, err = change(2, func(w *hook.Webhook) error { w.URL = "https://example.org"; return own })
		require.ErrorIs(t, err, own)
		got, err = f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, want, got, "the change was aborted")
		_, err = f.UpdateWebhook(t.Context(), "other", "wh_1", 0, nothing)
		require.ErrorIs(t, err, hook.ErrNotFound)
	})
}

func TestASecretThatHasEndedIsForgottenByTheNextWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.clock.Add(time.Hour)
		nothing := func(*hook.Webhook) error { return nil }
		same, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, nothing)
		require.NoError(t, err)
		require.EqualValues(t, 1, same.Version, "its end alone is no change")
		require.Len(t, same.Secrets, 2)
		changed, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.RateLimit++; return nil })
		require.NoError(t, err)
		require.Equal(t, [][]byte{{1, 0, 255}}, changed.Secrets)
		require.Empty(t, changed.SecretsUntil)
		got, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, changed, got)
	})
}

func TestAWebhookOfAnOlderReleaseHasTheDefaults(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		w := webhook("acme", "wh_1")
		w.Signature, w.CloudEvents, w.SecretsUntil, w.Secrets = "", "", nil, w.Secrets[:1]
		got, err := f.CreateWebhook(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, hook.HMACSHA256, got.Signature)
		require.Equal(t, hook.Structured, got.CloudEvents)
	})
}

func TestARevokedWebhookKeepsNoSecretsAndTakesNoChange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		revoke := func(w *hook.Webhook) error { w.Status, w.RevokedAt = hook.Revoked, start; return nil }
		w, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, revoke)
		require.NoError(t, err)
		require.Nil(t, w.Secrets)
		require.Nil(t, w.Headers)
		require.Nil(t, w.Auth)
		got, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, w, got)
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, revoke)
		require.ErrorIs(t, err, hook.ErrRevoked)
	})
}

func TestWebhooksAreListedNewestFirstByStatus(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		f.webhook(t, "other", "wh_x")
		for n := range 6 {
			w := webhook("acme", fmt.Sprint("wh_", n))
			w.CreatedAt = start.Add(time.Duration(n/3) * time.Second) // three in the same instant
			w.Status = []hook.Status{hook.Active, hook.Paused, hook.Revoked}[n%3]
			_, err := f.CreateWebhook(t.Context(), w)
			require.NoError(t, err)
		}
		ids := func(filter hook.WebhookFilter) []string {
			var ids []string
			for _, w := range walk(t, 2, func(p hook.Page) ([]hook.Webhook, string, error) { return f.Webhooks(t.Context(), "acme", filter, p) }) {
				ids = append(ids, w.ID)
			}
			return ids
		}
		require.Equal(t, []string{"wh_4", "wh_3", "wh_1", "wh_0"}, ids(hook.WebhookFilter{}), "all but the revoked")
		require.Equal(t, []string{"wh_4", "wh_1"}, ids(hook.WebhookFilter{Status: hook.Paused}))
		require.Equal(t, []string{"wh_5", "wh_2"}, ids(hook.WebhookFilter{Status: hook.Revoked}))
		require.Empty(t, ids(hook.WebhookFilter{Status: hook.Disabled}))
	})
}

func TestChangesAtTheSameTimeAreAllCounted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		const writers, times = 4, 5
		errs := make(chan error, writers*times)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range times {
					_, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.Concurrency++; return nil })
					errs <- err
				}
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		w, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, 3+writers*times, w.Concurrency)
		require.EqualValues(t, 1+writers*times, w.Version)
		a, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		require.EqualValues(t, 2+writers*times, a.Version, "the account's version rises with each")
	})
}

func TestAChangedAccountIsQueuedUntilItsPublicationIsConfirmed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		queued := func() []hook.AccountState {
			states, err := f.Unpublished(t.Context(), 10)
			require.NoError(t, err)
			return states
		}
		a := f.account(t, "acme")
		f.account(t, "idle")
		require.Len(t, queued(), 2)
		require.NoError(t, f.Published(t.Context(), queued()))
		require.Empty(t, queued())
		d, ok, err := f.Digest(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, hook.StateDigest{Accounts: 2, Versions: 2}, d)

		w := f.webhook(t, "acme", "wh_1")
		a.Version = 2
		require.Equal(t, []hook.AccountState{{Account: a, Webhooks: []hook.Webhook{w}}}, queued())
		d, ok, err = f.Digest(t.Context())
		require.NoError(t, err)
		require.False(t, ok, "while some are queued")
		require.Equal(t, hook.StateDigest{Accounts: 2, Versions: 3}, d)

		before := queued()
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.Status = hook.Revoked; return nil })
		require.NoError(t, err)
		require.NoError(t, f.Published(t.Context(), before))
		a.Version = 3
		require.Equal(t, []hook.AccountState{{Account: a}}, queued(), "it changed since; the revoked webhook is left out")
		require.NoError(t, f.Published(t.Context(), queued()))
		require.NoError(t, f.Published(t.Context(), before), "a late confirmation takes nothing back")
		require.Empty(t, queued())

		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		a.Version, a.Deleted = 4, true
		require.Equal(t, []hook.AccountState{{Account: a}}, queued(), "a tombstone")
	})
}

func TestStatesWalkAllAccounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		for n := range 5 {
			id := fmt.Sprint("a", n)
			f.account(t, id)
			f.webhook(t, id, "wh_b"+id)
			f.webhook(t, id, "wh_a"+id)
		}
		require.NoError(t, f.DeleteAccount(t.Context(), "a2"))
		var seen []string
		after := ""
		for {
			states, err := f.States(t.Context(), after, 2)
			require.NoError(t, err)
			if len(states) == 0 {
				break
			}
			for _, s := range states {
				seen = append(seen, s.Account.ID)
				if s.Account.ID == "a2" {
					require.True(t, s.Account.Deleted)
					require.Empty(t, s.Webhooks)
					continue
				}
				require.Equal(t, []hook.Webhook{webhook(s.Account.ID, "wh_a"+s.Account.ID), webhook(s.Account.ID, "wh_b"+s.Account.ID)}, s.Webhooks)
			}
			after = states[len(states)-1].Account.ID
		}
		require.Equal(t, []string{"a0", "a1", "a2", "a3", "a4"}, seen)
	})
}
