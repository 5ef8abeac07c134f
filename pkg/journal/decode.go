package journal

import (
	"fmt"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

// Decode reads a record's value. One that is no such message gives an error; one
// that lacks what the log cannot do without, hook.Invalid; a marker,
// a *MarkerError.
//
// Text and response of the attempt share the value's memory, which nobody may
// write to afterwards. A copy would gain the recorder nothing: all records of a
// fetched batch, which share memory too, are kept until they are in the log, and
// all are let go then. Whoever keeps some text for longer clones that.
func Decode(value []byte) (hook.Attempt, error) {
	var a hook.Attempt
	fate, err := readAttempt(&a, value)
	if err != nil {
		return hook.Attempt{}, fmt.Errorf("attempt record of %d bytes: %w", len(value), err)
	}
	if err := check(&a, fate).Err(); err != nil {
		if m, ok := readMarker(value); ok {
			return hook.Attempt{}, &MarkerError{Marker: m}
		}
		return hook.Attempt{}, fmt.Errorf("attempt record: %w", err)
	}
	return a, nil
}

// readAttempt reads as proto.Unmarshal does: of a field that occurs twice the last
// one counts, if it is not repeated or a message; what is unknown is passed over.
func readAttempt(a *hook.Attempt, message []byte) (fate deliveryv1.Fate, err error) {
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case tagDelivery:
			a.Delivery = r.Text()
		case tagRun:
			a.Run = int64(r.Value)
		case tagStep:
			a.Step = fromInt32(r.Value)
		case tagNumber:
			a.Number = fromInt32(r.Value)
		case tagFate:
			fate = deliveryv1.Fate(r.Value)
			a.Fate = fromEnum(fates[:], fate)
		case tagReason:
			a.Reason = hook.Reason(r.Text())
		case tagDetail:
			a.Detail = r.Text()
		case tagAccount:
			a.Account = r.Text()
		case tagWebhook:
			a.Webhook = r.Text()
		case tagStore:
			a.Store = r.Text()
		case tagEvent:
			a.Event = r.Text()
		case tagEventType:
			a.EventType = fromEnum(eventTypes[:], eventv1.EventType(r.Value))
		case tagItemType:
			a.ItemType = r.Text()
		case tagItems:
			a.Items = append(withRoom(a.Items, &r), r.Text())
		case tagBundle:
			r.Err = wire.ReadCoordinates(&a.Bundle, r.Bytes)
		case tagSource:
			r.Err = wire.ReadCoordinates(&a.Source, r.Bytes)
		case tagPublished:
			a.Published = fromMillis(r.Value)
		case tagAt:
			a.At = fromMicros(r.Value)
		case tagDuration:
			a.Duration = time.Duration(r.Value) * time.Microsecond
		case tagURL:
			a.URL = r.Text()
		case tagStatus:
			a.StatusCode = fromInt32(r.Value)
		case tagResponse:
			a.Response = nil
			if n := len(r.Bytes); n > 0 {
				a.Response = r.Bytes[:n:n]
			}
		case tagDue:
			a.Due = fromMillis(r.Value)
		case tagTraceID:
			a.TraceID = r.Text()
		case tagResponseHeaders:
			var h hook.Header
			h, r.Err = readHeader(r.Bytes)
			a.ResponseHeaders = append(withRoom(a.ResponseHeaders, &r), h)
		case tagSupersededBy:
			a.SupersededBy = r.Text()
		case tagDNS:
			a.Timing.DNS = time.Duration(r.Value) * time.Microsecond
		case tagConnect:
			a.Timing.Connect = time.Duration(r.Value) * time.Microsecond
		case tagTLS:
			a.Timing.TLS = time.Duration(r.Value) * time.Microsecond
		case tagFirstByte:
			a.Timing.FirstByte = time.Duration(r.Value) * time.Microsecond
		case tagRequest:
			a.Request = nil
			if n := len(r.Bytes); n > 0 {
				a.Request = r.Bytes[:n:n]
			}
		case tagVolley:
			a.Volley = int64(r.Value)
		case tagOpening:
			a.Opening = int64(r.Value)
		case tagTest:
			a.Test = r.Value != 0
		}
	}
	return fate, r.Err
}

func readHeader(message []byte) (hook.Header, error) {
	var h hook.Header
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case tagHeaderName:
			h.Name = r.Text()
		case tagHeaderValue:
			h.Value = r.Text()
		}
	}
	return h, r.Err
}

// withRoom is a list with room for the field at hand and those like it that
// follow.
func withRoom[E any](list []E, r *wire.Reader) []E {
	if len(list) < cap(list) {
		return list
	}
	return slices.Grow(list, r.Alike())
}

// check names the fields without which a record says nothing of use.
func check(a *hook.Attempt, fate deliveryv1.Fate) hook.Invalid {
	var faults hook.Invalid
	for _, f := range [...]struct{ name, value string }{
		{"delivery", a.Delivery}, {"account", a.Account}, {"webhook", a.Webhook},
	} {
		if f.value == "" {
			faults.Add(f.name, "", "is required")
		}
	}
	if a.Fate == "" {
		faults.Add("fate", fate.String(), "must be a known fate")
	}
	if a.Run < 0 {
		faults.Add("run", fmt.Sprint(a.Run), "must be at least 0")
	}
	if a.Step < 0 {
		faults.Add("step", fmt.Sprint(a.Step), "must be at least 0")
	}
	if a.Number < 0 {
		faults.Add("number", fmt.Sprint(a.Number), "must be at least 0")
	}
	return faults
}
