package recorder_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

// reject puts bad input of an event topic into quarantine, as the router does.
func (f *fixture) reject(offset int64, value string) {
	f.Helper()
	came := bus.Record{Topic: "events.contacts", Partition: 1, Offset: offset, Key: []byte("acme/Contact"), Value: []byte(value)}
	require.NoError(f, f.producer.ProduceSync(f.Context(), quarantine.Record(came, "not_json", "value must be JSON")))
}

// see tells that an event of an account had a store.
func (f *fixture) see(account, store string) {
	f.Helper()
	require.NoError(f, f.producer.ProduceSync(f.Context(), bus.Record{
		Topic: bus.Stores, Partition: bus.AnyPartition, Key: []byte(account), Value: []byte(store),
	}))
}

func (f *fixture) entries() []hook.Quarantined {
	f.Helper()
	entries, _, err := f.store.QuarantineEntries(f.Context(), "", hook.QuarantineFilter{}, hook.Page{Limit: 500})
	require.NoError(f, err)
	return entries
}

func (f *fixture) stores(account string) (ids []string) {
	f.Helper()
	stores, _, err := f.store.Stores(f.Context(), account, hook.Page{Limit: 500})
	require.NoError(f, err)
	for _, s := range stores {
		ids = append(ids, s.ID)
	}
	return ids
}

// registered reports whether the register has all that is in its topics, and shows it
// to the group.
func (f *fixture) registered() bool {
	f.Helper()
	for _, topic := range []string{bus.Quarantine, bus.Stores} {
		ends, err := f.client.EndOffsets(f.Context(), topic)
		require.NoError(f, err)
		for p, end := range ends {
			next, err := f.store.RegisterPosition(f.Context(), topic, p)
			require.NoError(f, err)
			if next != end {
				return false
			}
		}
	}
	return true
}

func TestWhatIsInQuarantineIsListed(t *testing.T) {
	f := newFixture(t)
	f.store.registers.Store(3)
	_, stop := f.run()
	f.reject(41, "hello")
	f.eventually(f.registered, "once the database is back")
	entries := f.entries()
	require.Len(t, entries, 1)
	e := entries[0]
	require.Equal(t, "acme", e.Account)
	require.Equal(t, "not_json", e.Reason)
	require.Equal(t, "value must be JSON", e.Detail)
	require.Equal(t, hook.Coordinates{Topic: "events.contacts", Partition: 1, Offset: 41}, e.Source)
	require.EqualValues(t, 5, e.Bytes)
	require.Equal(t, hook.Open, e.State)
	record, err := f.client.ReadAt(t.Context(), e.At)
	require.NoError(t, err)
	require.Equal(t, "hello", string(record.Value), "its entry leads to it")
	require.True(t, e.CreatedAt.Equal(record.Time))

	_, err = f.store.SetQuarantined(t.Context(), "", e.ID, hook.Redriven)
	require.NoError(t, err)
	stop()
	f.reject(42, strings.Repeat("x", 3<<20)) // more than is fetched at a time
	f.reject(43, "after it")
	f.run()
	f.eventually(f.registered, "it goes on where it was")
	require.Len(t, f.entries(), 3)
	got, err := f.store.QuarantineEntry(t.Context(), "acme", e.ID)
	require.NoError(t, err)
	require.Equal(t, hook.Redriven, got.State)
}

func TestWhatSomebodyElseWritesIntoTheTopicsIsPassedOver(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active) // makes the account
	require.NoError(t, f.producer.ProduceSync(t.Context(),
		bus.Record{Topic: bus.Quarantine, Partition: 1, Value: []byte("no record of ours")},
		bus.Record{Topic: bus.Quarantine, Partition: 1},
		bus.Record{Topic: bus.Stores, Partition: 1, Key: []byte("acme"), Value: []byte(strings.Repeat("x", 257))},
		bus.Record{Topic: bus.Stores, Partition: 1, Key: []byte("acme")},
		bus.Record{Topic: bus.Stores, Partition: 1, Value: []byte("7")},
		bus.Record{Topic: bus.Stores, Partition: 1, Key: []byte("nobody"), Value: []byte("7")},
	))
	f.reject(41, "hello")
	f.see("acme", "12")
	f.run()
	f.eventually(f.registered, "what comes after it too")
	require.Len(t, f.entries(), 1)
	require.Equal(t, []string{"12"}, f.stores("acme"))
	require.Empty(t, f.stores("nobody"))
}

func TestStoresThatEventsHadAreAdded(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.run()
	_, err := f.store.PutStore(t.Context(), "acme", "7", "Bari")
	require.NoError(t, err)
	for _, store := range []string{"7", "8", "8"} {
		f.see("acme", store)
	}
	f.eventually(f.registered, "all are looked at")
	require.Equal(t, []string{"7", "8"}, f.stores("acme"))
	stores, _, err := f.store.Stores(t.Context(), "acme", hook.Page{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "Bari", stores[0].Name)

	require.NoError(t, f.store.DeleteStore(t.Context(), "acme", "8"))
	f.see("acme", "8")
	f.eventually(func() bool { return len(f.stores("acme")) == 2 }, "it comes back")
}

// While partitions move, another recorder may have written what this one is about to.
func TestWhatAnotherRecorderRegisteredIsNotRegisteredAgain(t *testing.T) {
	f := newFixture(t)
	f.run()
	f.reject(41, "hello")
	f.eventually(f.registered, "the first")
	at := f.entries()[0].At
	_, err := f.store.Store.Register(t.Context(), hook.Registration{Spans: []hook.Span{
		{Topic: at.Topic, Partition: at.Partition, From: at.Offset + 1, To: at.Offset + 2},
	}})
	require.NoError(t, err)
	f.reject(42, "of the same key, so of the same partition: the other one has it")
	f.reject(43, "hello")
	f.eventually(f.registered, "it goes on from where the other one got to")
	offsets := []int64{}
	for _, e := range f.entries() {
		offsets = append(offsets, e.Source.Offset)
	}
	require.ElementsMatch(t, []int64{41, 43}, offsets)
}

func TestATopicThatWasMadeAnewIsReadFromItsStart(t *testing.T) {
	f := newFixture(t)
	f.reject(41, "hello")
	for p := range partitions {
		_, err := f.store.Store.Register(t.Context(), hook.Registration{Spans: []hook.Span{{Topic: bus.Quarantine, Partition: p, To: 1000}}})
		require.NoError(t, err)
	}
	f.run()
	f.eventually(func() bool { return len(f.entries()) == 1 }, "what is there")
}
