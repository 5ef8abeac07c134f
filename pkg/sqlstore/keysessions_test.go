package sqlstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// keyOf adds one to an account, whose hash begins with n.
func (f fixture) keyOf(t *testing.T, account, id string, n byte, expires time.Time) hook.Key {
	t.Helper()
	k := hook.Key{
		ID: id, Account: account, Name: "Till", Scopes: []hook.Scope{hook.ScopeRead, hook.ScopeWrite}, Hash: [32]byte{n},
		CreatedAt: f.clock.Now(), ExpiresAt: expires,
	}
	require.NoError(t, f.CreateKey(t.Context(), k))
	return k
}

// keySession is one whose hash begins with n.
func (f fixture) keySession(n byte, account, key string) hook.Session {
	return hook.Session{Hash: [32]byte{n}, Account: account, APIKey: key, ExpiresAt: f.clock.Now().Add(hook.SessionMax)}
}

func TestTheSessionOfAKeyIsWorthWhatTheKeyIs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.account(t, "b")
		key := f.keyOf(t, "a", "key_1", 1, time.Time{})
		s := f.keySession(1, "a", "key_1")
		require.NoError(t, f.StartKeySession(t.Context(), s))
		s.CreatedAt, s.SeenAt, key.LastUsedAt = f.clock.Now(), f.clock.Now(), f.clock.Now()
		got, places, err := f.Session(t.Context(), s.Hash)
		require.NoError(t, err)
		require.Equal(t, s, got)
		require.Equal(t, []hook.Membership{{Member: hook.Member{Account: "a"}, AccountName: "The a", Key: &key}}, places)

		f.clock.Add(hook.SessionStep)
		_, _, err = f.Session(t.Context(), s.Hash)
		require.NoError(t, err)
		_, places, err = f.Session(t.Context(), s.Hash)
		require.NoError(t, err)
		require.Equal(t, f.clock.Now(), places[0].Key.LastUsedAt, "the portal uses it too")

		require.NoError(t, f.MoveSession(t.Context(), s.Hash, "a"))
		require.ErrorIs(t, f.MoveSession(t.Context(), s.Hash, "b"), hook.ErrNotFound)
		require.NoError(t, f.EndSession(t.Context(), s.Hash))
		require.Nil(t, f.places(t, 1))
		require.Equal(t, []string{"4 sign-out key_1", "3 sign-in key_1"}, f.audit(t, "a", hook.AuditFilter{Actor: "key_1"}))
		entries, _, err := f.Audit(t.Context(), "a", hook.AuditFilter{Operation: "sign-in"}, hook.Page{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, hook.Actor{Kind: hook.ActorKey, ID: "key_1", Name: "Till"}, entries[0].Origin.Actor)
	})
}

func TestTheSessionOfAKeyEndsWithIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.account(t, "b")
		f.keyOf(t, "a", "key_1", 1, time.Time{})
		f.keyOf(t, "a", "key_2", 2, f.clock.Now().Add(time.Minute))
		f.keyOf(t, "b", "key_3", 3, time.Time{})
		for n, id := range []string{"key_1", "key_2"} {
			require.NoError(t, f.StartKeySession(t.Context(), f.keySession(byte(n+1), "a", id)))
			require.NotNil(t, f.places(t, byte(n+1)))
		}
		require.NoError(t, f.StartKeySession(t.Context(), f.keySession(3, "b", "key_3")))
		require.ErrorIs(t, f.StartKeySession(t.Context(), f.keySession(4, "b", "key_1")), hook.ErrNotFound, "of another account")

		require.NoError(t, f.RevokeKey(t.Context(), "a", "key_1"))
		require.Nil(t, f.places(t, 1))
		f.clock.Add(time.Minute)
		require.Nil(t, f.places(t, 2))
		require.NoError(t, f.DeleteAccount(t.Context(), "b"))
		require.Nil(t, f.places(t, 3))
		for n, id := range []string{"key_1", "key_2"} {
			require.ErrorIs(t, f.StartKeySession(t.Context(), f.keySession(5, "a", id)), hook.ErrNotFound, id)
			require.NoError(t, f.EndSession(t.Context(), [32]byte{byte(n + 1)}))
		}
		require.Empty(t, f.audit(t, "a", hook.AuditFilter{Operation: "sign-out"}), "they ended with their keys")
	})
}
