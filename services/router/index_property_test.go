package router_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/router"
)

// names are few, so that subscriptions are alike and events match; one is the
// wildcard, one two others together, one empty.
var names = rapid.SampledFrom([]string{"Contact", "Crew", "ContactCrew", "7", "", hook.AnyItemType})

func webhooks() *rapid.Generator[hook.Webhook] {
	return rapid.Custom(func(t *rapid.T) hook.Webhook {
		if rapid.Bool().Draw(t, "operational") {
			some := rapid.SliceOfN(names, 1, 3).Draw(t, "notices")
			w := hook.Webhook{Status: rapid.SampledFrom(hook.Statuses).Draw(t, "status")}
			for _, name := range some {
				w.Notices = append(w.Notices, hook.Notice(name))
			}
			return w
		}
		return hook.Webhook{
			ItemTypes:  rapid.SliceOfN(names, 0, 4).Draw(t, "itemTypes"),
			EventTypes: rapid.SliceOfN(rapid.SampledFrom(hook.EventTypes), 0, 4).Draw(t, "eventTypes"),
			Stores:     rapid.SliceOfN(names, 0, 3).Draw(t, "stores"),
			Status:     rapid.SampledFrom(hook.Statuses).Draw(t, "status"),
		}
	})
}

func TestAnIndexMatchesExactlyTheWebhooksThatWantTheEvent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := hook.AccountState{Webhooks: rapid.SliceOfN(webhooks(), 0, 30).Draw(t, "webhooks")}
		for i := range s.Webhooks {
			// Of different lengths, since the index joins them.
			s.Webhooks[i].ID = fmt.Sprintf("wh_%0*d", i%5, i)
		}
		x := router.NewIndex(s)
		for range 10 {
			e := hook.Event{
				Type:     rapid.SampledFrom(append(slices.Clone(hook.EventTypes), hook.NoticeEvent)).Draw(t, "type"),
				ItemType: names.Draw(t, "itemType"),
				Store:    names.Draw(t, "store"),
			}
			if e.Type == hook.NoticeEvent {
				e.Store = ""
			}
			want := []string{}
			for i := range s.Webhooks {
				if s.Webhooks[i].Wants(&e) {
					want = append(want, s.Webhooks[i].ID)
				}
			}
			require.ElementsMatch(t, want, matched(x, e))
		}
	})
}
