package codec

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// AppendSelection appends to a bundle, as AppendBundle wrote it, that some of its
// webhooks, by their places, get only some items: at least one.
func AppendSelection(dst []byte, items hook.Selection, webhooks []int) []byte {
	dst, at := wire.Nest(dst, bundleSelections)
	dst = wire.AppendBytes(dst, selectionItems, items)
	dst, places := wire.Nest(dst, selectionWebhooks)
	for _, place := range webhooks {
		dst = protowire.AppendVarint(dst, uint64(place))
	}
	return wire.EndNest(wire.EndNest(dst, places), at)
}

// SizeSelection is the most that AppendSelection appends for so many webhooks.
func SizeSelection(items hook.Selection, webhooks int) int {
	const overhead = 3 * (1 + 4) // tags and lengths
	return overhead + len(items) + 3*webhooks
}

// AppendTest appends to a bundle, as AppendBundle wrote it, that it is a test.
func AppendTest(dst []byte) []byte { return wire.AppendNumber(dst, bundleTest, 1) }

var (
	errSelectsNothing = errors.New("a selection has no item")
	errSelectsNobody  = errors.New("a selection is for a webhook that is not there")
	errSelectsAgain   = errors.New("a webhook has two selections")
)

// Selections are what each webhook gets of the items, in the order of Webhooks;
// nil if all get all of them.
func (b Bundle) Selections() ([]hook.Selection, error) {
	if !b.selective {
		return nil, nil
	}
	selections := make([]hook.Selection, b.Count)
	r := wire.NewReader(b.message)
	for r.Next() {
		if r.Tag == bundleSelections {
			r.Err = readSelection(selections, r.Bytes)
		}
	}
	if r.Err != nil {
		return nil, fmt.Errorf("not a staffetta.delivery.v1.Bundle: %w", r.Err)
	}
	return selections, nil
}

// selection is what one webhook gets of the items; nil: all.
func (b Bundle) selection(webhook string) (hook.Selection, error) {
	selections, err := b.Selections()
	if selections == nil || err != nil {
		return nil, err
	}
	place := 0
	for id := range b.Webhooks() {
		if id == webhook {
			return selections[place], nil
		}
		place++
	}
	return nil, nil
}

// readSelection notes one at the places of its webhooks.
func readSelection(selections []hook.Selection, message []byte) error {
	var (
		items  hook.Selection
		places []uint64
	)
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case selectionItems:
			items = slices.Clone(hook.Selection(r.Bytes)) // tasks outlive the message
		case selectionWebhooks:
			for rest := r.Bytes; len(rest) > 0; {
				place, n := protowire.ConsumeVarint(rest)
				if n < 0 {
					return protowire.ParseError(n)
				}
				places, rest = append(places, place), rest[n:]
			}
		case selectionWebhook:
			places = append(places, r.Value)
		}
	}
	switch {
	case r.Err != nil:
		return r.Err
	case !slices.ContainsFunc(items, func(b byte) bool { return b != 0 }):
		return errSelectsNothing
	}
	for _, place := range places {
		switch {
		case place >= uint64(len(selections)):
			return errSelectsNobody
		case selections[place] != nil:
			return errSelectsAgain
		}
		selections[place] = items
	}
	return nil
}

// SelectionOf is what a webhook gets of the items of a bundle; nil: all.
func SelectionOf(b *deliveryv1.Bundle, webhook string) hook.Selection {
	place := slices.Index(b.GetWebhooks(), webhook)
	for _, s := range b.GetSelections() {
		if place >= 0 && slices.Contains(s.GetWebhooks(), uint32(place)) {
			return s.GetItems()
		}
	}
	return nil
}

// ToSelections is the field of a bundle for a single webhook that gets these
// items.
func ToSelections(items hook.Selection) []*deliveryv1.Selection {
	if items == nil {
		return nil
	}
	return []*deliveryv1.Selection{{Items: items, Webhooks: []uint32{0}}}
}
