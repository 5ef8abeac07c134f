package journal_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// anyAttempt draws attempts of all shapes; texts are long enough for lengths of
// one, two and three bytes, and not always UTF-8.
func anyAttempt(t *rapid.T) hook.Attempt {
	text := func(name string) string {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, name)
		return strings.Repeat(s, rapid.SampledFrom([]int{0, 1, 1, 20, 3000}).Draw(t, name+" times"))
	}
	number := func(name string) int { return rapid.Int().Draw(t, name) }
	moment := func(name string) time.Time {
		if rapid.Bool().Draw(t, name) {
			return time.Time{}
		}
		return time.UnixMicro(rapid.OneOf(rapid.Int64Range(-1e16, 1e16), rapid.Int64Range(-1000, 1000)).Draw(t, name))
	}
	coordinates := func(name string) hook.Coordinates {
		if rapid.Bool().Draw(t, name) {
			return hook.Coordinates{}
		}
		return hook.Coordinates{Topic: text("topic"), Partition: number("partition"), Offset: rapid.Int64().Draw(t, "offset")}
	}
	fate := rapid.SampledFrom([]hook.Fate{
		"", "unheard of", hook.FateDelivered, hook.FateRetrying, hook.FateExhausted, hook.FateHeld, hook.FateDropped,
		hook.FateCancelled, hook.FateSuperseded, hook.FatePending,
	})
	a := hook.Attempt{
		Delivery: text("delivery"), Run: rapid.Int64().Draw(t, "run"), Step: number("step"), Number: number("number"),
		Fate: fate.Draw(t, "fate"), Reason: hook.Reason(text("reason")), Detail: text("detail"),
		Account: text("account"), Webhook: text("webhook"), Store: text("store"),
		Event: text("event"), EventType: rapid.SampledFrom([]hook.EventType{"", "other", hook.Create, hook.Update, hook.Delete}).Draw(t, "event type"),
		ItemType: text("item type"), Bundle: coordinates("bundle"), Source: coordinates("source"),
		Published: moment("published"), At: moment("at"), Duration: time.Duration(rapid.Int64().Draw(t, "duration")),
		URL: text("url"), StatusCode: number("status"), Response: []byte(text("response")), Due: moment("due"), TraceID: text("trace"),
		Timing: hook.Timing{
			DNS: time.Duration(rapid.Int64().Draw(t, "dns")), Connect: time.Duration(rapid.Int64().Draw(t, "connect")),
			TLS: time.Duration(rapid.Int64().Draw(t, "tls")), FirstByte: time.Duration(rapid.Int64().Draw(t, "first byte")),
		},
		Request: []byte(text("request")),
		Volley:  rapid.Int64().Draw(t, "volley"), Opening: rapid.Int64().Draw(t, "opening"),
		Test: rapid.Bool().Draw(t, "test"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "items") {
		a.Items = append(a.Items, text("item"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		a.ResponseHeaders = append(a.ResponseHeaders, hook.Header{Name: text("name"), Value: text("value")})
	}
	return a
}

func TestEncodeWritesWhatProtoMarshalWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyAttempt(t)
		items, headers := slices.Clone(a.Items), slices.Clone(a.ResponseHeaders)
		want, err := encodeByMessage(a)
		require.NoError(t, err)
		got := journal.Encode(a)
		require.Equal(t, want, got)
		require.Len(t, got, cap(got), "the size was known beforehand")
		require.Equal(t, items, a.Items, "the caller's text stays as it is")
		require.Equal(t, headers, a.ResponseHeaders, "the caller's text stays as it is")
		sameAttempt(t, got)
	})
}

// sameAttempt compares what is read with what proto.Unmarshal makes of the same bytes.
func sameAttempt(t require.TestingT, value []byte) {
	want, judge := decodeByMessage(value)
	before := slices.Clone(value)
	got, err := journal.Decode(value)
	require.Equal(t, before, value, "nothing is written to the value")
	require.Equal(t, want, got, "of %x", value)
	if judge == nil {
		require.NoError(t, err, "of %x", value)
		return
	}
	require.Error(t, err, "of %x, of which the judge says: %v", value, judge)
	var faults, sameFaults hook.Invalid
	require.Equal(t, errors.As(judge, &faults), errors.As(err, &sameFaults), "of %x: %v, but the judge: %v", value, err, judge)
	require.Equal(t, faults, sameFaults, "of %x", value)
	var marker, sameMarker *journal.MarkerError
	require.Equal(t, errors.As(judge, &marker), errors.As(err, &sameMarker), "of %x: %v, but the judge: %v", value, err, judge)
	require.Equal(t, marker, sameMarker, "of %x", value)
}

func valueOf(t testing.TB, m *deliveryv1.Attempt) []byte {
	t.Helper()
	value, err := proto.Marshal(m)
	require.NoError(t, err)
	return value
}

