// Package codec turns the records that upstream services publish into events
// and back. It is the gate of the system: what passes it is complete, bounded
// and safe to store, render and sign, so nothing behind it checks again.
package codec

import (
	"errors"
	"mime"
	"time"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
)

// MaxBytes is the most that an event may have, uncompressed, in whatever form.
// A bundle of it with 1,000 webhook ids still fits 1 MiB, the most that Kafka
// takes by default.
const MaxBytes = 900_000

// MaxItems is the most items that one event may have. At 64 bytes, a log row's
// share of one item's id, this is 640 KB.
const MaxItems = 10_000

// Input is a record as it came from Kafka, or a body of the ingest API.
type Input struct {
	// Header returns the value of a header by its name in lower case, which
	// the caller compares without regard to case. nil: there are none.
	Header func(name string) (value []byte, ok bool)
	// Value is the record's value. The event shares its memory and that of the
	// headers: nobody may write to them afterwards.
	Value []byte
	// Key is the record's key, which says which item a record of Debezium's outbox event
	// router is about; other forms do not look at it.
	Key []byte
	// At is where the record lies. Without a topic, an event that has no id
	// keeps an empty one.
	At hook.Coordinates
	// Time is when Kafka took the record. If zero, an event that has no date
	// keeps an empty one.
	Time time.Time
	// Account is that of an event that names none; mostly empty.
	Account string

	// id and date are those of a CloudEvent around the event, or of the outbox that it
	// comes from; they fill in what it lacks, before At and Time do.
	id, date string
}

// The media types of the forms.
const (
	typeJSON        = "application/json"
	typeProtobuf    = "application/protobuf"
	typeProtobufOld = "application/x-protobuf"
	typeCloudEvents = "application/cloudevents+json"
)

// Decode reads an event in the form that its headers name: content-type JSON
// (also without one), protobuf or structured CloudEvents, ce_specversion for
// binary CloudEvents, or id for a record of Debezium's outbox event router. It fills in what upstream may leave out: the id, the date
// and the trace. Its error is always a *Reject.
func Decode(in Input) (hook.Event, error) {
	e := hook.Event{Source: in.At, Published: in.Time}
	switch {
	case len(in.Value) == 0 && !in.fromOutbox():
		return hook.Event{}, refuse(Tombstone, "value", "", "must be there: a tombstone does not say what changed")
	case len(in.Value) > MaxBytes:
		return hook.Event{}, refuseSize(len(in.Value))
	}
	if err := decodeForm(in, &e); err != nil {
		return hook.Event{}, err
	}
	e.Trace = traceOf(in)
	return e, nil
}

func decodeForm(in Input, e *hook.Event) error {
	contentType := in.header("content-type")
	media := mediaType(contentType)
	if media == typeCloudEvents {
		return decodeStructured(in, e)
	}
	if in.header("ce_specversion") != "" {
		return decodeBinary(in, e, media, contentType)
	}
	if in.header("id") != "" {
		return decodeOutbox(in, e, media, contentType)
	}
	return decodeData(in, e, media, contentType, in.Value)
}

// decodeData reads an event in one of the plain forms.
func decodeData(in Input, e *hook.Event, media, contentType string, value []byte) error {
	switch media {
	case typeJSON:
		return decodeJSON(in, e, value)
	case typeProtobuf, typeProtobufOld:
		return decodeProtobuf(in, e, value)
	default:
		return refuse(UnknownContentType, "content-type", contentType,
			"must be application/json, application/protobuf or application/cloudevents+json")
	}
}

// finish fills in what was left out and checks the whole. f are the faults
// of the form; fields that have one are not named again.
func finish(in Input, e *hook.Event, f faults) error {
	if e.Account == "" {
		e.Account = in.Account
	}
	if e.ID == "" {
		e.ID = in.id
	}
	if e.ID == "" && in.At.Topic != "" {
		e.ID = hook.DerivedEventID(in.At)
	}
	if e.Date == "" {
		e.Date = in.date
	}
	if e.Date == "" && !in.Time.IsZero() {
		e.Date = in.Time.UTC().Format(time.RFC3339Nano)
	}
	// An Italian name of the catalogue is the same type: webhooks match by the
	// English one, and bodies are translated from it.
	e.ItemType = catalogue.Canonical(e.ItemType)
	if e.User != nil {
		e.User.ItemType = catalogue.Canonical(e.User.ItemType)
	}
	for i := range e.Items {
		if parent := e.Items[i].Parent; parent != nil {
			parent.ItemType = catalogue.Canonical(parent.ItemType)
		}
	}
	check(e, &f)
	return f.reject()
}

func (in Input) header(name string) string {
	if in.Header == nil {
		return ""
	}
	value, _ := in.Header(name)
	return wire.Shared(value)
}

// mediaType is a content type without its parameters, JSON if there is none.
// One that makes no sense is unknown to whoever compares it.
func mediaType(contentType string) string {
	switch contentType {
	case "", typeJSON: // nearly always
		return typeJSON
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return contentType
	}
	return media
}

// IsText reports whether a content type names a form of text.
func IsText(contentType string) bool {
	media := mediaType(contentType)
	return media == typeJSON || media == typeCloudEvents
}
