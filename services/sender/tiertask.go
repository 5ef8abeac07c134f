package sender

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/wire"
)

// maxCarried is the size of a change up to which a tier's record carries it;
// larger ones stay in deliveries and are read again when they are due.
const maxCarried = 16 << 10

// maxChange is more than any change has: an event has 900,000 bytes at most.
const maxChange = 4 << 20

// The fields of staffetta.delivery.v1.Task.
const (
	taskChange      = 1<<3 | wire.Length
	taskBundle      = 2<<3 | wire.Length
	taskAccount     = 3<<3 | wire.Length
	taskWebhook     = 4<<3 | wire.Length
	taskDelivery    = 5<<3 | wire.Length
	taskRun         = 6<<3 | wire.Varint
	taskStep        = 7<<3 | wire.Varint
	taskAttempts    = 8<<3 | wire.Varint
	taskDue         = 9<<3 | wire.Varint
	taskNotBefore   = 10<<3 | wire.Varint
	taskChangeBytes = 11<<3 | wire.Varint
	taskWritten     = 12<<3 | wire.Varint
	taskReserved    = 13<<3 | wire.Varint
	taskOverQuota   = 14<<3 | wire.Varint
	taskBooked      = 15<<3 | wire.Varint
	taskItem        = 16<<3 | wire.Varint
	taskPlace       = 19<<3 | wire.Length
	taskItems       = 18<<3 | wire.Length
	taskTest        = 20<<3 | wire.Varint
)

// waiting is a task in a tier with its due time.
type waiting struct {
	*task
	due, notBefore time.Time
	// written is when its sender wrote it, by its own clock.
	written time.Time
}

// ofTier reads a record of a tier. The task's change is in the record's memory,
// and its event is not there before unfold: most tasks have further to walk.
func ofTier(r bus.Record) (waiting, error) {
	w := waiting{task: &task{}}
	bundled, err := w.read(r.Value)
	switch {
	case err != nil:
		return waiting{}, fmt.Errorf("record of a tier is no task: %w", err)
	case w.delivery == "" || w.webhook == "" || !bundled:
		return waiting{}, errors.New("task has no delivery, webhook or bundle")
	case w.attempts < 0:
		return waiting{}, fmt.Errorf("task has %d attempts, which cannot be negative", w.attempts)
	case w.step < 1:
		return waiting{}, fmt.Errorf("task has step %d, but in a tier it has made one at least", w.step)
	case w.item < 0:
		return waiting{}, fmt.Errorf("task is about item %d, which no event has", w.item)
	case w.bytes < 0 || w.bytes > maxChange:
		return waiting{}, fmt.Errorf("task has a change of %d bytes, which is not between 0 and %d", w.bytes, maxChange)
	}
	// Tasks, and the ids of those that are done, outlive the record, which shares its
	// memory with others.
	w.delivery, w.webhook, w.account = strings.Clone(w.delivery), strings.Clone(w.webhook), strings.Clone(w.account)
	if w.bundle.Topic == bus.Deliveries {
		w.bundle.Topic = bus.Deliveries // the constant
	} else {
		w.bundle.Topic = strings.Clone(w.bundle.Topic)
	}
	return w, nil
}

