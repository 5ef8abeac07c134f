package codec_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

// sameChange compares what is read with what proto.Unmarshal and FromChange make
// of the same bytes.
func sameChange(t *testing.T, wire []byte) {
	t.Helper()
	var m deliveryv1.Change
	judge := proto.Unmarshal(wire, &m)
	got, err := codec.DecodeChange(wire)
	if judge != nil || m.GetEvent() == nil {
		require.Error(t, err, "of %x, of which proto.Unmarshal says: %v", wire, judge)
		return
	}
	require.NoError(t, err, "of %x", wire)
	require.Equal(t, codec.FromChange(&m), got, "of %x", wire)
}

func sameBundle(t *testing.T, wire []byte) {
	t.Helper()
	var m deliveryv1.Bundle
	judge := proto.Unmarshal(wire, &m)
	got, err := codec.ReadBundle(wire)
	if err != nil {
		require.Error(t, judge, "of %x, which is refused: %v", wire, err)
		return
	}
	event, err := codec.DecodeChange(got.Change)
	selections, broken := got.Selections()
	if judge != nil {
		require.Error(t, errors.Join(err, broken), "of %x, of which proto.Unmarshal says: %v", wire, judge)
		return
	}
	for place, items := range selections {
		require.Equal(t, items, codec.SelectionOf(&m, m.GetWebhooks()[place]), "of %x", wire)
	}
	require.Equal(t, m.GetWebhooks(), slices.Collect(got.Webhooks()), "of %x", wire)
	require.Len(t, m.GetWebhooks(), got.Count)
	require.Equal(t, m.GetRun(), got.Run)
	require.EqualValues(t, m.GetItem(), got.Item)
	require.Equal(t, m.GetChange() != nil, got.Change != nil)
	require.Equal(t, m.GetChange().GetEvent() == nil, err != nil)
	if err == nil {
		require.Equal(t, codec.FromChange(m.GetChange()), event)
	}
}

func wireOf(t testing.TB, m proto.Message) []byte {
	t.Helper()
	wire, err := proto.Marshal(m)
	require.NoError(t, err)
	return wire
}

// twice is a message in which everything occurs twice, some of it empty the
// second time: the fields merge.
func twice(t testing.TB) []byte {
	t.Helper()
	first := wireOf(t, codec.ToChange(fullEvent()))
	store := ""
	second := wireOf(t, &deliveryv1.Change{
		Event: &eventv1.EntityChange{
			Id: "second", Store: &store, User: &eventv1.Reference{Ref: "/other"},
			Items: []*eventv1.Item{{Id: "b", Data: []byte{}, Parent: &eventv1.Reference{}}},
		},
		Source: &deliveryv1.Coordinates{Offset: 43}, Tracestate: "a=b",
	})
	return append(first, second...)
}

func TestDecodeChangeReadsWhatProtoUnmarshalWould(t *testing.T) {
	t.Parallel()
	traced := fullEvent()
	traced.Trace = hook.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "a=1"}
	full := wireOf(t, codec.ToChange(traced))
	got, err := codec.DecodeChange(full)
	require.NoError(t, err)
	require.Equal(t, traced, got)

	unknown := protowire.AppendTag(slices.Clone(full), 99, protowire.Fixed32Type)
	unknown = protowire.AppendFixed32(unknown, 7)
	otherType := protowire.AppendVarint(protowire.AppendTag(slices.Clone(full), 3, protowire.VarintType), 1)
	group := protowire.AppendTag(slices.Clone(full), 5, protowire.StartGroupType)
	group = protowire.AppendTag(group, 5, protowire.EndGroupType)
	for name, wire := range map[string][]byte{
		"full":                    full,
		"minimal":                 wireOf(t, codec.ToChange(minimalEvent())),
		"no event":                wireOf(t, &deliveryv1.Change{Traceparent: "x"}),
		"nothing":                 nil,
		"empty event":             {0x0a, 0},
		"merged":                  twice(t),
		"unknown field":           unknown,
		"field of another type":   otherType,
		"group":                   group,
		"group without an end":    protowire.AppendTag(slices.Clone(full), 5, protowire.StartGroupType),
		"end without a group":     protowire.AppendTag(slices.Clone(full), 5, protowire.EndGroupType),
		"field number 0":          append(slices.Clone(full), 0x02, 0),
		"field number too large":  protowire.AppendVarint(protowire.AppendVarint(slices.Clone(full), 1<<32), 0),
		"text that is not UTF-8":  append(slices.Clone(full), 0x1a, 1, 0xff),
		"length beyond the end":   append(slices.Clone(full), 0x1a, 5, 'x'),
		"large event type":        {0x0a, 6, 0x28, 0x81, 0x80, 0x80, 0x80, 0x10},
		"negative partition":      wireOf(t, &deliveryv1.Change{Event: &eventv1.EntityChange{}, Source: &deliveryv1.Coordinates{Partition: -1}}),
		"time before the epoch":   wireOf(t, &deliveryv1.Change{Event: &eventv1.EntityChange{}, PublishedMs: -1}),
		"varint without an end":   append(slices.Clone(full), 0x28, 0xff),
		"varint of eleven bytes":  append(slices.Clone(full), 0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
		"tag that is not all":     append(slices.Clone(full), 0x80),
		"event that breaks off":   {0x0a, 2, 0x0a, 5},
		"item that breaks off":    {0x0a, 4, 0x3a, 2, 0x0a, 5},
		"user that breaks off":    {0x0a, 4, 0x22, 2, 0x0a, 5},
		"parent that breaks off":  {0x0a, 6, 0x3a, 4, 0x2a, 2, 0x0a, 5},
		"source that breaks off":  {0x0a, 0, 0x12, 2, 0x0a, 5},
		"reserved wire type":      append(slices.Clone(full), 0x0f, 0),
		"item's text not UTF-8":   {0x0a, 5, 0x3a, 3, 0x0a, 1, 0xff},
		"item's data not UTF-8":   {0x0a, 5, 0x3a, 3, 0x22, 1, 0xff},
		"zero time after another": append(slices.Clone(full), 0x28, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sameChange(t, wire)
		})
	}
	for end := range full {
		sameChange(t, full[:end])
	}
}

