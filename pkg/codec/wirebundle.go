package codec

import (
	"fmt"
	"iter"
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

	wire []byte
}

// ReadBundle checks a bundle but for its change, which DecodeChange checks. The
// wire must not be written to afterwards.
func ReadBundle(wire []byte) (Bundle, error) {
	b := Bundle{wire: wire}
	r := wireReader{rest: wire}
	for r.next() {
		switch r.tag {
		case bundleChange:
			if b.Change == nil {
				b.Change = r.bytes[:len(r.bytes):len(r.bytes)]
				continue
			}
			// Two messages one behind the other are the two of them merged.
			b.Change = append(b.Change, r.bytes...)
		case bundleWebhooks:
			r.text()
			b.Count++
		case bundleRun:
			b.Run = int64(r.value)
		}
	}
	if r.err != nil {
		return Bundle{}, fmt.Errorf("not a staffetta.delivery.v1.Bundle: %w", r.err)
	}
	return b, nil
}

// Webhooks are the ids of the webhooks, in the order of the message.
func (b Bundle) Webhooks() iter.Seq[string] {
	return func(yield func(string) bool) {
		r := wireReader{rest: b.wire}
		for r.next() {
			if r.tag == bundleWebhooks && !yield(shared(r.bytes)) {
				return
			}
		}
	}
}
