package codec

import (
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

var errNoEvent = errors.New("it has no event")

// DecodeChange reads the event out of a staffetta.delivery.v1.Change on the
// wire: what FromChange makes of it, but an error if there is no event in it.
// Strings and data of the event share the message's memory, which nobody may write
// to afterwards; whoever keeps the event longer than the rest of a fetched batch
// gives it bytes of its own.
func DecodeChange(message []byte) (hook.Event, error) {
	var e hook.Event
	there, err := readChange(&e, message)
	if err == nil && !there {
		err = errNoEvent
	}
	if err != nil {
		return hook.Event{}, fmt.Errorf("not a staffetta.delivery.v1.Change: %w", err)
	}
	return e, nil
}

// readChange and its like merge a message into what was read of it before, as
// proto.Unmarshal does with a field that occurs twice.
func readChange(e *hook.Event, message []byte) (eventThere bool, err error) {
	r := wire.NewReader(message)
	published := int64(0)
	for r.Next() {
		switch r.Tag {
		case changeEvent:
			eventThere = true
			r.Err = readEvent(e, r.Bytes)
		case changeSource:
			r.Err = wire.ReadCoordinates(&e.Source, r.Bytes)
		case changeTraceparent:
			e.Trace.Parent = r.Text()
		case changeTracestate:
			e.Trace.State = r.Text()
		case changePublished:
			published = int64(r.Value)
		}
	}
	if published != 0 {
		e.Published = time.UnixMilli(published).UTC()
	}
	return eventThere, r.Err
}

func readEvent(e *hook.Event, message []byte) error {
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case eventID:
			e.ID = r.Text()
		case eventAccount:
			e.Account = r.Text()
		case eventStore:
			e.Store = r.Text()
		case eventUser:
			r.Err = readReference(&e.User, r.Bytes)
		case eventType:
			e.Type = fromEventType(eventv1.EventType(r.Value))
		case eventItemType:
			e.ItemType = r.Text()
		case eventItems:
			e.Items = append(e.Items, hook.Item{})
			r.Err = readItem(&e.Items[len(e.Items)-1], r.Bytes)
		case eventDate:
			e.Date = r.Text()
		}
	}
	return r.Err
}

func readItem(item *hook.Item, message []byte) error {
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case itemID:
			item.ID = r.Text()
		case itemRef:
			item.Ref = r.Text()
		case itemVersion:
			version := int64(r.Value)
			item.Version = &version
		case itemData:
			item.Data = nil
			if n := len(r.Bytes); n > 0 {
				item.Data = r.Bytes[:n:n]
			}
		case itemParent:
			r.Err = readReference(&item.Parent, r.Bytes)
		}
	}
	return r.Err
}

func readReference(to **hook.Reference, message []byte) error {
	if *to == nil {
		*to = &hook.Reference{}
	}
	ref := *to
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case referenceID:
			ref.ID = r.Text()
		case referenceItemType:
			ref.ItemType = r.Text()
		case referenceRef:
			ref.Ref = r.Text()
		}
	}
	return r.Err
}
