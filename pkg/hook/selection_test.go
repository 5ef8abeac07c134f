package hook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestASelectionLeavesTheOtherItemsOut(t *testing.T) {
	t.Parallel()
	event := &hook.Event{ID: "evt_1"}
	for _, id := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		event.Items = append(event.Items, hook.Item{ID: id})
	}
	some := hook.NewSelection(len(event.Items))
	some.Add(1)
	some.Add(8)
	few := some.Of(event)
	require.Equal(t, []hook.Item{{ID: "1"}, {ID: "8"}}, few.Items)
	require.Equal(t, "evt_1", few.ID)
	require.Len(t, event.Items, 10, "the event itself stays")
	require.False(t, some.Has(100), "beyond the last byte is nothing")

	require.Same(t, event, hook.Selection(nil).Of(event), "nil is all")
	require.True(t, hook.Selection(nil).Has(7))
	require.Empty(t, hook.NewSelection(3).Of(event).Items)
}
