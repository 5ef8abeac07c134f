// Package journal is the form of the records of the topic attempts: it
// translates between hook.Attempt and its protobuf message. The sender writes
// them, and reads them at a takeover; the recorder reads them for the log.
package journal

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// Encode gives the record's value. Published and Due keep milliseconds, At and
// Duration microseconds, as the message says. Text that is not valid UTF-8
// (an error's words may quote a receiver's bytes) has its bad bytes replaced.
func Encode(a hook.Attempt) []byte {
	m := &deliveryv1.Attempt{
		Delivery:    clean(a.Delivery),
		Run:         a.Run,
		Step:        int32(a.Step),
		Number:      int32(a.Number),
		Fate:        fates[a.Fate],
		Reason:      clean(string(a.Reason)),
		Detail:      clean(a.Detail),
		Account:     clean(a.Account),
		Webhook:     clean(a.Webhook),
		Event:       clean(a.Event),
		EventType:   eventTypes[a.EventType],
		ItemType:    clean(a.ItemType),
		Items:       cleanAll(a.Items),
		Bundle:      toCoordinates(a.Bundle),
		Source:      toCoordinates(a.Source),
		PublishedMs: toMillis(a.Published),
		AtUs:        toMicros(a.At),
		DurationUs:  a.Duration.Microseconds(),
		Url:         clean(a.URL),
		Status:      int32(a.StatusCode),
		Response:    a.Response,
		DueMs:       toMillis(a.Due),
		TraceId:     clean(a.TraceID),

		ResponseHeaders: toHeaders(a.ResponseHeaders),
	}
	if a.Store != "" {
		store := clean(a.Store)
		m.Store = &store
	}
	// Marshalling fails on invalid UTF-8 alone (proto3 has no required
	// fields), and all text is clean.
	value, _ := proto.Marshal(m)
	return value
}

// Decode reads a record's value. A value that is no such message gives
// protobuf's error; one that lacks what the log cannot do without, hook.Invalid.
func Decode(value []byte) (hook.Attempt, error) {
	var m deliveryv1.Attempt
	if err := proto.Unmarshal(value, &m); err != nil {
		return hook.Attempt{}, fmt.Errorf("attempt record of %d bytes: %w", len(value), err)
	}
	if err := check(&m).Err(); err != nil {
		return hook.Attempt{}, fmt.Errorf("attempt record: %w", err)
	}
	return hook.Attempt{
		Delivery:   m.Delivery,
		Run:        m.Run,
		Step:       int(m.Step),
		Number:     int(m.Number),
		Fate:       fateNames[m.Fate],
		Reason:     hook.Reason(m.Reason),
		Detail:     m.Detail,
		Account:    m.Account,
		Webhook:    m.Webhook,
		Store:      m.GetStore(),
		Event:      m.Event,
		EventType:  eventTypeNames[m.EventType],
		ItemType:   m.ItemType,
		Items:      m.Items,
		Bundle:     fromCoordinates(m.Bundle),
		Source:     fromCoordinates(m.Source),
		Published:  fromMillis(m.PublishedMs),
		At:         fromMicros(m.AtUs),
		Duration:   time.Duration(m.DurationUs) * time.Microsecond,
		URL:        m.Url,
		StatusCode: int(m.Status),
		Response:   m.Response,
		Due:        fromMillis(m.DueMs),
		TraceID:    m.TraceId,

		ResponseHeaders: fromHeaders(m.ResponseHeaders),
	}, nil
}

// check names the fields without which a record says nothing of use.
func check(m *deliveryv1.Attempt) hook.Invalid {
	var faults hook.Invalid
	for _, f := range []struct{ name, value string }{
		{"delivery", m.Delivery}, {"account", m.Account}, {"webhook", m.Webhook},
	} {
		if f.value == "" {
			faults.Add(f.name, "", "is required")
		}
	}
	if _, ok := fateNames[m.Fate]; !ok {
		faults.Add("fate", m.Fate.String(), "must be a known fate")
	}
	if m.Run < 0 {
		faults.Add("run", fmt.Sprint(m.Run), "must be at least 0")
	}
	if m.Step < 0 {
		faults.Add("step", fmt.Sprint(m.Step), "must be at least 0")
	}
	if m.Number < 0 {
		faults.Add("number", fmt.Sprint(m.Number), "must be at least 0")
	}
	return faults
}

// clean replaces bytes that are not UTF-8; text that is clean is not copied.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func cleanAll(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = clean(s)
	}
	return out
}
