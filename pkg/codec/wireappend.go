package codec

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
)

// AppendChange appends an event as a staffetta.delivery.v1.Change on the wire:
// what proto.Marshal makes of ToChange. It checks nothing: give it what Decode
// let pass.
func AppendChange(dst []byte, e *hook.Event) []byte {
	dst, event := wire.Nest(dst, changeEvent)
	dst = wire.EndNest(appendEvent(dst, e), event)
	dst = wire.AppendCoordinates(dst, changeSource, &e.Source)
	dst = wire.AppendText(dst, changeTraceparent, e.Trace.Parent)
	dst = wire.AppendText(dst, changeTracestate, e.Trace.State)
	if e.Published.IsZero() {
		return dst
	}
	return wire.AppendNumber(dst, changePublished, uint64(e.Published.UnixMilli()))
}

func appendEvent(dst []byte, e *hook.Event) []byte {
	dst = wire.AppendText(dst, eventID, e.ID)
	dst = wire.AppendText(dst, eventAccount, e.Account)
	dst = wire.AppendText(dst, eventStore, e.Store)
	dst = appendReferenceField(dst, eventUser, e.User)
	dst = wire.AppendNumber(dst, eventType, uint64(toEventType(e.Type)))
	dst = wire.AppendText(dst, eventItemType, e.ItemType)
	for n := range e.Items {
		item := &e.Items[n]
		var at int
		dst, at = wire.Nest(dst, eventItems)
		dst = wire.AppendText(dst, itemID, item.ID)
		dst = wire.AppendText(dst, itemRef, item.Ref)
		if item.Version != nil {
			dst = protowire.AppendVarint(protowire.AppendVarint(dst, itemVersion), uint64(*item.Version))
		}
		dst = wire.AppendBytes(dst, itemData, item.Data)
		dst = wire.EndNest(appendReferenceField(dst, itemParent, item.Parent), at)
	}
	return wire.AppendText(dst, eventDate, e.Date)
}

func appendReferenceField(dst []byte, tag uint64, r *hook.Reference) []byte {
	if r == nil {
		return dst
	}
	dst, at := wire.Nest(dst, tag)
	dst = wire.AppendText(dst, referenceID, r.ID)
	dst = wire.AppendText(dst, referenceItemType, r.ItemType)
	return wire.EndNest(wire.AppendText(dst, referenceRef, r.Ref), at)
}

// AppendBundle appends a staffetta.delivery.v1.Bundle of a change, as
// AppendChange or a Part has it. item is as Bundle.Item. Its error says that a
// webhook's id is not UTF-8.
func AppendBundle(dst, change []byte, webhooks []string, run int64, item int) ([]byte, error) {
	dst = protowire.AppendBytes(protowire.AppendVarint(dst, bundleChange), change)
	for _, id := range webhooks {
		if !utf8.ValidString(id) {
			return nil, fmt.Errorf("encode a bundle: the webhook's id %q is not UTF-8", id)
		}
		dst = protowire.AppendString(protowire.AppendVarint(dst, bundleWebhooks), id)
	}
	dst = wire.AppendNumber(dst, bundleRun, uint64(run))
	return wire.AppendNumber(dst, bundleItem, uint64(int64(item))), nil
}
