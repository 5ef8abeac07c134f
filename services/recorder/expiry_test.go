package recorder_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestOldUsageIsDeleted(t *testing.T) {
	f := newFixture(t)
	old, young := attempt(1, "wh_1", hook.FateDelivered), attempt(2, "wh_1", hook.FateDelivered)
	old.At = start.Add(-hook.HourlyKept - 2*time.Hour)
	require.NoError(t, f.store.Record(t.Context(), []hook.Range{
		{Partition: 0, To: 2, Records: []hook.Recorded{{Offset: 0, Attempt: old}, {Offset: 1, Attempt: young}}},
	}))
	steps := func(step time.Duration) int {
		list, err := f.store.Series(t.Context(), "acme", hook.SeriesFilter{
			Step: step, From: start.Add(-2 * hook.HourlyKept), To: start.Add(hook.Daily),
		})
		require.NoError(t, err)
		return len(list)
	}
	require.Equal(t, 2, steps(hook.Hourly))
	f.run()
	f.eventually(func() bool { return steps(hook.Hourly) == 1 }, "the old hour goes")
	require.Equal(t, 2, steps(hook.Daily), "days stay longer")
}
func TestOldEntriesOfQuarantineAreDeleted(t *testing.T) {
	f := newFixture(t)
	entry := func(id string, age time.Duration) hook.Quarantined {
		return hook.Quarantined{ID: id, Reason: "not_json", State: hook.Open, CreatedAt: start.Add(-age)}
	}
	_, err := f.store.Register(t.Context(), hook.Registration{Quarantined: []hook.Quarantined{
		entry("qrn_old", 14*24*time.Hour), entry("qrn_young", 13*24*time.Hour),
	}})
	require.NoError(t, err)
	f.run()
	f.eventually(func() bool {
		list, _, err := f.store.QuarantineEntries(t.Context(), "", hook.QuarantineFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		return len(list) == 1 && list[0].ID == "qrn_young"
	}, "the old one goes")
}
