package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
)

func TestItalianItemTypesAreTheSameTypesWhereverTheyStand(t *testing.T) {
	t.Parallel()
	e, err := codec.Decode(codec.Input{Value: []byte(`{"id": "1", "account": "acme", "eventType": "update", "itemType": "NumeroSeriale",
		"user": {"id": 33, "itemType": "Equipaggio"},
		"items": [{"id": 8367, "parent": {"id": 12792, "itemType": "Attrezzatura"}}]}`)})
	require.NoError(t, err)
	require.Equal(t, "SerialNumber", e.ItemType)
	require.Equal(t, "Crew", e.User.ItemType)
	require.Equal(t, "Equipment", e.Items[0].Parent.ItemType)
}
