package codec

import (
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

var errNoEvent = errors.New("it has no event")

// DecodeChange reads the event out of a staffetta.delivery.v1.Change on the
// wire: what FromChange makes of it, but an error if there is no event in it.
// Strings and data of the event share the memory of wire, which nobody may write
// to afterwards; whoever keeps the event longer than the rest of a fetched batch
// gives it bytes of its own.
func DecodeChange(wire []byte) (hook.Event, error) {
	var e hook.Event
	there, err := readChange(&e, wire)
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
func readChange(e *hook.Event, wire []byte) (eventThere bool, err error) {
	r := wireReader{rest: wire}
	published := int64(0)
	for r.next() {
		switch r.tag {
		case changeEvent:
			eventThere = true
			r.err = readEvent(e, r.bytes)
		case changeSource:
			r.err = readCoordinates(&e.Source, r.bytes)
		case changeTraceparent:
			e.Trace.Parent = r.text()
		case changeTracestate:
			e.Trace.State = r.text()
		case changePublished:
			published = int64(r.value)
		}
	}
	if published != 0 {
		e.Published = time.UnixMilli(published).UTC()
	}
	return eventThere, r.err
}

func readCoordinates(c *hook.Coordinates, wire []byte) error {
	r := wireReader{rest: wire}
	for r.next() {
		switch r.tag {
		case coordinatesTopic:
			c.Topic = r.text()
		case coordinatesPartition:
			c.Partition = int(int32(r.value))
		case coordinatesOffset:
			c.Offset = int64(r.value)
		}
	}
	return r.err
}

func readEvent(e *hook.Event, wire []byte) error {
	r := wireReader{rest: wire}
	for r.next() {
		switch r.tag {
		case eventID:
			e.ID = r.text()
		case eventAccount:
			e.Account = r.text()
		case eventStore:
			e.Store = r.text()
		case eventUser:
			r.err = readReference(&e.User, r.bytes)
		case eventType:
			e.Type = fromEventType(eventv1.EventType(r.value))
		case eventItemType:
			e.ItemType = r.text()
		case eventItems:
			e.Items = append(e.Items, hook.Item{})
			r.err = readItem(&e.Items[len(e.Items)-1], r.bytes)
		case eventDate:
			e.Date = r.text()
		}
	}
	return r.err
}

func readItem(item *hook.Item, wire []byte) error {
	r := wireReader{rest: wire}
	for r.next() {
		switch r.tag {
		case itemID:
			item.ID = r.text()
		case itemRef:
			item.Ref = r.text()
		case itemVersion:
			version := int64(r.value)
			item.Version = &version
		case itemData:
			item.Data = nil
			if n := len(r.bytes); n > 0 {
				item.Data = r.bytes[:n:n]
			}
		case itemParent:
			r.err = readReference(&item.Parent, r.bytes)
		}
	}
	return r.err
}

func readReference(to **hook.Reference, wire []byte) error {
	if *to == nil {
		*to = &hook.Reference{}
	}
	ref := *to
	r := wireReader{rest: wire}
	for r.next() {
		switch r.tag {
		case referenceID:
			ref.ID = r.text()
		case referenceItemType:
			ref.ItemType = r.text()
		case referenceRef:
			ref.Ref = r.text()
		}
	}
	return r.err
}
