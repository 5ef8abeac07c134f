package sender

import "slices"

// Note is what a commit says to the next owner, for tests that tamper with it.
type Note struct{ note }

// ReadNote reads a commit's metadata.
func ReadNote(metadata string, watermark int64) (Note, error) {
	n, err := readNote(metadata, watermark)
	return Note{n}, err
}

// Encode is its reverse.
func (n Note) Encode(watermark int64) string { return n.encode(watermark) }

// Done is how many records above the watermark the note calls done.
func (n Note) Done() (records int64) {
	for _, span := range n.done {
		records += span.To - span.From
	}
	return records
}

// Spans is in how many ranges they lie; maxSpans is the most.
func (n Note) Spans() (spans, most int) { return len(n.done), maxSpans }

// WithoutSpans is a note whose ranges were cut.
func (n Note) WithoutSpans() Note { return Note{note{since: n.since}} }

// SinceNow is a note by which nothing is to be read.
func (n Note) SinceNow() Note {
	since := make(positions, len(n.since))
	for i := range since {
		since[i] = 1 << 40
	}
	return Note{note{since: since, done: n.done}}
}

// Saved says whether there is a checkpoint of the gate; if so, what is read of a
// topic begins at Since.
func (n Note) Saved() bool { return n.gate.To > 0 }

// Since is where a topic is read from.
func (n Note) Since(topic string) int64 { return n.since[slices.Index(written, topic)] }

// MaxInFlight is the most tasks that a sender holds.
const MaxInFlight = maxInFlight
