package quarantine

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/origin"
)

// ErrForeign says that somebody else wrote a record of the topic.
var ErrForeign = errors.New("no record of quarantine")

// maxReason bounds what the index keeps of a reason, in bytes: ours are shorter.
const maxReason = 100

// ReasonDefect is the reason for a task at which a sender failed: its value is the
// bundle that leads to the task, its key the account.
const ReasonDefect = "defect"

// Entry is a record of the topic, taken apart.
type Entry struct {
	// Reason is a word, Detail a sentence.
	Reason, Detail string
	// Came is the record as it came, with the coordinates where it was read. Its time is
	// that of its quarantine.
	Came bus.Record
	// Bytes is the size of its value; Cut says that not all of the record was kept.
	Bytes int64
	Cut   bool
}

// Read takes a record of the topic apart, whose memory the entry shares. ErrForeign.
func Read(q *bus.Record) (Entry, error) {
	// Ours come first. What is behind them came with the record, whatever it is called.
	rest := q.Headers
	next := func(name string) string {
		if len(rest) == 0 || rest[0].Key != name {
			rest = nil
			return ""
		}
		value := string(rest[0].Value)
		rest = rest[1:]
		return value
	}
	e := Entry{
		Reason: next(HeaderReason), Detail: next(HeaderDetail), Bytes: int64(len(q.Value)),
		Came: bus.Record{Topic: next(HeaderTopic), Time: q.Time, Key: q.Key, Value: q.Value},
	}
	var faults [2]error
	e.Came.Partition, faults[0] = strconv.Atoi(next(HeaderPartition))
	e.Came.Offset, faults[1] = strconv.ParseInt(next(HeaderOffset), 10, 64)
	if err := errors.Join(faults[:]...); err != nil || e.Came.Topic == "" {
		return Entry{}, fmt.Errorf("%w: %s does not say where it was read", ErrForeign, q.At())
	}
	if size := next(HeaderBytes); size != "" {
		e.Cut = true
		if whole, err := strconv.ParseInt(size, 10, 64); err == nil {
			e.Bytes = whole
		}
	} else {
		rest = q.Headers[5:]
	}
	e.Came.Headers = rest
	return e, nil
}

// Indexed is what the index has of the entry of a record of the topic. It shares no
// memory with it.
func (e *Entry) Indexed(q *bus.Record) hook.Quarantined {
	return hook.Quarantined{
		ID: hook.QuarantinedID(q.At(), q.Time), Account: e.account(), Reason: e.Reason[:min(len(e.Reason), maxReason)], Detail: e.Detail,
		Source: e.Came.At(), At: q.At(), Bytes: e.Bytes, State: hook.Open, CreatedAt: q.Time,
	}
}

// account is whose the record is, as far as it tells; empty: it does not. Of our own
// topics only a sender's tasks have an owner: who wrote what else is quarantined from
// there is not known.
func (e *Entry) account() string {
	switch {
	case e.Reason == ReasonDefect && codec.ValidAccount(string(e.Came.Key)):
		return string(e.Came.Key)
	case bus.Internal(e.Came.Topic):
		return ""
	}
	return origin.Account(&e.Came)
}

// Record is the record as it came, without memory of its neighbours.
func (e *Entry) Record() hook.Record {
	r := hook.Record{Key: bytes.Clone(e.Came.Key), Value: bytes.Clone(e.Came.Value), Cut: e.Cut}
	for _, h := range e.Came.Headers {
		r.Headers = append(r.Headers, hook.Header{Name: strings.Clone(h.Key), Value: string(h.Value)})
	}
	return r
}
