package names_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
)

func TestInstantsAreInUTC(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 15, 30, 0, 0, time.UTC)
	for _, text := range []string{"2026-11-29T15:30", "2026-11-29T15:30:00", "2026-11-29T16:30:00+01:00"} {
		got, err := names.Instant(text)
		require.NoError(t, err, text)
		require.Equal(t, at, got, text)
	}
	for _, text := range []string{"", "yesterday", "2026-11-29", "29/11/2026 15:30"} {
		_, err := names.Instant(text)
		require.Error(t, err, text)
	}
	require.Equal(t, "2026-11-29T15:30", names.InForm(at.In(time.FixedZone("", 3600))))
	require.Equal(t, "2026-11-29T15:30:05", names.InForm(at.Add(5*time.Second)))
	require.Empty(t, names.InForm(time.Time{}))
}

func TestItemTypesHaveTheReadersNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Fattura", names.ItemType(hook.Italian, "Invoice"))
	require.Equal(t, "Gadget", names.ItemType(hook.Italian, "Gadget"))
	require.Equal(t, "Invoice", names.ItemType(hook.English, "Invoice"))
	require.Contains(t, names.ItemTypes(hook.Italian), "Contatto")
	require.NotContains(t, names.ItemTypes(hook.Italian), "Contact")
}

func TestWhatIsChosenIsOffered(t *testing.T) {
	t.Parallel()
	some := []names.Choice{{ID: "1", Name: "One"}}
	require.Equal(t, some, names.With(some, "1", "One"))
	require.Equal(t, some, names.With(some, "", ""))
	require.Equal(t, append(some, names.Choice{ID: "2", Name: "Two"}), names.With(some, "2", "Two"))
	require.Nil(t, names.With(nil, "2", "Two"), "there are too many: an id is entered")
}
