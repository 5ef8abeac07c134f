package hook

import (
	"context"
	"time"
)

// QuarantineState is what became of a quarantined record.
type QuarantineState string

// The states of a quarantined record.
const (
	// Open waits for somebody to look at it.
	Open QuarantineState = "open"
	// Redriven was sent again to where it came from, once or more.
	Redriven QuarantineState = "redriven"
	// Discarded is final.
	Discarded QuarantineState = "discarded"
)

// QuarantineStates lists every QuarantineState.
var QuarantineStates = []QuarantineState{Open, Redriven, Discarded}

// Quarantined is the entry of a record in quarantine; the record itself is in Kafka
// alone.
type Quarantined struct {
	// ID is "qrn_" and 26 characters, derived from the record, so that the same
	// record always has the same.
	ID string
	// Account is whose it is, as far as the record tells; empty: it does not.
	Account string
	// Reason is a word such as "not_json"; Detail says it in a sentence.
	Reason string
	Detail string
	// Source is where the record was read, At where it is in quarantine.
	Source Coordinates
	At     Coordinates
	// Bytes is the size of its value.
	Bytes int64
	State QuarantineState
	// CreatedAt is when it went into quarantine.
	CreatedAt time.Time
	// ChangedAt is when it was redriven last, or discarded; zero while it is open.
	ChangedAt time.Time
}

// QuarantinedID is the id of the entry of a record that is at these coordinates since
// that time. The time is in it because a topic that was made anew has the same
// coordinates again.
func QuarantinedID(at Coordinates, since time.Time) string {
	return digest("qrn_", since.UTC().AppendFormat([]byte(at.String()+"/"), time.RFC3339Nano))
}

// Record is a record of Kafka as it came. A nil key or value differs from an empty one.
type Record struct {
	Key, Value []byte
	Headers    []Header
	// Cut says that it was too large to be kept: its value, or more, is not whole.
	Cut bool
}

// QuarantineFilter narrows a list of quarantined records; zero fields do not narrow.
type QuarantineFilter struct {
	Reason string
	// Topic is where the record was read.
	Topic string
	// State: only those; empty: all but the discarded.
	State QuarantineState
	// From (inclusive) and To (exclusive) bound CreatedAt.
	From, To time.Time
}

// Quarantine is the readers' side of the entries. An empty account stands for all of
// them, and for what is of none.
type Quarantine interface {
	// QuarantineEntries lists them, newest first, and the next cursor.
	QuarantineEntries(ctx context.Context, account string, f QuarantineFilter, p Page) ([]Quarantined, string, error)
	// QuarantineEntry returns one, a discarded one too. ErrNotFound.
	QuarantineEntry(ctx context.Context, account, id string) (Quarantined, error)
	// SetQuarantined notes that one was redriven or discarded, now. What is discarded
	// stays so. ErrNotFound.
	SetQuarantined(ctx context.Context, account, id string, state QuarantineState) (Quarantined, error)
	// DiscardQuarantined discards those that a filter with a State finds, the oldest
	// first and at most limit, and returns how many; more says that there are others.
	DiscardQuarantined(ctx context.Context, account string, f QuarantineFilter, limit int) (discarded int, more bool, err error)
}

// Span is what a partition of a topic holds from one offset to another.
type Span struct {
	Topic     string
	Partition int
	// From is the partition's position in the register, To where it moves to.
	From, To int64
}

// Registration is what some partitions of the topics quarantine and stores hold.
type Registration struct {
	Spans       []Span
	Quarantined []Quarantined
	Seen        []Sighting
}

// Register is the writers' side of the entries of quarantine and of the stores that
// were seen.
type Register interface {
	// RegisterPosition is where to go on reading a partition of a topic: 0 if nothing
	// of it was registered yet.
	RegisterPosition(ctx context.Context, topic string, partition int) (int64, error)
	// Register adds what is not there and moves the partitions' positions, in one
	// transaction. A store keeps the name that it has; one that is new gets its id as
	// its name, unless its account is not there or has MaxStores: the accounts for
	// which that kept one out are returned, with the number of stores. Entries of a
	// deleted account are not added. ErrStale if a
	// position is not at its From: somebody else has the partition now; nothing is
	// written then.
	Register(ctx context.Context, r Registration) (refused map[string]int, err error)
	// ExpireQuarantine deletes the entries from before a time: their records are gone.
	ExpireQuarantine(ctx context.Context, before time.Time) error
}
