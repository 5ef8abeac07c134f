package router_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

func TestEventsOfUnknownAccountsWaitWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	snapshot := newAccounts(account("acme"))
	f.run(snapshot)
	f.publish(0,
		event("evt_nobody", "nobody", 1), event("evt_late1", "late", 1), event("evt_late2", "late", 1), event("evt_acme", "acme", 1))
	reader := f.reader(bus.Deliveries)
	require.Equal(t, map[string]int{"evt_acme": 1}, f.awaitDelivered(reader, "evt_acme"))
	require.False(t, f.committed(), "what waits is read again after a crash")
	require.EqualValues(t, 3, f.metric("staffetta_router_waiting_records"))

	snapshot.set(account("late"))
	close(snapshot.awake)
	require.Equal(t, map[string]int{"evt_late1": 1, "evt_late2": 1}, f.awaitDelivered(reader, "evt_late1", "evt_late2"))
	q := f.next(f.reader(bus.Quarantine))
	require.Len(t, q, 1)
	require.Equal(t, "unknown_account", headerOf(q[0], "staffetta-reason"))
	require.Contains(t, headerOf(q[0], "staffetta-detail"), `"nobody"`)
	f.eventually(f.committed, "nothing waits any more")
	require.Zero(t, f.metric("staffetta_router_waiting_records"))
}

func TestARouterThatLeavesWaitsForNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	stop, _ := f.start(newAccounts(account("acme")))
	f.publish(0, event("evt_nobody", "nobody", 1))
	waiting := func() bool { return f.metric("staffetta_router_waiting_records") == 1 }
	f.eventually(waiting, "it waits")
	require.NoError(t, stop())
	require.False(t, waiting(), "whoever comes next does")
	require.False(t, f.committed())
}

func TestWhatWaitsForASnapshotIsBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                     string
		events, pad, most, batch int
	}{
		// Room for 1 MiB, and a batch of as much above it.
		{name: "in bytes", events: 60, pad: 100_000, most: 2 * (1 << 20) / 100_000, batch: 1},
		// 1,000, and a batch of at most 1 MiB above it.
		{name: "in records", events: 12_000, pad: 1, most: 1000 + (1<<20)/100, batch: 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			snapshot := newAccounts(account("acme"))
			f.run(snapshot)
			var flood [][]byte
			for n := range c.events {
				flood = append(flood, event(fmt.Sprint("evt_", n), fmt.Sprint("nobody", n), c.pad))
				if len(flood) == c.batch {
					f.publish(0, flood...)
					flood = nil
				}
			}
			reader := f.reader(bus.Deliveries)
			for n := range 20 {
				id := fmt.Sprint("evt_good", n)
				f.publish(1, event(id, "acme", 1))
				f.awaitDelivered(reader, id)
			}
			require.NotZero(t, snapshot.unknown())
			require.LessOrEqual(t, snapshot.unknown(), c.most, "the rest stays in Kafka")

			close(snapshot.awake)
			quarantined := 0
			for q := f.reader(bus.Quarantine); quarantined < c.events; {
				quarantined += len(f.next(q))
			}
			require.Equal(t, c.events, quarantined)
			f.eventually(f.committed, "nothing waits any more")
		})
	}
}
