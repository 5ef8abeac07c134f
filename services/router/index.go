package router

import (
	"maps"
	"slices"
	"strings"
	"unique"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Index is what the router keeps of an account: ids of webhooks, grouped by what
// they subscribe to. Of a webhook whose subscription no other has, to three item
// types and one store, this is about 150 bytes, 45 of them its id; where many
// subscribe to the same, little more than the id is left. Nothing of a
// hook.Webhook is kept alive.
type Index struct {
	deleted bool
	// audiences for any item type come first: so many.
	any       int
	audiences []audience
	// types are the item types that others name, in order; their names are held
	// once for all accounts. Audience wanting[n] names types[i] for every n from
	// ends[i-1] (0 for the first) up to ends[i].
	types   []unique.Handle[string]
	ends    []uint32
	wanting []uint32
}

// audience is the webhooks of one subscription, but for its item types.
type audience struct {
	events eventSet
	stores []string // empty: all
	ids    []string // parts of one string for the whole account
}

// NewIndex prepares an account's webhooks for matching.
func NewIndex(s hook.AccountState) *Index {
	subscriptions := group(s.Webhooks)
	x := &Index{deleted: s.Account.Deleted, audiences: make([]audience, len(subscriptions))}
	ids := joinedIDs(s.Webhooks, subscriptions)
	byType := map[string][]uint32{}
	listed := 0
	for i, sub := range subscriptions {
		n := len(sub.members)
		x.audiences[i] = audience{events: sub.events, stores: sub.stores, ids: ids[:n:n]}
		ids = ids[n:]
		if sub.anyType() {
			x.any++
		}
		for _, t := range sub.itemTypes {
			byType[t] = append(byType[t], uint32(i))
		}
		listed += len(sub.itemTypes)
	}
	x.types = make([]unique.Handle[string], 0, len(byType))
	x.ends = make([]uint32, 0, len(byType))
	x.wanting = make([]uint32, 0, listed)
	for _, name := range slices.Sorted(maps.Keys(byType)) {
		x.wanting = append(x.wanting, byType[name]...)
		x.types, x.ends = append(x.types, unique.Make(name)), append(x.ends, uint32(len(x.wanting)))
	}
	return x
}

// joinedIDs gives the ids of the webhooks in the order of the subscriptions'
// members, in memory of their own: one string instead of one each.
func joinedIDs(webhooks []hook.Webhook, subscriptions []*subscription) []string {
	var text strings.Builder
	for _, sub := range subscriptions {
		for _, m := range sub.members {
			text.WriteString(webhooks[m].ID)
		}
	}
	rest := strings.Clone(text.String()) // without the builder's spare room
	ids := make([]string, 0, len(webhooks))
	for _, sub := range subscriptions {
		for _, m := range sub.members {
			n := len(webhooks[m].ID)
			ids, rest = append(ids, rest[:n]), rest[n:]
		}
	}
	return ids
}

// Match calls yield with the id of each webhook that wants the event, as
// hook.Webhook.Wants has it. Its cost follows what matches, and the logarithm of
// the number of item types that the account's webhooks name.
func (x *Index) Match(e *hook.Event, yield func(webhook string)) {
	for _, a := range x.naming(e.ItemType) {
		x.audiences[a].tell(e, yield)
	}
	for i := range x.audiences[:x.any] {
		x.audiences[i].tell(e, yield)
	}
}

// naming are the audiences that name an item type.
func (x *Index) naming(itemType string) []uint32 {
	i, found := slices.BinarySearchFunc(x.types, itemType, func(t unique.Handle[string], name string) int {
		return strings.Compare(t.Value(), name)
	})
	switch {
	case !found:
		return nil
	case i == 0:
		return x.wanting[:x.ends[0]]
	default:
		return x.wanting[x.ends[i-1]:x.ends[i]]
	}
}

// tell calls yield with everybody in the audience, if its subscription covers
// the event, whose item type it is known to want.
func (a *audience) tell(e *hook.Event, yield func(webhook string)) {
	if !a.events.has(e.Type) || e.Store != "" && len(a.stores) > 0 && !slices.Contains(a.stores, e.Store) {
		return
	}
	for _, id := range a.ids {
		yield(id)
	}
}
