package journal_test

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

// What Encode and Decode must do, by way of the generated messages.

var fates = map[hook.Fate]deliveryv1.Fate{
	hook.FateDelivered:  deliveryv1.Fate_FATE_DELIVERED,
	hook.FateRetrying:   deliveryv1.Fate_FATE_RETRYING,
	hook.FateExhausted:  deliveryv1.Fate_FATE_EXHAUSTED,
	hook.FateHeld:       deliveryv1.Fate_FATE_HELD,
	hook.FateDropped:    deliveryv1.Fate_FATE_DROPPED,
	hook.FateCancelled:  deliveryv1.Fate_FATE_CANCELLED,
	hook.FateSuperseded: deliveryv1.Fate_FATE_SUPERSEDED,
	hook.FatePending:    deliveryv1.Fate_FATE_PENDING,
}

var eventTypes = map[hook.EventType]eventv1.EventType{
	hook.Create: eventv1.EventType_EVENT_TYPE_CREATE,
	hook.Update: eventv1.EventType_EVENT_TYPE_UPDATE,
	hook.Delete: eventv1.EventType_EVENT_TYPE_DELETE,
}

func nameOf[K, V comparable](names map[K]V, value V) (name K, ok bool) {
	for name, v := range names {
		if v == value {
			return name, true
		}
	}
	return name, false
}

func encodeByMessage(a hook.Attempt) ([]byte, error) {
	m := &deliveryv1.Attempt{
		Delivery:  clean(a.Delivery),
		Run:       a.Run,
		Step:      int32(a.Step),
		Number:    int32(a.Number),
		Fate:      fates[a.Fate],
		Reason:    clean(string(a.Reason)),
		Detail:    clean(a.Detail),
		Account:   clean(a.Account),
		Webhook:   clean(a.Webhook),
		Event:     clean(a.Event),
		EventType: eventTypes[a.EventType],
		ItemType:  clean(a.ItemType),
		Bundle:    toCoordinates(a.Bundle),
		Source:    toCoordinates(a.Source),
		Url:       clean(a.URL),
		Status:    int32(a.StatusCode),
		Response:  a.Response,
		TraceId:   clean(a.TraceID),

		SupersededBy: clean(a.SupersededBy),
		Volley:       a.Volley,
		Opening:      a.Opening,

		DnsUs: a.Timing.DNS.Microseconds(), ConnectUs: a.Timing.Connect.Microseconds(), TlsUs: a.Timing.TLS.Microseconds(),
		FirstByteUs: a.Timing.FirstByte.Microseconds(), Request: a.Request,
		Test: a.Test,
	}
	if a.Store != "" {
		m.Store = proto.String(clean(a.Store))
	}
	for _, item := range a.Items {
		m.Items = append(m.Items, clean(item))
	}
	for _, h := range a.ResponseHeaders {
		m.ResponseHeaders = append(m.ResponseHeaders, &deliveryv1.Header{Name: clean(h.Name), Value: clean(h.Value)})
	}
	m.DurationUs = a.Duration.Microseconds()
	if !a.Published.IsZero() {
		m.PublishedMs = a.Published.UnixMilli()
	}
	if !a.At.IsZero() {
		m.AtUs = a.At.UnixMicro()
	}
	if !a.Due.IsZero() {
		m.DueMs = a.Due.UnixMilli()
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func toCoordinates(c hook.Coordinates) *deliveryv1.Coordinates {
	if c == (hook.Coordinates{}) {
		return nil
	}
	return &deliveryv1.Coordinates{Topic: clean(c.Topic), Partition: int32(c.Partition), Offset: c.Offset}
}

func decodeByMessage(value []byte) (hook.Attempt, error) {
	var m deliveryv1.Attempt
	if err := proto.Unmarshal(value, &m); err != nil {
		return hook.Attempt{}, err
	}
	var faults hook.Invalid
	for _, f := range []struct{ name, value string }{
		{"delivery", m.GetDelivery()}, {"account", m.GetAccount()}, {"webhook", m.GetWebhook()},
	} {
		if f.value == "" {
			faults.Add(f.name, "", "is required")
		}
	}
	fate, ok := nameOf(fates, m.GetFate())
	if !ok {
		faults.Add("fate", m.GetFate().String(), "must be a known fate")
	}
	for _, f := range []struct {
		name  string
		value int64
	}{{"run", m.GetRun()}, {"step", int64(m.GetStep())}, {"number", int64(m.GetNumber())}} {
		if f.value < 0 {
			faults.Add(f.name, fmt.Sprint(f.value), "must be at least 0")
		}
	}
	if err := faults.Err(); err != nil {
		if m.GetMarker() > 0 && m.GetWebhook() != "" {
			return hook.Attempt{}, &journal.MarkerError{Marker: hook.Marker{Account: m.GetAccount(), Webhook: m.GetWebhook(), Version: m.GetMarker()}}
		}
		return hook.Attempt{}, err
	}
	eventType, _ := nameOf(eventTypes, m.GetEventType())
	a := hook.Attempt{
		Delivery:   m.GetDelivery(),
		Run:        m.GetRun(),
		Step:       int(m.GetStep()),
		Number:     int(m.GetNumber()),
		Fate:       fate,
		Reason:     hook.Reason(m.GetReason()),
		Detail:     m.GetDetail(),
		Account:    m.GetAccount(),
		Webhook:    m.GetWebhook(),
		Store:      m.GetStore(),
		Event:      m.GetEvent(),
		EventType:  eventType,
		ItemType:   m.GetItemType(),
		Items:      m.GetItems(),
		Bundle:     fromCoordinates(m.GetBundle()),
		Source:     fromCoordinates(m.GetSource()),
		Duration:   time.Duration(m.GetDurationUs()) * time.Microsecond,
		URL:        m.GetUrl(),
		StatusCode: int(m.GetStatus()),
		Response:   m.GetResponse(),
		TraceID:    m.GetTraceId(),

		SupersededBy: m.GetSupersededBy(),
		Volley:       m.GetVolley(),
		Opening:      m.GetOpening(),

		Timing: hook.Timing{
			DNS: time.Duration(m.GetDnsUs()) * time.Microsecond, Connect: time.Duration(m.GetConnectUs()) * time.Microsecond,
			TLS: time.Duration(m.GetTlsUs()) * time.Microsecond, FirstByte: time.Duration(m.GetFirstByteUs()) * time.Microsecond,
		},
		Request: m.GetRequest(),
		Test:    m.GetTest(),
	}
	for _, h := range m.GetResponseHeaders() {
		a.ResponseHeaders = append(a.ResponseHeaders, hook.Header{Name: h.GetName(), Value: h.GetValue()})
	}
	if ms := m.GetPublishedMs(); ms != 0 {
		a.Published = time.UnixMilli(ms).UTC()
	}
	if us := m.GetAtUs(); us != 0 {
		a.At = time.UnixMicro(us).UTC()
	}
	if ms := m.GetDueMs(); ms != 0 {
		a.Due = time.UnixMilli(ms).UTC()
	}
	return a, nil
}

func fromCoordinates(c *deliveryv1.Coordinates) hook.Coordinates {
	return hook.Coordinates{Topic: c.GetTopic(), Partition: int(c.GetPartition()), Offset: c.GetOffset()}
}
