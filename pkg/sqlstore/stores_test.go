package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// sees registers stores of an account, as the recorder does.
func (f fixture) sees(t *testing.T, account string, stores ...string) (refused map[string]int) {
	t.Helper()
	var seen []hook.Sighting
	for _, id := range stores {
		seen = append(seen, hook.Sighting{Account: account, Store: id})
	}
	refused, err := f.Register(t.Context(), hook.Registration{Seen: seen})
	require.NoError(t, err)
	return refused
}

func (f fixture) stores(t *testing.T, account string) []hook.Store {
	t.Helper()
	return walk(t, 2, func(p hook.Page) ([]hook.Store, string, error) { return f.Stores(t.Context(), account, p) })
}

func TestStoresAreSeenNamedAndRemoved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		require.Empty(t, f.sees(t, "acme", "7", "negozio di Bari", "7", "12", "a/b", "é"))
		f.clock.Add(time.Minute)
		named, err := f.PutStore(t.Context(), "acme", "7", "Milano Centrale")
		require.NoError(t, err)
		require.Equal(t, hook.Store{ID: "7", Name: "Milano Centrale", CreatedAt: start}, named)
		added, err := f.PutStore(t.Context(), "acme", "8", "Roma")
		require.NoError(t, err)
		require.Equal(t, hook.Store{ID: "8", Name: "Roma", CreatedAt: start.Add(time.Minute)}, added)

		require.Empty(t, f.sees(t, "acme", "7", "8", "12"), "once more")
		want := []hook.Store{
			{ID: "12", Name: "12", CreatedAt: start}, named, added, {ID: "a/b", Name: "a/b", CreatedAt: start},
			{ID: "negozio di Bari", Name: "negozio di Bari", CreatedAt: start}, {ID: "é", Name: "é", CreatedAt: start},
		}
		require.Equal(t, want, f.stores(t, "acme"), "by id, and no event takes away a name")
		require.Empty(t, f.stores(t, "other"))

		require.NoError(t, f.DeleteStore(t.Context(), "acme", "7"))
		require.ErrorIs(t, f.DeleteStore(t.Context(), "acme", "7"), hook.ErrNotFound)
		require.ErrorIs(t, f.DeleteStore(t.Context(), "other", "8"), hook.ErrNotFound)
		f.sees(t, "acme", "7")
		require.Contains(t, f.stores(t, "acme"), hook.Store{ID: "7", Name: "7", CreatedAt: start.Add(time.Minute)}, "it is back")

		_, err = f.PutStore(t.Context(), "nobody", "7", "x")
		require.ErrorIs(t, err, hook.ErrNotFound)
		require.Empty(t, f.sees(t, "nobody", "7"), "of no account: neither kept nor complained about")
		require.Empty(t, f.stores(t, "nobody"))
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		require.Empty(t, f.stores(t, "acme"))
		f.sees(t, "acme", "7")
		require.Empty(t, f.stores(t, "acme"), "what was under way does not bring it back")
	})
}

func TestEventsAddNoMoreStoresThanAnAccountMayHave(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		ids := make([]string, hook.MaxStores-1)
		for i := range ids {
			ids[i] = fmt.Sprintf("%05d", i)
		}
		require.Empty(t, f.sees(t, "acme", ids...))
		require.Equal(t, map[string]int{"acme": 2}, f.sees(t, "acme", "a", "b", "c", "00007"))
		require.Empty(t, f.sees(t, "acme", "a", "00007"), "those that are there are no more")
		require.Empty(t, f.sees(t, "other", "b"))
		_, err := f.PutStore(t.Context(), "acme", "b", "a person's")
		require.NoError(t, err)
		require.NoError(t, f.DeleteStore(t.Context(), "acme", "00001"))
		require.NoError(t, f.DeleteStore(t.Context(), "acme", "00002"))
		require.Empty(t, f.sees(t, "acme", "c"), "there is room again")
	})
}