// seeds are values of all kinds by name.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	full := journal.Encode(attempt())
	with := func(more ...byte) []byte { return append(slices.Clone(full), more...) }
	second := valueOf(t, &deliveryv1.Attempt{
		Delivery: "second", Store: proto.String(""), Items: []string{"", "3"}, Fate: 8, Response: []byte("other"),
		Bundle: &deliveryv1.Coordinates{Offset: 43}, Source: &deliveryv1.Coordinates{}, ResponseHeaders: []*deliveryv1.Header{{}, {Value: "x"}},
	})
	return map[string][]byte{
		"full":                   full,
		"minimal":                journal.Encode(hook.Attempt{Delivery: "d", Account: "a", Webhook: "w", Fate: hook.FateHeld}),
		"nothing":                {},
		"merged":                 with(second...),
		"merged the other way":   append(slices.Clone(second), full...),
		"one value after other":  slices.Concat(full, second, full),
		"negative numbers":       valueOf(t, &deliveryv1.Attempt{Run: -1, Step: -1, Number: -1, Fate: -1}),
		"marker":                 journal.EncodeMarker(hook.Marker{Account: "a", Webhook: "w", Version: 300}),
		"marker of nothing":      valueOf(t, &deliveryv1.Attempt{Marker: 7}),
		"marker of an attempt":   with(0xc8, 2, 7),
		"negative marker":        valueOf(t, &deliveryv1.Attempt{Webhook: "w", Marker: -1}),
		"test":                   with(0xe8, 2, 1),
		"unknown fate":           with(0x28, 99),
		"negative fate":          with(0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
		"large fate":             with(0x28, 0x81, 0x80, 0x80, 0x80, 0x10), // 1 in the 32 bits that count
		"unknown event type":     with(0x60, 99),
		"negative event type":    with(0x60, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
		"large step":             with(0x18, 0x81, 0x80, 0x80, 0x80, 0x10),
		"negative times":         with(0x88, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
		"zero time":              with(0x88, 1, 0, 0x90, 1, 0, 0xb8, 1, 0),
		"large duration":         with(0x98, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
		"empty response":         with(0xb2, 1, 0),
		"unknown field":          protowire.AppendFixed32(protowire.AppendTag(with(), 99, protowire.Fixed32Type), 7),
		"field of another type":  with(0x08, 1),
		"group":                  with(0x0b, 0x0c),
		"group without an end":   with(0x0b),
		"end without a group":    with(0x0c),
		"field number 0":         with(0x02, 0),
		"field number too large": protowire.AppendVarint(protowire.AppendVarint(with(), 1<<32), 0),
		"text that is not UTF-8": with(0x0a, 1, 0xff),
		"item not UTF-8":         with(0x72, 1, 0xff),
		"topic not UTF-8":        with(0x7a, 3, 0x0a, 1, 0xff),
		"header not UTF-8":       with(0xca, 1, 3, 0x12, 1, 0xff),
		"response not UTF-8":     with(0xb2, 1, 1, 0xff),
		"header with unknown":    with(0xca, 1, 2, 0x18, 1),
		"header breaks off":      with(0xca, 1, 2, 0x0a, 5),
		"bundle breaks off":      with(0x7a, 2, 0x0a, 5),
		"source breaks off":      with(0x82, 1, 2, 0x0a, 5),
		"length beyond the end":  with(0x0a, 5, 'x'),
		"varint without an end":  with(0x10, 0xff),
		"varint too long":        with(0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
		"tag that is not all":    with(0x80),
		"tag with spare bytes":   with(0x8a, 0x80, 0, 1, 'x'),
		"reserved wire type":     with(0x0f, 0),
	}
}

func TestDecodeReadsWhatProtoUnmarshalWould(t *testing.T) {
	t.Parallel()
	for name, value := range seeds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sameAttempt(t, value)
		})
	}
	full := journal.Encode(attempt())
	for end := range full {
		sameAttempt(t, full[:end])
	}
}

// Fields in any order, some of them several times.
func TestDecodeReadsFieldsInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var fields [][]byte
		for _, value := range [][]byte{journal.Encode(attempt()), journal.Encode(anyAttempt(t))} {
			for len(value) > 0 {
				_, _, n := protowire.ConsumeField(value)
				fields = append(fields, value[:n])
				value = value[n:]
			}
		}
		sameAttempt(t, slices.Concat(rapid.Permutation(fields).Draw(t, "fields")...))
	})
}

func TestWhatIsAppendedToAResponseIsNotWrittenToTheRecord(t *testing.T) {
	t.Parallel()
	value := journal.Encode(attempt())
	before := slices.Clone(value)
	a, err := journal.Decode(value)
	require.NoError(t, err)
	_ = append(a.Response, "more"...)
	require.Equal(t, before, value)
}

func FuzzDecode(f *testing.F) {
	for _, value := range seeds(f) {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value []byte) { sameAttempt(t, value) })
}

func BenchmarkEncode(b *testing.B) {
	a := attempt()
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			journal.Encode(a)
		}
	})
	b.Run("messages", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := encodeByMessage(a); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	value := journal.Encode(attempt())
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := journal.Decode(value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("messages", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeByMessage(value); err != nil {
				b.Fatal(err)
			}
		}
	})
}