func TestReadBundleFindsWhatProtoUnmarshalWould(t *testing.T) {
	t.Parallel()
	change := codec.ToChange(fullEvent())
	several := wireOf(t, &deliveryv1.Bundle{Change: change, Webhooks: []string{"wh_1", "wh_2", "wh_1"}, Run: 1700000000000000})
	sameBundle(t, several)
	sameBundle(t, wireOf(t, &deliveryv1.Bundle{Webhooks: []string{"wh_1"}}))
	sameBundle(t, wireOf(t, &deliveryv1.Bundle{Change: &deliveryv1.Change{}, Webhooks: []string{""}}))
	sameBundle(t, nil)
	sameBundle(t, append(slices.Clone(several), several...)) // which merges the changes
	sameBundle(t, append(slices.Clone(several), 0x12, 1, 0xff))
	for end := range several {
		sameBundle(t, several[:end])
	}
	b, err := codec.ReadBundle(several)
	require.NoError(t, err)
	for first := range b.Webhooks() {
		require.Equal(t, "wh_1", first)
		break
	}
}

// What is read twice of the same bytes is the same: merging changes writes into
// none of them.
func TestReadBundleWritesToNothing(t *testing.T) {
	t.Parallel()
	wire := wireOf(t, &deliveryv1.Bundle{Change: codec.ToChange(fullEvent()), Webhooks: []string{"wh_1"}})
	wire = append(wire, wire...)
	before := slices.Clone(wire)
	b, err := codec.ReadBundle(wire)
	require.NoError(t, err)
	_, err = codec.DecodeChange(b.Change)
	require.NoError(t, err)
	require.Equal(t, before, wire)
}

func FuzzDecodeChange(f *testing.F) {
	f.Add(wireOf(f, codec.ToChange(fullEvent())))
	f.Add(wireOf(f, codec.ToChange(minimalEvent())))
	f.Add(twice(f))
	f.Fuzz(func(t *testing.T, wire []byte) { sameChange(t, wire) })
}

func FuzzReadBundle(f *testing.F) {
	change := codec.ToChange(fullEvent())
	f.Add(wireOf(f, &deliveryv1.Bundle{Change: change, Webhooks: []string{"wh_1", "wh_2"}, Run: 7}))
	f.Add(append(wireOf(f, &deliveryv1.Bundle{Change: change, Webhooks: []string{"wh_1"}}), twice(f)...))
	f.Fuzz(func(t *testing.T, wire []byte) { sameBundle(t, wire) })
}

// BenchmarkReadBundle is what a sender does with a record for one webhook, and
// what it would cost through the generated messages.
func BenchmarkReadBundle(b *testing.B) {
	wire := wireOf(b, &deliveryv1.Bundle{Change: codec.ToChange(fullEvent()), Webhooks: []string{"wh_01jz8k0000000000000000000"}})
	var e hook.Event
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			bundle, err := codec.ReadBundle(slices.Clone(wire))
			if err != nil {
				b.Fatal(err)
			}
			if e, err = codec.DecodeChange(bundle.Change); err != nil {
				b.Fatal(err)
			}
			for range bundle.Webhooks() {
			}
		}
	})
	b.Run("messages", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m deliveryv1.Bundle
			if err := proto.Unmarshal(wire, &m); err != nil {
				b.Fatal(err)
			}
			e = codec.FromChange(m.GetChange())
		}
	})
	require.Equal(b, fullEvent(), e)
}
