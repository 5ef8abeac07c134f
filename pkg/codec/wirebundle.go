package codec

import (
	"fmt"
	"iter"

	"github.com/staffetta/staffetta/pkg/wire"
)

// Bundle is a staffetta.delivery.v1.Bundle on the wire that was looked into:
// what the sender hands on is not taken apart. Everything in it shares the
// memory that it was read from.
type Bundle struct {
	// Change is what happened, for DecodeChange; nil: there is none.
	Change []byte
	// Count is the number of webhooks.
	Count int
	// Run as in the message.
	Run int64
	// Item says what the tasks are about: AllItems, EachItem, or above 0 the one
	// item that the change holds, whose index in its event it is, plus 1.
	Item int
	// Test: its tasks try the webhooks out.
	Test bool

	message []byte
	// selective: some webhooks get only some items, see Selections.
	selective bool
}

// What Bundle.Item may say beside an item.
const (
	AllItems = 0
	EachItem = -1
)

// ReadBundle checks a bundle but for its change, which DecodeChange checks, and
// its selections, which Selections checks. The
// message must not be written to afterwards.
func ReadBundle(message []byte) (Bundle, error) {
	b := Bundle{message: message}
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case bundleChange:
			if b.Change == nil {
				b.Change = r.Bytes[:len(r.Bytes):len(r.Bytes)]
				continue
			}
			// Two messages one behind the other are the two of them merged.
			b.Change = append(b.Change, r.Bytes...)
		case bundleWebhooks:
			r.Text()
			b.Count++
		case bundleRun:
			b.Run = int64(r.Value)
		case bundleItem:
			b.Item = int(int32(r.Value))
		case bundleTest:
			b.Test = r.Value != 0
		case bundleSelections:
			b.selective = true
		}
	}
	if r.Err != nil {
		return Bundle{}, fmt.Errorf("not a staffetta.delivery.v1.Bundle: %w", r.Err)
	}
	return b, nil
}

// Webhooks are the ids of the webhooks, in the order of the message.
func (b Bundle) Webhooks() iter.Seq[string] {
	return func(yield func(string) bool) {
		r := wire.NewReader(b.message)
		for r.Next() {
			if r.Tag == bundleWebhooks && !yield(wire.Shared(r.Bytes)) {
				return
			}
		}
	}
}
