package codec

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/staffetta/staffetta/pkg/hook"
)

// AppendChange appends an event as a staffetta.delivery.v1.Change on the wire:
// what proto.Marshal makes of ToChange. It checks nothing: give it what Decode
// let pass.
func AppendChange(dst []byte, e *hook.Event) []byte {
	dst, event := nest(dst, changeEvent)
	dst = endNest(appendEvent(dst, e), event)
	dst, source := nest(dst, changeSource)
	dst = appendTextField(dst, coordinatesTopic, e.Source.Topic)
	dst = appendNumberField(dst, coordinatesPartition, uint64(int32(e.Source.Partition)))
	dst = endNest(appendNumberField(dst, coordinatesOffset, uint64(e.Source.Offset)), source)
	dst = appendTextField(dst, changeTraceparent, e.Trace.Parent)
	dst = appendTextField(dst, changeTracestate, e.Trace.State)
	if e.Published.IsZero() {
		return dst
	}
	return appendNumberField(dst, changePublished, uint64(e.Published.UnixMilli()))
}

func appendEvent(dst []byte, e *hook.Event) []byte {
	dst = appendTextField(dst, eventID, e.ID)
	dst = appendTextField(dst, eventAccount, e.Account)
	dst = appendTextField(dst, eventStore, e.Store)
	dst = appendReferenceField(dst, eventUser, e.User)
	dst = appendNumberField(dst, eventType, uint64(toEventType(e.Type)))
	dst = appendTextField(dst, eventItemType, e.ItemType)
	for n := range e.Items {
		item := &e.Items[n]
		var at int
		dst, at = nest(dst, eventItems)
		dst = appendTextField(dst, itemID, item.ID)
		dst = appendTextField(dst, itemRef, item.Ref)
		if item.Version != nil {
			dst = protowire.AppendVarint(protowire.AppendVarint(dst, itemVersion), uint64(*item.Version))
		}
		dst = appendBytesField(dst, itemData, item.Data)
		dst = endNest(appendReferenceField(dst, itemParent, item.Parent), at)
	}
	return appendTextField(dst, eventDate, e.Date)
}

func appendReferenceField(dst []byte, tag uint64, r *hook.Reference) []byte {
	if r == nil {
		return dst
	}
	dst, at := nest(dst, tag)
	dst = appendTextField(dst, referenceID, r.ID)
	dst = appendTextField(dst, referenceItemType, r.ItemType)
	return endNest(appendTextField(dst, referenceRef, r.Ref), at)
}

// AppendBundle appends a staffetta.delivery.v1.Bundle of a change, as
// AppendChange or a Bundle has it. Its error says that a webhook's id is not
// UTF-8.
func AppendBundle(dst, change []byte, webhooks []string, run int64) ([]byte, error) {
	dst = protowire.AppendBytes(protowire.AppendVarint(dst, bundleChange), change)
	for _, id := range webhooks {
		if !utf8.ValidString(id) {
			return nil, fmt.Errorf("encode a bundle: the webhook's id %q is not UTF-8", id)
		}
		dst = protowire.AppendString(protowire.AppendVarint(dst, bundleWebhooks), id)
	}
	return appendNumberField(dst, bundleRun, uint64(run)), nil
}
