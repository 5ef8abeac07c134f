package journal

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
)

// Encode gives the record's value. Published and Due keep milliseconds, At and
// Duration microseconds, as the message says. Text that is not valid UTF-8
// (an error's words may quote a receiver's bytes) has its bad bytes replaced.
func Encode(a hook.Attempt) []byte {
	cleanAttempt(&a)
	return appendAttempt(make([]byte, 0, size(&a)), &a)
}

// appendAttempt writes the fields in the order of their numbers, as
// proto.Marshal does.
func appendAttempt(dst []byte, a *hook.Attempt) []byte {
	dst = wire.AppendText(dst, tagDelivery, a.Delivery)
	dst = wire.AppendNumber(dst, tagRun, uint64(a.Run))
	dst = wire.AppendNumber(dst, tagStep, toInt32(a.Step))
	dst = wire.AppendNumber(dst, tagNumber, toInt32(a.Number))
	dst = wire.AppendNumber(dst, tagFate, toEnum(fates[:], a.Fate))
	dst = wire.AppendText(dst, tagReason, string(a.Reason))
	dst = wire.AppendText(dst, tagDetail, a.Detail)
	dst = wire.AppendText(dst, tagAccount, a.Account)
	dst = wire.AppendText(dst, tagWebhook, a.Webhook)
	dst = wire.AppendText(dst, tagStore, a.Store)
	dst = wire.AppendText(dst, tagEvent, a.Event)
	dst = wire.AppendNumber(dst, tagEventType, toEnum(eventTypes[:], a.EventType))
	dst = wire.AppendText(dst, tagItemType, a.ItemType)
	for _, item := range a.Items {
		dst = protowire.AppendString(protowire.AppendVarint(dst, tagItems), item)
	}
	if a.Bundle != (hook.Coordinates{}) {
		dst = wire.AppendCoordinates(dst, tagBundle, &a.Bundle)
	}
	if a.Source != (hook.Coordinates{}) {
		dst = wire.AppendCoordinates(dst, tagSource, &a.Source)
	}
	dst = wire.AppendNumber(dst, tagPublished, toMillis(a.Published))
	dst = wire.AppendNumber(dst, tagAt, toMicros(a.At))
	dst = wire.AppendNumber(dst, tagDuration, uint64(a.Duration.Microseconds()))
	dst = wire.AppendText(dst, tagURL, a.URL)
	dst = wire.AppendNumber(dst, tagStatus, toInt32(a.StatusCode))
	dst = wire.AppendBytes(dst, tagResponse, a.Response)
	dst = wire.AppendNumber(dst, tagDue, toMillis(a.Due))
	dst = wire.AppendText(dst, tagTraceID, a.TraceID)
	for _, h := range a.ResponseHeaders {
		var at int
		dst, at = wire.Nest(dst, tagResponseHeaders)
		dst = wire.AppendText(dst, tagHeaderName, h.Name)
		dst = wire.EndNest(wire.AppendText(dst, tagHeaderValue, h.Value), at)
	}
	dst = wire.AppendText(dst, tagSupersededBy, a.SupersededBy)
	dst = wire.AppendNumber(dst, tagDNS, uint64(a.Timing.DNS.Microseconds()))
	dst = wire.AppendNumber(dst, tagConnect, uint64(a.Timing.Connect.Microseconds()))
	dst = wire.AppendNumber(dst, tagTLS, uint64(a.Timing.TLS.Microseconds()))
	dst = wire.AppendNumber(dst, tagFirstByte, uint64(a.Timing.FirstByte.Microseconds()))
	dst = wire.AppendBytes(dst, tagRequest, a.Request)
	dst = wire.AppendNumber(dst, tagVolley, uint64(a.Volley))
	dst = wire.AppendNumber(dst, tagOpening, uint64(a.Opening))
	if a.Test {
		dst = wire.AppendNumber(dst, tagTest, 1)
	}
	return dst
}

// size is how much appendAttempt appends.
func size(a *hook.Attempt) int {
	n := wire.SizeText(tagDelivery, a.Delivery) +
		wire.SizeNumber(tagRun, uint64(a.Run)) +
		wire.SizeNumber(tagStep, toInt32(a.Step)) +
		wire.SizeNumber(tagNumber, toInt32(a.Number)) +
		wire.SizeNumber(tagFate, toEnum(fates[:], a.Fate)) +
		wire.SizeText(tagReason, string(a.Reason)) +
		wire.SizeText(tagDetail, a.Detail) +
		wire.SizeText(tagAccount, a.Account) +
		wire.SizeText(tagWebhook, a.Webhook) +
		wire.SizeText(tagStore, a.Store) +
		wire.SizeText(tagEvent, a.Event) +
		wire.SizeNumber(tagEventType, toEnum(eventTypes[:], a.EventType)) +
		wire.SizeText(tagItemType, a.ItemType) +
		wire.SizeNumber(tagPublished, toMillis(a.Published)) +
		wire.SizeNumber(tagAt, toMicros(a.At)) +
		wire.SizeNumber(tagDuration, uint64(a.Duration.Microseconds())) +
		wire.SizeText(tagURL, a.URL) +
		wire.SizeNumber(tagStatus, toInt32(a.StatusCode)) +
		wire.SizeBytes(tagResponse, a.Response) +
		wire.SizeNumber(tagDue, toMillis(a.Due)) +
		wire.SizeText(tagTraceID, a.TraceID) +
		wire.SizeText(tagSupersededBy, a.SupersededBy) +
		wire.SizeNumber(tagDNS, uint64(a.Timing.DNS.Microseconds())) +
		wire.SizeNumber(tagConnect, uint64(a.Timing.Connect.Microseconds())) +
		wire.SizeNumber(tagTLS, uint64(a.Timing.TLS.Microseconds())) +
		wire.SizeNumber(tagFirstByte, uint64(a.Timing.FirstByte.Microseconds())) +
		wire.SizeBytes(tagRequest, a.Request) +
		wire.SizeNumber(tagVolley, uint64(a.Volley)) +
		wire.SizeNumber(tagOpening, uint64(a.Opening))
	if a.Test {
		n += wire.SizeNumber(tagTest, 1)
	}
	for _, item := range a.Items {
		n += wire.SizeNested(tagItems, len(item))
	}
	if a.Bundle != (hook.Coordinates{}) {
		n += wire.SizeCoordinates(tagBundle, &a.Bundle)
	}
	if a.Source != (hook.Coordinates{}) {
		n += wire.SizeCoordinates(tagSource, &a.Source)
	}
	for _, h := range a.ResponseHeaders {
		n += wire.SizeNested(tagResponseHeaders, wire.SizeText(tagHeaderName, h.Name)+wire.SizeText(tagHeaderValue, h.Value))
	}
	return n
}
