package recorder_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/recorder"
)

// all gives the ids of the log's deliveries, by event.
func (f *fixture) all() map[string]hook.Delivery {
	f.Helper()
	found := map[string]hook.Delivery{}
	page := hook.Page{Limit: 500}
	for {
		some, next, err := f.store.Deliveries(f.Context(), "acme", hook.DeliveryFilter{}, page)
		require.NoError(f, err)
		for _, d := range some {
			found[d.Event] = d
		}
		if next == "" {
			return found
		}
		page.After = next
	}
}

func TestWhatTheSenderRecordsIsInTheLog(t *testing.T) {
	f := newFixture(t)
	const webhooks, each = 20, 300 // 6,000: more than one transaction's worth
	var attempts []hook.Attempt
	for w := range webhooks {
		for n := range each {
			attempts = append(attempts, attempt(w*each+n, "wh_"+string(rune('a'+w)), hook.FateDelivered))
		}
	}
	f.record(attempts...)
	f.run()
	f.eventually(f.recorded, "the log has all")
	log := f.all()
	require.Len(t, log, webhooks*each)
	for _, a := range attempts {
		require.Equal(t, a.Delivery, log[a.Event].ID)
	}
	f.eventually(func() bool {
		shown, err := f.client.CommittedOffsets(t.Context(), recorder.Group, []string{bus.Attempts})
		require.NoError(t, err)
		for p, end := range f.written {
			if shown[bus.Attempts][p].Offset != end {
				return end == 0
			}
		}
		return true
	}, "the group shows no lag")
}

func TestATransactionIsBoundedHoweverManyItemsAnEventHas(t *testing.T) {
	f := newFixture(t)
	const webhooks, items = 5, 3000
	var attempts []hook.Attempt
	for n := range webhooks {
		a := attempt(n, "wh_a", hook.FateDelivered)
		for i := range items {
			a.Items = append(a.Items, fmt.Sprint("item_", i))
		}
		attempts = append(attempts, a)
	}
	f.record(attempts...)
	f.run()
	f.eventually(f.recorded, "the log has all")
	require.Len(t, f.all(), webhooks)
	require.LessOrEqual(t, f.store.most.Load(), int64(10_000+items), "rows of one transaction")
}

func TestADatabaseThatIsAwayLosesNothing(t *testing.T) {
	f := newFixture(t)
	f.store.records.Store(4)
	f.run()
	f.record(attempt(1, "wh_a", hook.FateDelivered), attempt(2, "wh_a", hook.FateExhausted))
	f.eventually(f.recorded, "once it is back")
	require.Equal(t, hook.FateDelivered, f.all()["evt_00001"].Status)
	require.Equal(t, hook.FateExhausted, f.all()["evt_00002"].Status)
	require.Negative(t, f.store.records.Load(), "it was away")
}

func TestARestartGoesOnWhereTheLogIs(t *testing.T) {
	f := newFixture(t)
	_, stop := f.run()
	f.record(attempt(1, "wh_a", hook.FateDelivered))
	f.eventually(f.recorded, "the first")
	stop()
	f.record(attempt(2, "wh_a", hook.FateDelivered))
	require.Len(t, f.all(), 1)
	f.run()
	f.eventually(f.recorded, "the second")
	require.Len(t, f.all(), 2)
}

func TestARecordThatIsNoAttemptGoesToQuarantine(t *testing.T) {
	f := newFixture(t)
	p := bus.PartitionOf([]byte("wh_a"), partitions)
	f.record(attempt(1, "wh_a", hook.FateDelivered))
	require.NoError(t, f.producer.ProduceSync(t.Context(),
		bus.Record{Topic: bus.Attempts, Partition: p, Key: []byte("k"), Value: []byte("no attempt")}))
	f.written[p]++
	f.record(attempt(2, "wh_a", hook.FateDelivered))
	f.run()
	f.eventually(f.recorded, "what comes after it too")
	require.Len(t, f.all(), 2)

	fetcher := f.client.NewFetcher(bus.FetcherConfig{})
	defer fetcher.Close()
	for p := range partitions {
		fetcher.Add(bus.Quarantine, p, bus.FirstOffset)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	batch, err := fetcher.Poll(ctx)
	require.NoError(t, err)
	require.Len(t, batch.Records, 1)
	require.Equal(t, "no attempt", string(batch.Records[0].Value))
	reason, _ := batch.Records[0].Header("staffetta-reason")
	require.Equal(t, "undecodable_attempt", string(reason))
	offset, _ := batch.Records[0].Header("staffetta-offset")
	require.Equal(t, "1", string(offset))
}

func TestWhatAnotherRecorderWroteIsNotWrittenAgain(t *testing.T) {
	f := newFixture(t)
	f.run()
	a := attempt(1, "wh_a", hook.FateDelivered)
	p := a.Bundle.Partition
	f.record(a)
	f.eventually(f.recorded, "the first")
	// The owner before writes offset 1 after this one has taken over.
	late := attempt(2, "wh_a", hook.FateDelivered)
	require.NoError(t, f.store.Store.Record(t.Context(), []hook.Range{{Partition: p, From: 1, To: 2, Records: []hook.Recorded{{Offset: 1, Attempt: late}}}}))
	f.record(late, attempt(3, "wh_a", hook.FateDelivered))
	f.eventually(f.recorded, "goes on after it")
	require.Len(t, f.all(), 3)
}

func TestOffsetsThatAreGoneDoNotStopTheLog(t *testing.T) {
	f := newFixture(t)
	a := attempt(1, "wh_a", hook.FateDelivered)
	require.NoError(t, f.store.Store.Record(t.Context(), []hook.Range{{Partition: a.Bundle.Partition, To: 1000}}))
	f.record(a)
	f.run()
	f.eventually(func() bool { return len(f.all()) == 1 }, "reading goes on at the earliest")
	next, err := f.store.NextOffset(t.Context(), a.Bundle.Partition)
	require.NoError(t, err)
	require.EqualValues(t, 1, next)
}

func TestTwoRecordersShareTheWork(t *testing.T) {
	f := newFixture(t)
	_, stop := f.run()
	f.run()
	for n := range 40 {
		f.record(attempt(n, "wh_"+string(rune('a'+n)), hook.FateDelivered))
	}
	f.eventually(f.recorded, "together")
	stop()
	for n := range 40 {
		f.record(attempt(100+n, "wh_"+string(rune('a'+n)), hook.FateDelivered))
	}
	f.eventually(f.recorded, "the one that stays")
	require.Len(t, f.all(), 80)
}

func TestAConfigurationWithoutItsPartsIsRefused(t *testing.T) {
	t.Parallel()
	_, err := recorder.New(recorder.Config{})
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 6)
}
