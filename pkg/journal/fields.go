package journal

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

// The names of the enums' values; what is unspecified, and what has no name, is
// the empty text here and 0 on the wire.

var fates = [...]hook.Fate{
	deliveryv1.Fate_FATE_DELIVERED:  hook.FateDelivered,
	deliveryv1.Fate_FATE_RETRYING:   hook.FateRetrying,
	deliveryv1.Fate_FATE_EXHAUSTED:  hook.FateExhausted,
	deliveryv1.Fate_FATE_HELD:       hook.FateHeld,
	deliveryv1.Fate_FATE_DROPPED:    hook.FateDropped,
	deliveryv1.Fate_FATE_CANCELLED:  hook.FateCancelled,
	deliveryv1.Fate_FATE_SUPERSEDED: hook.FateSuperseded,
	deliveryv1.Fate_FATE_PENDING:    hook.FatePending,
}

var eventTypes = [...]hook.EventType{
	eventv1.EventType_EVENT_TYPE_CREATE: hook.Create,
	eventv1.EventType_EVENT_TYPE_UPDATE: hook.Update,
	eventv1.EventType_EVENT_TYPE_DELETE: hook.Delete,
	eventv1.EventType_EVENT_TYPE_NOTICE: hook.NoticeEvent,
}

func toEnum[Name ~string](names []Name, name Name) uint64 {
	return uint64(max(0, slices.Index(names, name)))
}

func fromEnum[Name ~string, Enum ~int32](names []Name, value Enum) Name {
	if value < 0 || int(value) >= len(names) {
		return ""
	}
	return names[value]
}

// The zero time is 0 on the wire.

func toMillis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMilli())
}

func fromMillis(ms uint64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

func toMicros(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMicro())
}

func fromMicros(us uint64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(us)).UTC()
}

// Numbers that are int32 in the message.

func toInt32(n int) uint64 { return uint64(int32(n)) }

func fromInt32(value uint64) int { return int(int32(value)) }

// cleanAttempt replaces bytes that are not UTF-8 in all text of an attempt, whose
// slices stay as they are for whoever else has them.
func cleanAttempt(a *hook.Attempt) {
	for _, text := range [...]*string{
		&a.Delivery, (*string)(&a.Reason), &a.Detail, &a.Account, &a.Webhook, &a.Store, &a.Event, &a.ItemType,
		&a.Bundle.Topic, &a.Source.Topic, &a.URL, &a.TraceID, &a.SupersededBy,
	} {
		if unclean(*text) {
			*text = clean(*text)
		}
	}
	if slices.ContainsFunc(a.Items, unclean) {
		a.Items = slices.Clone(a.Items)
		for i, item := range a.Items {
			a.Items[i] = clean(item)
		}
	}
	if slices.ContainsFunc(a.ResponseHeaders, func(h hook.Header) bool { return unclean(h.Name) || unclean(h.Value) }) {
		a.ResponseHeaders = slices.Clone(a.ResponseHeaders)
		for i, h := range a.ResponseHeaders {
			a.ResponseHeaders[i] = hook.Header{Name: clean(h.Name), Value: clean(h.Value)}
		}
	}
}

func unclean(s string) bool { return !utf8.ValidString(s) }

func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