// read is proto.Unmarshal of a task.
func (w *waiting) read(message []byte) (bundled bool, err error) {
	w.due, w.notBefore, w.written = time.UnixMilli(0), time.UnixMilli(0), time.UnixMilli(0)
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case taskChange:
			w.change = nil
			if len(r.Bytes) > 0 {
				w.change = r.Bytes
			}
		case taskBundle:
			bundled = true
			r.Err = wire.ReadCoordinates(&w.bundle, r.Bytes)
		case taskAccount:
			w.account = r.Text()
		case taskWebhook:
			w.webhook = r.Text()
		case taskDelivery:
			w.delivery = r.Text()
		case taskRun:
			w.run = int64(r.Value)
		case taskStep:
			w.step = int(int32(r.Value))
		case taskAttempts:
			w.attempts = int(int32(r.Value))
		case taskDue:
			w.due = time.UnixMilli(int64(r.Value))
		case taskNotBefore:
			w.notBefore = time.UnixMilli(int64(r.Value))
		case taskChangeBytes:
			w.bytes = int(int32(r.Value))
		case taskWritten:
			w.written = time.UnixMilli(int64(r.Value))
		case taskReserved:
			w.reserved = time.Time{}
			if r.Value != 0 {
				w.reserved = time.UnixMilli(int64(r.Value))
			}
		case taskOverQuota:
			w.overQuota = r.Value != 0
		case taskBooked:
			w.booked = r.Value != 0
		case taskItem:
			w.item = int(int32(r.Value))
		case taskPlace:
			w.atGate().place = append(w.atGate().place, r.Bytes...) // two of a message are one
		case taskItems:
			w.items = nil // empty means all
			if len(r.Bytes) > 0 {
				w.items = bytes.Clone(r.Bytes)
			}
		case taskTest:
			w.test = r.Value != 0
		}
	}
	return bundled, r.Err
}

// unfold reads the event of a task that carries its change.
func (t *task) unfold() error {
	if t.change == nil {
		return nil
	}
	t.change = bytes.Clone(t.change)
	event, err := codec.DecodeChange(t.change)
	if err != nil {
		return fmt.Errorf("task has no event: %w", err)
	}
	if n := len(event.Items); t.item > 0 && n != 1 {
		return fmt.Errorf("task is about one item, and its change has %d", n)
	}
	if t.event = t.items.Of(&event); t.items != nil && len(t.event.Items) == 0 {
		return fmt.Errorf("task has no event: %w", errNoItems)
	}
	return nil
}

// forTier gives the task's next record in a tier: the step after this one.
func (t *task) forTier(due, notBefore time.Time) []byte {
	change := t.change
	if t.bytes > maxCarried {
		change = nil
	}
	reserved := int64(0)
	if !t.reserved.IsZero() {
		reserved = t.reserved.UnixMilli()
	}
	var place []byte
	if t.passage != nil {
		place = t.passage.place
	}
	// Numbers and tags take less than 120 bytes.
	b := make([]byte, 0, len(change)+len(t.bundle.Topic)+len(t.account)+len(t.webhook)+len(t.delivery)+len(place)+len(t.items)+120)
	b = wire.AppendBytes(b, taskChange, change)
	b = wire.AppendCoordinates(b, taskBundle, &t.bundle)
	b = wire.AppendText(b, taskAccount, t.account)
	b = wire.AppendText(b, taskWebhook, t.webhook)
	b = wire.AppendText(b, taskDelivery, t.delivery)
	b = wire.AppendNumber(b, taskRun, uint64(t.run))
	b = wire.AppendNumber(b, taskStep, uint64(int32(t.step)+1))
	b = wire.AppendNumber(b, taskAttempts, uint64(t.attempts))
	b = wire.AppendNumber(b, taskDue, uint64(due.UnixMilli()))
	b = wire.AppendNumber(b, taskNotBefore, uint64(notBefore.UnixMilli()))
	b = wire.AppendNumber(b, taskChangeBytes, uint64(t.bytes))
	b = wire.AppendNumber(b, taskWritten, uint64(time.Now().UnixMilli()))
	b = wire.AppendNumber(b, taskReserved, uint64(reserved))
	b = wire.AppendNumber(b, taskOverQuota, one(t.overQuota))
	b = wire.AppendNumber(b, taskBooked, one(t.booked))
	b = wire.AppendNumber(b, taskItem, uint64(t.item))
	b = wire.AppendBytes(b, taskPlace, place)
	b = wire.AppendBytes(b, taskItems, t.items)
	return wire.AppendNumber(b, taskTest, one(t.test))
}

func one(yes bool) uint64 {
	if yes {
		return 1
	}
	return 0
}
