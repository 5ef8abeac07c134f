package sqlstore_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAnAccountIsCreatedRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		created := f.account(t, "acme")
		require.Equal(t, hook.Account{ID: "acme", Name: "The acme", Version: 1, CreatedAt: start}, created)
		got, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, created, got)

		_, err = f.CreateAccount(t.Context(), hook.Account{ID: "acme", Name: "other"})
		require.ErrorIs(t, err, hook.ErrConflict)

		rename := func(a *hook.Account) error { a.Name = "Acme S.p.A."; return nil }
		renamed, err := f.UpdateAccount(t.Context(), "acme", rename)
		require.NoError(t, err)
		require.Equal(t, hook.Account{ID: "acme", Name: "Acme S.p.A.", Version: 2, CreatedAt: start}, renamed)
		same, err := f.UpdateAccount(t.Context(), "acme", rename)
		require.NoError(t, err)
		require.Equal(t, renamed, same, "the same name is no change")

		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		_, err = f.Account(t.Context(), "acme")
		require.ErrorIs(t, err, hook.ErrNotFound)
		require.ErrorIs(t, f.DeleteAccount(t.Context(), "acme"), hook.ErrNotFound)
		_, err = f.UpdateAccount(t.Context(), "acme", rename)
		require.ErrorIs(t, err, hook.ErrNotFound)
		_, err = f.CreateAccount(t.Context(), hook.Account{ID: "acme", Name: "again"})
		require.ErrorIs(t, err, hook.ErrConflict, "an id is never used twice")
	})
}

func TestAccountsAreListedById(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		for _, id := range []string{"b", "a.1", "A", "_", "c", "a-1"} {
			f.account(t, id)
		}
		require.NoError(t, f.DeleteAccount(t.Context(), "c"))
		list := walk(t, 2, func(p hook.Page) ([]hook.Account, string, error) { return f.Accounts(t.Context(), p) })
		ids := make([]string, len(list))
		for i, a := range list {
			ids[i] = a.ID
		}
		require.Equal(t, []string{"A", "_", "a-1", "a.1", "b"}, ids, "byte by byte, on every backend")
	})
}

func TestACursorThatNobodyMadeIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		for _, cursor := range []string{"x", "!!", "MTIz", "YSBi", "MSD_", "MSBhAA"} {
			_, _, err := f.Deliveries(t.Context(), "acme", hook.DeliveryFilter{}, hook.Page{Limit: 1, After: cursor})
			var faults hook.Invalid
			require.ErrorAs(t, err, &faults, cursor)
			require.Equal(t, "cursor", faults[0].Field)
		}
	})
}

func key(account string, n int) hook.Key {
	return hook.Key{
		ID: fmt.Sprintf("key_%d", n), Account: account, Name: "till", Scopes: []hook.Scope{hook.ScopeRead, hook.ScopePublish},
		Hash: sha256.Sum256([]byte(fmt.Sprint(n))), CreatedAt: start.Add(time.Duration(n/2) * time.Second), ExpiresAt: start.Add(time.Hour),
	}
}

func TestAKeyIsFoundByItsHashUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		require.ErrorIs(t, f.CreateKey(t.Context(), key("acme", 1)), hook.ErrNotFound, "there is no account")
		f.account(t, "acme")
		f.account(t, "other")
		k := key("acme", 1)
		k.ExpiresAt = time.Time{}
		require.NoError(t, f.CreateKey(t.Context(), k))
		require.ErrorIs(t, f.CreateKey(t.Context(), k), hook.ErrConflict)

		got, err := f.KeyByHash(t.Context(), k.Hash)
		require.NoError(t, err)
		require.Equal(t, k, got)
		_, err = f.KeyByHash(t.Context(), sha256.Sum256([]byte("guess")))
		require.ErrorIs(t, err, hook.ErrNotFound)

		require.ErrorIs(t, f.RevokeKey(t.Context(), "other", k.ID), hook.ErrNotFound, "it is another account's")
		require.NoError(t, f.RevokeKey(t.Context(), "acme", k.ID))
		_, err = f.KeyByHash(t.Context(), k.Hash)
		require.ErrorIs(t, err, hook.ErrNotFound)
		require.ErrorIs(t, f.RevokeKey(t.Context(), "acme", k.ID), hook.ErrNotFound)
	})
}

func TestAKeyTellsWhenItWasUsedLast(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		require.NoError(t, f.CreateKey(t.Context(), key("acme", 1)))
		require.NoError(t, f.CreateKey(t.Context(), key("acme", 2)))
		last := start.Add(time.Hour)
		require.NoError(t, f.KeysUsed(t.Context(), map[string]time.Time{"key_1": last, "key_9": last}))
		require.NoError(t, f.KeysUsed(t.Context(), map[string]time.Time{"key_1": start}), "somebody else's clock is behind")
		for n, want := range map[int]time.Time{1: last, 2: {}} {
			got, err := f.KeyByHash(t.Context(), key("acme", n).Hash)
			require.NoError(t, err)
			require.Equal(t, want, got.LastUsedAt)
		}
		require.Len(t, f.audit(t, "acme", hook.AuditFilter{}), 3, "to be used is no change")
	})
}

func TestKeysAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		for n := range 5 {
			require.NoError(t, f.CreateKey(t.Context(), key("acme", n)))
		}
		require.NoError(t, f.CreateKey(t.Context(), key("other", 9)))
		list := walk(t, 2, func(p hook.Page) ([]hook.Key, string, error) { return f.Keys(t.Context(), "acme", p) })
		require.Equal(t, []hook.Key{key("acme", 4), key("acme", 3), key("acme", 2), key("acme", 1), key("acme", 0)}, list)
	})
}

func TestDeletingAnAccountRevokesItsWebhooksAndKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		w := f.webhook(t, "acme", "wh_1")
		f.webhook(t, "other", "wh_2")
		require.NoError(t, f.CreateKey(t.Context(), key("acme", 1)))
		f.clock.Add(time.Minute)
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))

		_, err := f.KeyByHash(t.Context(), key("acme", 1).Hash)
		require.ErrorIs(t, err, hook.ErrNotFound)
		got, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		w.SecretsUntil = nil
		w.Headers, w.Auth, w.Filter = nil, nil, ""
		w.Status, w.Secrets, w.RevokedAt, w.Version = hook.Revoked, nil, start.Add(time.Minute), 2
		require.Equal(t, w, got)
		untouched, err := f.Webhook(t.Context(), "other", "wh_2")
		require.NoError(t, err)
		require.Equal(t, webhook("other", "wh_2"), untouched)
		_, err = f.CreateWebhook(t.Context(), webhook("acme", "wh_3"))
		require.ErrorIs(t, err, hook.ErrNotFound)
		require.ErrorIs(t, f.CreateKey(t.Context(), key("acme", 2)), hook.ErrNotFound)
	})
}
