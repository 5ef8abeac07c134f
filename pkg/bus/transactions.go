package bus

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// abortedTransaction begins at an offset and ends at its producer's next
// control record.
type abortedTransaction struct {
	producer int64
	first    int64
}

// transactions tells which batches of one answer belong to aborted
// transactions, as the Java consumer does.
type transactions struct {
	coming  []abortedTransaction // by first offset
	aborted map[int64]bool       // producers whose transaction is being aborted
}

func newTransactions(aborted []abortedTransaction) *transactions {
	slices.SortFunc(aborted, func(a, b abortedTransaction) int { return cmp.Compare(a.first, b.first) })
	return &transactions{coming: aborted, aborted: make(map[int64]bool)}
}

// skip reports whether the batch holds nothing for readers. Batches are asked
// about in their order.
func (t *transactions) skip(b *wireBatch) (control, aborted bool) {
	for len(t.coming) > 0 && t.coming[0].first <= b.last {
		t.aborted[t.coming[0].producer] = true
		t.coming = t.coming[1:]
	}
	if b.control() {
		if isAbort(b) {
			delete(t.aborted, b.producer)
		}
		return true, false
	}
	return false, b.transactional() && t.aborted[b.producer]
}

// isAbort reads the key of the one record in a control batch: a version, then
// the type, of which 0 is abort.
func isAbort(b *wireBatch) bool {
	const abort = 0
	c := cursor{rest: b.records}
	c.varint() // length
	if len(c.rest) == 0 {
		return false
	}
	c.rest = c.rest[1:] // attributes
	c.varint()          // time
	c.varint()          // offset
	key := c.bytes()
	return !c.bad && len(key) >= 4 && binary.BigEndian.Uint16(key[2:]) == abort
}
