package router_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/router"
)

func matched(x *router.Index, e hook.Event) []string {
	ids := []string{}
	x.Match(&e, func(int) bool { return true }, func(id string, _ bool, _ int) { ids = append(ids, id) })
	return ids
}

func TestAnEventMatchesByItemTypeEventTypeAndStore(t *testing.T) {
	t.Parallel()
	every := hook.EventTypes
	x := router.NewIndex(hook.AccountState{Webhooks: []hook.Webhook{
		{ID: "all", ItemTypes: []string{hook.AnyItemType}, EventTypes: every},
		{ID: "contacts", ItemTypes: []string{"Contact", "Crew", "Contact"}, EventTypes: every},
		{ID: "deletes", ItemTypes: []string{"Contact"}, EventTypes: []hook.EventType{hook.Delete}},
		{ID: "store 7", ItemTypes: []string{"Contact"}, EventTypes: every, Stores: []string{"7", "8"}},
		{ID: "all and more", ItemTypes: []string{"Contact", hook.AnyItemType}, EventTypes: every},
		// What arrives for these is held, so they match too.
		{ID: "paused", ItemTypes: []string{"Contact"}, EventTypes: every, Status: hook.Paused},
	}})
	for _, c := range []struct {
		event hook.Event
		want  []string
	}{
		{hook.Event{Type: hook.Create, ItemType: "Contact"}, []string{"contacts", "store 7", "paused", "all", "all and more"}},
		{hook.Event{Type: hook.Create, ItemType: "Contact", Store: "7"}, []string{"contacts", "store 7", "paused", "all", "all and more"}},
		{hook.Event{Type: hook.Create, ItemType: "Contact", Store: "9"}, []string{"contacts", "paused", "all", "all and more"}},
		{hook.Event{Type: hook.Delete, ItemType: "Contact", Store: "9"}, []string{"contacts", "deletes", "paused", "all", "all and more"}},
		{hook.Event{Type: hook.Update, ItemType: "Crew"}, []string{"contacts", "all", "all and more"}},
		{hook.Event{Type: hook.Update, ItemType: "Unheard"}, []string{"all", "all and more"}},
	} {
		require.ElementsMatch(t, c.want, matched(x, c.event), "%+v", c.event)
	}
}

func TestAnAccountWithoutWebhooksMatchesNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, matched(router.NewIndex(hook.AccountState{}), hook.Event{Type: hook.Create, ItemType: "Contact"}))
}
