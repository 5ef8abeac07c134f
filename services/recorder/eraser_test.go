package recorder_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func (f *fixture) erased() bool {
	e, err := f.store.Erasure(f.Context(), "acme")
	return err == nil && !e.ErasedAt.IsZero()
}

func (f *fixture) logged(account string) int {
	f.Helper()
	list, _, err := f.store.Deliveries(f.Context(), account, hook.DeliveryFilter{}, hook.Page{Limit: 500})
	require.NoError(f, err)
	return len(list)
}

// What was not recorded when the account was deleted is not recorded afterwards, and
// neither is what senders make of its deliveries then.
func TestADeletedAccountIsErasedAndStaysSo(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_1", hook.Active)
	_, stop := f.run()
	for n := range 30 {
		f.record(attempt(n, "wh_1", hook.FateDelivered))
	}
	f.eventually(f.recorded, "all is recorded")
	require.Equal(t, 30, f.logged("acme"))
	stop()

	f.record(attempt(30, "wh_1", hook.FateDelivered))
	require.NoError(t, f.store.DeleteAccount(t.Context(), "acme"))
	f.record(attempt(31, "wh_1", hook.FateCancelled))
	other := attempt(32, "wh_1", hook.FateDelivered)
	other.Account = "other"
	f.record(other)
	_, stop = f.run()
	f.eventually(f.erased, "it is erased soon after a start")
	f.eventually(f.recorded, "what came late is passed")
	stop()
	require.Zero(t, f.logged("acme"))
	require.Equal(t, 1, f.logged("other"))
}
