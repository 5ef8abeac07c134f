package filter

import (
	"encoding/json"

	"cel.dev/cel-go/cel"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Subject is an event that filters are asked about: what they need of it is
// made once for all of them, when the first needs it. It belongs to one
// goroutine. It is cel's activation too.
type Subject struct {
	event *hook.Event
	// at is the item whose turn it is.
	at int
	// values are the items' data, decoded; as many as items once one was asked for.
	values []value
	// spent is what the filters have cost so far, see maxEventCost.
	spent uint64

	eventObject, itemObject object
}

// value is an item's data, if it was decoded.
type value struct {
	decoded bool
	data    any
}

// NewSubject prepares an event, which must have items.
func NewSubject(e *hook.Event) *Subject {
	s := &Subject{event: e}
	s.eventObject, s.itemObject = object{eventKind, s}, object{itemKind, s}
	return s
}

// ResolveName implements cel.Activation.
func (s *Subject) ResolveName(name string) (any, bool) {
	switch name {
	case "event":
		return &s.eventObject, true
	case "item":
		return &s.itemObject, true
	default:
		return nil, false
	}
}

// Parent implements cel.Activation.
func (s *Subject) Parent() cel.Activation { return nil }

// data is that of the item whose turn it is; nil if it has none. Numbers are
// float64 (CONTRACT.md, "Filters").
func (s *Subject) data() any {
	if s.values == nil {
		s.values = make([]value, len(s.event.Items))
	}
	v := &s.values[s.at]
	if !v.decoded {
		v.decoded = true
		// The router has made sure that it is JSON. What is left of a number beyond a
		// double's range is null, and all else is there.
		if raw := s.event.Items[s.at].Data; len(raw) > 0 {
			_ = json.Unmarshal(raw, &v.data)
		}
	}
	return v.data
}
