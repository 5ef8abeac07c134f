package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestItemSchemasAreSetChangedAndRemoved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		published := func() hook.AccountState {
			states, err := f.Unpublished(t.Context(), 10)
			require.NoError(t, err)
			for _, s := range states {
				if s.Account.ID == "acme" {
					return s
				}
			}
			require.Fail(t, "acme is not queued")
			return hook.AccountState{}
		}
		require.Empty(t, published().Schemas)
		for n, s := range []hook.ItemSchema{
			{ItemType: "Invoice", Schema: []byte(`{"type": "object"}`)},
			{ItemType: "Contact", Schema: []byte(`{}`)},
			{ItemType: "Invoice", Schema: []byte(`{"type":  "object", "required": ["total"]}`)},
		} {
			require.NoError(t, f.PutItemSchema(t.Context(), "acme", s))
			require.EqualValues(t, n+2, published().Account.Version)
			require.NoError(t, f.PutItemSchema(t.Context(), "acme", s), "the same again")
			require.EqualValues(t, n+2, published().Account.Version, "is no change")
		}
		want := []hook.ItemSchema{
			{ItemType: "Contact", Schema: []byte(`{}`)},
			{ItemType: "Invoice", Schema: []byte(`{"type":  "object", "required": ["total"]}`)},
		}
		got, err := f.ItemSchemas(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, want, got, "as it was written, by item type")
		require.Equal(t, want, published().Schemas)
		got, err = f.ItemSchemas(t.Context(), "other")
		require.NoError(t, err)
		require.Empty(t, got)

		require.NoError(t, f.DeleteItemSchema(t.Context(), "acme", "Contact"))
		require.Equal(t, want[1:], published().Schemas)
		require.EqualValues(t, 5, published().Account.Version)
		require.ErrorIs(t, f.DeleteItemSchema(t.Context(), "acme", "Contact"), hook.ErrNotFound)
		require.ErrorIs(t, f.DeleteItemSchema(t.Context(), "nobody", "Contact"), hook.ErrNotFound)
		require.ErrorIs(t, f.PutItemSchema(t.Context(), "nobody", want[0]), hook.ErrNotFound)

		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		require.Empty(t, published().Schemas, "a tombstone has none")
	})
}
