package sender

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/retry"
)

// written are the topics that an owner writes to, in the order of positions.
// New ones go to the end: older commits have none for them.
var written = func() []string {
	topics := []string{bus.Attempts}
	for _, tier := range retry.Tiers {
		topics = append(topics, tier.Topic)
	}
	return topics
}()

// positions are offsets in one partition of each topic in written: at or before
// whatever was written about a task since. They are not changed once shared.
type positions []int64

// least gives the lower position of each topic.
func (p positions) least(other positions) positions {
	low := slices.Clone(p)
	for i := range low {
		low[i] = min(low[i], other[i])
	}
	return low
}

// ends follows where a partition's written topics end, as far as Kafka has
// acknowledged. It is safe for concurrent use.
type ends struct {
	mu    sync.Mutex
	now   positions
	moved bool
}

func newEnds(now positions) *ends { return &ends{now: now} }

// acknowledge notes that a record was written.
func (e *ends) acknowledge(topic string, offset int64) {
	i := slices.Index(written, topic)
	if i < 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if offset < e.now[i] {
		return
	}
	if !e.moved {
		e.now, e.moved = slices.Clone(e.now), true // the old ones are shared
	}
	e.now[i] = offset + 1
}

// share gives the ends; whatever is written later lies at or after them.
func (e *ends) share() positions {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.moved = false
	return e.now
}

// note is what a commit says to whoever takes the partition over (DESIGN.md,
// rule 6).
type note struct {
	// since are the ends at the moment when the oldest task that is still open
	// was handed out.
	since positions
	// gate is where the last checkpoint of the gate lies in the topic gates, and
	// saved its id; empty: the gate was.
	gate  bus.Span
	saved uint64
	// done are the ranges of deliveries above the watermark that are done; cut,
	// they only make the next owner read more.
	done []bus.Span
}

const (
	// noteVersion begins a note, gatedVersion one that tells of a checkpoint, which
	// senders from before the gate cannot read.
	noteVersion  = 1
	gatedVersion = 2
	// maxSpans bounds the ranges in a note: at two numbers of two bytes each
	// these are 800 bytes, twice a second for each partition with a hole.
	maxSpans = 200
	// maxNote is what a commit's metadata holds, decoded.
	maxNote = 2_250
)

var errNote = errors.New("the commit's note cannot be read")

// encode gives the note in base64, since Kafka reads metadata as UTF-8. watermark
// is the offset beside which it is committed.
func (n note) encode(watermark int64) string {
	b := []byte{noteVersion, byte(len(n.since))}
	if n.gate != (bus.Span{}) {
		b[0] = gatedVersion
	}
	for _, offset := range n.since {
		b = binary.AppendUvarint(b, uint64(offset))
	}
	if b[0] == gatedVersion {
		b = binary.AppendUvarint(b, uint64(n.gate.From))
		b = binary.AppendUvarint(b, uint64(n.gate.To-n.gate.From))
		b = binary.BigEndian.AppendUint64(b, n.saved)
	}
	at := watermark
	for _, span := range n.done {
		if span.From < at {
			continue // the topic was reset between the two looks
		}
		longer := binary.AppendUvarint(b, uint64(span.From-at))
		longer = binary.AppendUvarint(longer, uint64(span.To-span.From))
		if len(longer) > maxNote {
			break
		}
		b, at = longer, span.To
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// readNote is encode's reverse. A note of another version is errNote: then
// nothing is known of what was open.
func readNote(text string, watermark int64) (note, error) {
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(b) < 2 || b[0] != noteVersion && b[0] != gatedVersion || int(b[1]) > len(written) {
		return note{}, errNote
	}
	gated, count := b[0] == gatedVersion, int(b[1])
	b = b[2:]
	var failed bool
	next := func() int64 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<62 {
			failed, b = true, nil
			return 0
		}
		b = b[n:]
		return int64(v)
	}
	n := note{since: make(positions, len(written))}
	for i := range count {
		n.since[i] = next()
	}
	if gated {
		n.gate.From = next()
		n.gate.To = n.gate.From + next()
		if len(b) < 8 || n.gate.To <= n.gate.From {
			return note{}, errNote
		}
		n.saved, b = binary.BigEndian.Uint64(b), b[8:]
	}
	for at := watermark; len(b) > 0 && !failed; {
		from := at + next()
		at = from + next()
		if at <= from || from < watermark {
			failed = true
		}
		n.done = append(n.done, bus.Span{From: from, To: at})
	}
	if failed {
		return note{}, errNote
	}
	return n, nil
}
