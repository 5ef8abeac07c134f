package router

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"unique"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Index is what the router keeps of an account: ids of webhooks, grouped by what
// they subscribe to. Of a webhook whose subscription no other has, to three item
// types and one store, this is about 60 bytes, 30 of them its id; where many
// subscribe to the same, little more than the id is left. Nothing of a
// hook.Webhook is kept alive.
//
// An event of one account among 10,000 finds nothing of it in the processor's
// caches, so what it needs lies close together, and the garbage collector finds
// no pointers among the audiences.
type Index struct {
	deleted bool
	// audiences one behind the other, as appendAudience writes them; those for any
	// item type come first, up to endAny.
	audiences string
	endAny    int
	// types are the item types that others name, in order. types[i] is named by
	// those audiences which begin at wanting[n], for every n from types[i-1].end (0
	// for the first) up to types[i].end.
	types   []named
	wanting []uint32
	// filters are the different expressions of the webhooks' filters; mostly none.
	filters []string
	// schemas are what the data of item types has to be like; mostly none.
	schemas []itemSchema
}

// noFilter is the number of a filter that lets everything through.
const noFilter = -1

// named is an item type, whose name is held once for all accounts.
type named struct {
	name unique.Handle[string]
	end  uint32
}

// NewIndex prepares an account's webhooks for matching.
func NewIndex(s hook.AccountState) *Index {
	x := &Index{deleted: s.Account.Deleted, schemas: itemSchemas(s.Schemas)}
	byType := map[string][]uint32{}
	listed := 0
	numbers := map[string]int{}
	var text []byte
	for _, sub := range group(s.Webhooks) {
		number := noFilter
		if sub.filter != "" {
			var known bool
			if number, known = numbers[sub.filter]; !known {
				number = len(x.filters)
				numbers[sub.filter] = number
				x.filters = append(x.filters, unique.Make(sub.filter).Value())
			}
		}
		for _, t := range sub.itemTypes {
			byType[t] = append(byType[t], uint32(len(text)))
		}
		listed += len(sub.itemTypes)
		text = appendAudience(text, sub, number, s.Webhooks)
		if sub.anyType() {
			x.endAny = len(text)
		}
	}
	x.audiences = string(text)
	x.types = make([]named, 0, len(byType))
	x.wanting = make([]uint32, 0, listed)
	for _, name := range slices.Sorted(maps.Keys(byType)) {
		x.wanting = append(x.wanting, byType[name]...)
		x.types = append(x.types, named{name: unique.Make(name), end: uint32(len(x.wanting))})
	}
	return x
}

// appendAudience appends the webhooks of a subscription: its set of events in a
// byte, the number of its filter if it has one, a list of its stores and one of
// the ids. A list is its length in bytes and its texts, each behind its own
// length.
func appendAudience(to []byte, sub *subscription, filter int, webhooks []hook.Webhook) []byte {
	if filter == noFilter {
		to = append(to, byte(sub.events))
	} else {
		to = binary.BigEndian.AppendUint32(append(to, byte(sub.events|filtered)), uint32(filter))
	}
	var list []byte
	for _, store := range sub.stores {
		list = appendPart(list, store)
	}
	to = appendPart(to, string(list))
	list = list[:0]
	for _, m := range sub.members {
		list = appendPart(list, webhooks[m].ID)
	}
	return appendPart(to, string(list))
}

func appendPart(to []byte, part string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(part))), part...)
}

// cut takes a part that appendPart wrote off a text.
func cut(text string) (part, rest string) {
	size, at := int(text[0]&0x7f), 1
	for shift := 7; text[at-1] >= 0x80; shift += 7 {
		size |= int(text[at]&0x7f) << shift
		at++
	}
	return text[at : at+size], text[at+size:]
}

// Match calls yield with the id of each webhook that wants the event, as
// hook.Webhook.Wants has it, whether it gets a delivery for each item, and the
// number of its filter or noFilter. Of those with a filter it calls it only if
// admit is true of the number. Its cost follows what matches, and the logarithm of
// the number of item types that the account's webhooks name.
func (x *Index) Match(e *hook.Event, admit func(filter int) bool, yield func(webhook string, each bool, filter int)) {
	for _, at := range x.naming(e.ItemType) {
		tell(x.audiences[at:], e, admit, yield)
	}
	for rest := x.audiences[:x.endAny]; rest != ""; {
		rest = tell(rest, e, admit, yield)
	}
}

// naming is where the audiences begin that name an item type.
func (x *Index) naming(itemType string) []uint32 {
	i, found := slices.BinarySearchFunc(x.types, itemType, func(t named, name string) int {
		return strings.Compare(t.name.Value(), name)
	})
	switch {
	case !found:
		return nil
	case i == 0:
		return x.wanting[:x.types[0].end]
	default:
		return x.wanting[x.types[i-1].end:x.types[i].end]
	}
}

// tell calls yield with everybody in the audience at the front of a text, if its
// subscription covers the event, whose item type it is known to want. It returns
// what is behind the audience.
func tell(
	audience string, e *hook.Event, admit func(filter int) bool, yield func(webhook string, each bool, filter int),
) (rest string) {
	events, filter, rest := eventSet(audience[0]), noFilter, audience[1:]
	if events&filtered != 0 {
		filter, rest = cutNumber(rest)
	}
	stores, rest := cut(rest)
	ids, rest := cut(rest)
	if !events.has(e.Type) || e.Store != "" && stores != "" && !among(stores, e.Store) {
		return rest
	}
	if filter != noFilter && !admit(filter) {
		return rest
	}
	for id := ""; ids != ""; {
		id, ids = cut(ids)
		yield(id, events.each(), filter)
	}
	return rest
}

// cutNumber takes the number of a filter off a text.
func cutNumber(text string) (number int, rest string) {
	return int(text[0])<<24 | int(text[1])<<16 | int(text[2])<<8 | int(text[3]), text[4:]
}

func among(texts, text string) bool {
	for part := ""; texts != ""; {
		if part, texts = cut(texts); part == text {
			return true
		}
	}
	return false
}
