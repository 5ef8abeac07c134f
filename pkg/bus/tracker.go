package bus

import (
	"cmp"
	"slices"
	"sync"
)

// Tracker follows which records of one partition are done, in any order, and
// tells up to where all are. It is safe for concurrent use.
type Tracker struct {
	mu sync.Mutex
	// started are the records handed out from the first that is not done, by
	// rising offset.
	started []started
	next    int64
	open    int
	resets  uint64
}

type started struct {
	offset int64
	done   bool
}

// Mark stands for a record that was started. It is worth nothing after a
// Reset, since the same offset is another record then.
type Mark struct {
	offset int64
	resets uint64
}

// NewTracker begins at the offset that is read first.
func NewTracker(next int64) *Tracker { return &Tracker{next: next} }

// Start notes that a record is handed out, and returns what Done is to be told.
// Offsets rise from call to call; a record that was started before stays as it
// is, and its mark is the same.
func (t *Tracker) Start(offset int64) Mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	if offset >= t.next {
		t.started = append(t.started, started{offset: offset})
		t.next = offset + 1
		t.open++
	}
	return Mark{offset: offset, resets: t.resets}
}

// Done notes that a record is finished. One that is not open is ignored, and
// one that was started before the last Reset.
func (t *Tracker) Done(m Mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.resets != t.resets {
		return
	}
	i, ok := slices.BinarySearchFunc(t.started, m.offset, func(s started, offset int64) int {
		return cmp.Compare(s.offset, offset)
	})
	if !ok || t.started[i].done {
		return
	}
	t.started[i].done = true
	t.open--
	for len(t.started) > 0 && t.started[0].done {
		t.started = t.started[1:]
	}
}

// Advance notes that below next there is nothing but what was started, so
// records that were skipped hold nothing up.
func (t *Tracker) Advance(next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = max(t.next, next)
}

// Reset begins anew at an offset, which may be lower than those before: the
// topic is another one now, or lost its end. What is open is forgotten.
func (t *Tracker) Reset(next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.started, t.next, t.open = nil, next, 0
	t.resets++
}

// Watermark is the offset to commit: everything below it is done.
func (t *Tracker) Watermark() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.started) > 0 {
		return t.started[0].offset
	}
	return t.next
}

// Span is a range of offsets, To excluded.
type Span struct{ From, To int64 }

// Spans are the ranges above the watermark in which every record is done, by
// rising offset, the first limit of them.
func (t *Tracker) Spans(limit int) []Span {
	t.mu.Lock()
	defer t.mu.Unlock()
	var spans []Span
	inside := false
	for i := range t.started {
		switch s := &t.started[i]; {
		case !s.done:
			inside = false
		case inside:
			spans[len(spans)-1].To = s.offset + 1
		case len(spans) == limit:
			return spans
		default:
			spans = append(spans, Span{From: s.offset, To: s.offset + 1})
			inside = true
		}
	}
	return spans
}

// Open is the number of records that were started and are not done.
func (t *Tracker) Open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}
