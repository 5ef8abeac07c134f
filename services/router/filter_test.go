package router_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/filter"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/router"
)

// filtering is an index of webhooks for everything with these filters, by id.
func filtering(filters map[string]string) *router.Index {
	s := hook.AccountState{Account: hook.Account{ID: "acme"}}
	for _, id := range slices.Sorted(maps.Keys(filters)) {
		s.Webhooks = append(s.Webhooks, hook.Webhook{
			ID: id, ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes, Filter: filters[id],
		})
	}
	return router.NewIndex(s)
}

func ofItems(data ...string) *hook.Event {
	e := &hook.Event{ID: "evt_1", Account: "acme", Type: hook.Update, ItemType: "Invoice"}
	for n, d := range data {
		e.Items = append(e.Items, hook.Item{ID: fmt.Sprint(n), Data: []byte(d)})
	}
	return e
}

// told gives the items that each webhook gets by the bundles.
func told(t *testing.T, e *hook.Event, partitions int, records []bus.Record) map[string][]string {
	t.Helper()
	items := map[string][]string{}
	for _, r := range records {
		b, err := codec.ReadBundle(r.Value)
		require.NoError(t, err)
		selections, err := b.Selections()
		require.NoError(t, err)
		n := 0
		for id := range b.Webhooks() {
			require.Equal(t, bus.PartitionOf([]byte(id), partitions), r.Partition)
			var selection hook.Selection
			if selections != nil {
				selection = selections[n]
			}
			for _, item := range selection.Of(e).Items {
				items[id] = append(items[id], item.ID)
			}
			n++
		}
	}
	return items
}

func TestAWebhookGetsTheItemsThatItsFilterLetsThrough(t *testing.T) {
	t.Parallel()
	b := router.NewBundler(partitions, filter.NewCache(10))
	index := filtering(map[string]string{
		"all": "", "rich": `item.data.total > 1000.0`, "rich too": `item.data.total > 1000.0`,
		"invoices": `event.itemType == "Invoice"`, "contacts": `event.itemType == "Contact"`, "second": `item.id == 1`,
		"unsure": `item.data.discount > 0.5`, "broken": `itm.`,
	})
	event := ofItems(`{"total": 5}`, `{"total": 5000, "discount": 1}`, `{"total": 2000}`)
	total, err := b.Match(t.Context(), event, index)
	require.NoError(t, err)
	require.Equal(t, 6, total)
	records, err := b.Records(event)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{
		"all": {"0", "1", "2"}, "invoices": {"0", "1", "2"}, "rich": {"1", "2"}, "rich too": {"1", "2"}, "second": {"1"}, "unsure": {"1"},
	}, told(t, event, partitions, records))

	failed := map[string]int{}
	for _, f := range b.Failures() {
		failed[f.Webhook] = f.Items
		require.Error(t, f.Err)
	}
	require.Equal(t, map[string]int{"unsure": 2, "broken": 3}, failed, "no answer is no match, and is told")

	// The next event has answers of its own.
	event = ofItems(`{"total": 1, "discount": 0}`)
	total, err = b.Match(t.Context(), event, index)
	require.NoError(t, err)
	require.Equal(t, 2, total, "all and invoices")
	require.Len(t, b.Failures(), 1)
	records, err = b.Records(event)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"all": {"0"}, "invoices": {"0"}}, told(t, event, partitions, records))
}

func TestABundleOfManySelectionsStaysSmall(t *testing.T) {
	t.Parallel()
	filters := map[string]string{}
	for n := range 100 {
		filters[fmt.Sprintf("wh_%026d", n)] = fmt.Sprintf("item.id != %d", n) // all but one item each
	}
	event := ofItems(make([]string, 10_000)...)
	b := router.NewBundler(1, filter.NewCache(100))
	total, err := b.Match(t.Context(), event, filtering(filters))
	require.NoError(t, err)
	require.Equal(t, 100, total)
	records, err := b.Records(event)
	require.NoError(t, err)
	require.Greater(t, len(records), 1, "each selection is 1,250 bytes")
	change := len(codec.AppendChange(nil, event))
	for _, r := range records {
		require.Less(t, len(r.Value), change+36_000+64<<10)
	}
	items := told(t, event, 1, records)
	require.Len(t, items, 100)
	for id, got := range items {
		var n int
		_, err := fmt.Sscanf(id, "wh_%d", &n)
		require.NoError(t, err)
		require.Len(t, got, len(event.Items)-1)
		require.NotContains(t, got, fmt.Sprint(n))
	}
}

func TestAnAccountWithoutFiltersPaysNothing(t *testing.T) { //nolint:paralleltest // counts allocations
	b := router.NewBundler(partitions, nil) // which asking would dereference
	index, event := toAll("acme", 3), ofItems(`{}`)
	_, err := b.Match(t.Context(), event, index)
	require.NoError(t, err)
	ctx := context.Background()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if n, err := b.Match(ctx, event, index); n != 3 || err != nil {
			t.Error(n, err)
		}
	}))
}

// shown collects what the router reports.
type shown struct {
	mu   sync.Mutex
	last map[string]hook.FilterError
	sum  map[string]int64
}

func (s *shown) Report(_ context.Context, errors []hook.FilterError) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range errors {
		s.last[e.Webhook] = e
		s.sum[e.Webhook] += e.Count
	}
	return nil
}

func TestWhatGoesWrongWithAFilterIsShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.filters = &shown{last: map[string]hook.FilterError{}, sum: map[string]int64{}}
	acme := account("acme")
	acme.Webhooks = append(acme.Webhooks, hook.Webhook{
		ID: "wh_unsure", ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes, Filter: `item.data.total > 1.0`,
	})
	f.run(newAccounts(acme))
	f.publish(0, event("evt_1", "acme", 1), event("evt_2", "acme", 1))
	var bundles []*deliveryv1.Bundle
	reader := f.reader(bus.Deliveries)
	for len(bundles) < 2 {
		for _, r := range f.next(reader) {
			m := &deliveryv1.Bundle{}
			require.NoError(t, proto.Unmarshal(r.Value, m))
			bundles = append(bundles, m)
			require.Equal(t, []string{"wh_acme"}, m.GetWebhooks(), "the other gets nothing")
		}
	}
	f.eventually(func() bool {
		f.filters.mu.Lock()
		defer f.filters.mu.Unlock()
		return f.filters.sum["wh_unsure"] == 2
	}, "both are counted")
	last := f.filters.last["wh_unsure"]
	require.Equal(t, "evt_2", last.Event)
	require.NotEmpty(t, last.Message)
	require.NotZero(t, last.At)
	f.eventually(f.committed, "an event that its filter fails at is done with")
}
