package codec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/staffetta/staffetta/pkg/hook"
)

// ErrOtherDelivery says that a bundle does not hold a delivery. Coordinates mean
// another record once a topic was made anew: somebody else's, perhaps.
var ErrOtherDelivery = errors.New("the bundle holds another delivery")

// Part is what a delivery has of a bundle: its whole change, or one item of it.
type Part struct {
	// Item is the index in its event of the one item that it has, plus 1; AllItems.
	Item int
	// Change is the part as it travels, Event the same decoded, in its memory.
	Change []byte
	Event  *hook.Event
	// Selected are the items of the change that Event has, if not all of them.
	Selected hook.Selection
}

// Of is what a webhook gets of a part that gets only some items of the bundle's
// change; ok is false if that is nothing.
func (p *Part) Of(items hook.Selection) (part Part, ok bool) {
	if p.Item > 0 || items == nil {
		return *p, items.Has(p.Item - 1)
	}
	part = *p
	part.Event, part.Selected = items.Of(p.Event), items
	return part, len(part.Event.Items) > 0
}

// Delivery is the id of the delivery to a webhook.
func (p *Part) Delivery(webhook string) string { return hook.DeliveryID(p.Event.ID, webhook, p.Item-1) }

// AppendParts takes a bundle's change apart into what its deliveries have: of the
// whole change one part, in formats of one delivery per item one for each item, in
// their order. Each of these has memory of its own, so that the slowest of them
// does not keep the others. The error says that there is no event, or that it does
// not fit.
func (b Bundle) AppendParts(dst []Part) ([]Part, error) {
	event, err := DecodeChange(b.Change)
	if err != nil {
		return nil, err
	}
	switch {
	case b.Item == AllItems, b.Item > 0 && len(event.Items) == 1:
		return append(dst, Part{Item: b.Item, Change: b.Change, Event: &event}), nil
	case b.Item == EachItem && len(event.Items) > 0:
		return appendEachItem(dst, &event)
	default:
		return nil, fmt.Errorf("bundle is about item %d, but its change has %d", b.Item, len(event.Items))
	}
}

func appendEachItem(dst []Part, event *hook.Event) ([]Part, error) {
	dst = slices.Grow(dst, len(event.Items))
	for n := range event.Items {
		part, err := itemPart(event, n)
		if err != nil {
			return nil, err
		}
		dst = append(dst, part)
	}
	return dst, nil
}

// itemPart is one item of an event, in memory of its own.
func itemPart(event *hook.Event, item int) (Part, error) {
	alone := *event
	alone.Items = event.Items[item : item+1]
	change := AppendChange(nil, &alone)
	decoded, err := DecodeChange(change)
	return Part{Item: item + 1, Change: change, Event: &decoded}, err
}

// PartOf is what one delivery of a bundle has of it. ErrOtherDelivery if it is
// none of the bundle's; another error as AppendParts has it.
func (b Bundle) PartOf(webhook, delivery string) (Part, error) {
	if b.Item != EachItem {
		var room [1]Part
		parts, err := b.AppendParts(room[:0])
		if err != nil {
			return Part{}, err
		}
		if parts[0].Delivery(webhook) != delivery {
			return Part{}, ErrOtherDelivery
		}
		items, err := b.selection(webhook)
		if err != nil {
			return Part{}, err
		}
		if part, ok := parts[0].Of(items); ok {
			return part, nil
		}
		return Part{}, ErrOtherDelivery
	}
	event, err := DecodeChange(b.Change)
	if err != nil {
		return Part{}, err
	}
	for n := range event.Items {
		if hook.DeliveryID(event.ID, webhook, n) == delivery {
			return itemPart(&event, n)
		}
	}
	return Part{}, ErrOtherDelivery
}
