package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/services/api"
)

func TestItemTypesAreListedWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var list struct {
		Items []api.ItemType
		Next  *string
	}
	require.NoError(t, json.Unmarshal(b.acme().get("/v1/item-types").requires(200).body, &list))
	require.Nil(t, list.Next)
	require.Len(t, list.Items, 49, "41 of one document, 8 of the other")
	aliases := map[string][]string{}
	for i, known := range catalogue.All() { // which is tested against the documents
		got := list.Items[i]
		require.Equal(t, known.Name, got.Name)
		require.Equal(t, known.Italian, got.Italian)
		require.Equal(t, i < 41, got.Source == "rentman")
		require.NotNil(t, got.Aliases)
		if len(got.Aliases) > 0 {
			aliases[got.Name] = got.Aliases
		}
	}
	require.Equal(t, map[string][]string{
		"Equipment": {"Materiale"}, "Crew": {"Personale"}, "StockMovement": {"MovimentoDiMagazzino"}, "DeliveryNote": {"DDT"}, "CashClosing": {"ChiusuraDiCassa"},
	}, aliases)
}

func TestAWebhookTakesEveryNameOfAType(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, known := range catalogue.All() {
		for _, name := range append([]string{known.Name, known.Italian}, known.Aliases...) {
			made := b.acme().post("/v1/webhooks", `{"itemTypes": ["`+name+`"], "url": "https://example.com/hook"}`).requires(201)
			require.Equal(t, []any{known.Name}, made.object()["itemTypes"], name)
		}
	}
}
