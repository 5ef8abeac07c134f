package router

import (
	"encoding/binary"
	"slices"

	"github.com/staffetta/staffetta/pkg/hook"
)

// eventSet is a set of event types: bit i stands for hook.EventTypes[i]. A type
// that is not listed there is in no set; codec lets no event of one through. The
// last bits say that there is a delivery for each item, that there is a filter, and
// that what is wanted are notices: of those, item types are the names.
type eventSet uint8

const (
	eachItem eventSet = 1 << 7
	filtered eventSet = 1 << 6
	notices  eventSet = 1 << 5
)

func setOf(types []hook.EventType) (set eventSet) {
	for _, t := range types {
		set |= bitOf(t)
	}
	return set
}

func bitOf(t hook.EventType) eventSet {
	i := slices.Index(hook.EventTypes, t)
	switch {
	case i >= 0:
		return 1 << i
	case t == hook.NoticeEvent:
		return notices
	default:
		return 0
	}
}

func (s eventSet) has(t hook.EventType) bool { return s&bitOf(t) != 0 }

func (s eventSet) each() bool { return s&eachItem != 0 }

// subscription is what webhooks have in common that are alike to the router.
type subscription struct {
	itemTypes []string // sorted, each once; none: any
	events    eventSet
	stores    []string // sorted, each once; none: all
	filter    string   // "": none
	members   []int    // places among the account's webhooks
}

func (s *subscription) anyType() bool { return len(s.itemTypes) == 0 }

// group finds the different subscriptions of webhooks, those for any item type
// first, the others by item types: what an event matches lies close together.
// Webhooks that name no item type or no event type want nothing, and are
// in none.
func group(webhooks []hook.Webhook) []*subscription {
	var (
		forAny, forSome []*subscription
		known           = map[string]*subscription{}
		key             []byte
		types, stores   []string
	)
	for i := range webhooks {
		w := &webhooks[i]
		events, wanted := setOf(w.EventTypes), w.ItemTypes
		if w.Operational() {
			events, wanted = notices, names(w.Notices)
		}
		if events == 0 || len(wanted) == 0 {
			continue
		}
		if w.Format.PerItem() {
			events |= eachItem
		}
		types = types[:0]
		if !slices.Contains(wanted, hook.AnyItemType) { // which is hook.AnyNotice too
			types = distinct(types, wanted)
		}
		stores = distinct(stores[:0], w.Stores)
		key = append(appendTexts(appendTexts(append(key[:0], byte(events)), types), stores), w.Filter...)
		sub, ok := known[string(key)]
		if !ok {
			sub = &subscription{itemTypes: slices.Clone(types), events: events, stores: slices.Clone(stores), filter: w.Filter}
			known[string(key)] = sub
			if sub.anyType() {
				forAny = append(forAny, sub)
			} else {
				forSome = append(forSome, sub)
			}
		}
		sub.members = append(sub.members, i)
	}
	slices.SortStableFunc(forSome, func(a, b *subscription) int { return slices.Compare(a.itemTypes, b.itemTypes) })
	return append(forAny, forSome...)
}

func names(wanted []hook.Notice) []string {
	to := make([]string, len(wanted))
	for i, n := range wanted {
		to[i] = string(n)
	}
	return to
}

// distinct appends texts to an empty slice, sorted, each once.
func distinct(to, texts []string) []string {
	to = append(to, texts...)
	slices.Sort(to)
	return slices.Compact(to)
}

// appendTexts appends texts so that no other texts look the same.
func appendTexts(key []byte, texts []string) []byte {
	key = binary.AppendUvarint(key, uint64(len(texts)))
	for _, t := range texts {
		key = append(binary.AppendUvarint(key, uint64(len(t))), t...)
	}
	return key
}
