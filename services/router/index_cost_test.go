package router_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/router"
)

// varied is the state of an account of which hardly two webhooks subscribe to the
// same. Its texts are in memory of their own, as those read from Redis are.
func varied(account, webhooks int, itemTypes ...string) hook.AccountState {
	s := hook.AccountState{Account: hook.Account{ID: fmt.Sprint("account-", account)}}
	for n := range webhooks {
		w := hook.Webhook{
			ID: fmt.Sprintf("wh_%026d", account*webhooks+n), Account: s.Account.ID,
			EventTypes: hook.EventTypes[n%3:], URL: fmt.Sprintf("https://example.com/%0200d", n),
			Stores: []string{fmt.Sprint(n)},
		}
		for _, t := range itemTypes {
			w.ItemTypes = append(w.ItemTypes, fmt.Sprint(t))
		}
		s.Webhooks = append(s.Webhooks, w)
	}
	return s
}

// heap is what is alive, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and the table of unique names let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Not parallel: what other tests allocate would count.
func TestAWebhookTakesLittleMemory(t *testing.T) { //nolint:paralleltest // see above
	var all []string
	for _, entry := range catalogue.All() {
		all = append(all, entry.Name)
	}
	for _, c := range []struct {
		name      string
		itemTypes []string
		most      int64 // bytes a webhook
	}{
		{"of any item type", []string{hook.AnyItemType}, 200},
		{"of three item types", all[:3], 200},
		{"of every item type by name", all, 400},
	} {
		t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // see above
			const accounts, webhooks = 100, 100
			before := heap()
			indexes := make([]*router.Index, accounts)
			for i := range indexes {
				indexes[i] = router.NewIndex(varied(i, webhooks, c.itemTypes...))
			}
			each := (heap() - before) / (accounts * webhooks)
			runtime.KeepAlive(indexes)
			t.Logf("%d bytes a webhook", each)
			require.Positive(t, each)
			require.LessOrEqual(t, each, c.most)
		})
	}
}

// The cost of an event follows what it matches, ten webhooks, not what the
// account has or how many accounts there are.
func BenchmarkMatch(b *testing.B) {
	for _, size := range []struct{ accounts, webhooks int }{{1, 10}, {1, 1000}, {1, 100_000}, {1000, 100}} {
		b.Run(fmt.Sprintf("accounts=%d/webhooks=%d", size.accounts, size.webhooks), func(b *testing.B) {
			indexes := make([]*router.Index, size.accounts)
			for i := range indexes {
				s := hook.AccountState{}
				for n := range size.webhooks {
					s.Webhooks = append(s.Webhooks, hook.Webhook{
						ID: fmt.Sprintf("wh_%026d", n), ItemTypes: []string{fmt.Sprintf("Type%d", n/10)}, EventTypes: hook.EventTypes,
					})
				}
				indexes[i] = router.NewIndex(s)
			}
			e := hook.Event{Type: hook.Update, ItemType: "Type0"}
			turn, matched := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				indexes[turn%size.accounts].Match(&e, nil, func(string, bool, int) { matched++ })
				turn++
			}
			require.Equal(b, 10*turn, matched)
		})
	}
}
