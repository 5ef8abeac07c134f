package router

import (
	"slices"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Index is what the router keeps of an account: its webhooks by item type.
type Index struct {
	deleted bool
	any     []*hook.Webhook
	byType  map[string][]*hook.Webhook
}

// NewIndex prepares an account's webhooks for matching.
func NewIndex(s hook.AccountState) *Index {
	x := &Index{deleted: s.Account.Deleted, byType: map[string][]*hook.Webhook{}}
	for i := range s.Webhooks {
		w := &s.Webhooks[i]
		if slices.Contains(w.ItemTypes, hook.AnyItemType) {
			x.any = append(x.any, w)
			continue
		}
		for _, t := range w.ItemTypes {
			if !slices.Contains(x.byType[t], w) {
				x.byType[t] = append(x.byType[t], w)
			}
		}
	}
	return x
}

// Match calls yield with the id of each webhook that wants the event.
func (x *Index) Match(e *hook.Event, yield func(webhook string)) {
	for _, candidates := range [2][]*hook.Webhook{x.byType[e.ItemType], x.any} {
		for _, w := range candidates {
			if w.Wants(e) {
				yield(w.ID)
			}
		}
	}
}
