package codec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// anyEvent draws events of all shapes; texts are long enough for lengths of one,
// two and three bytes.
func anyEvent(t *rapid.T) hook.Event {
	text := func(name string) string {
		s := rapid.String().Draw(t, name)
		return strings.Repeat(s, rapid.SampledFrom([]int{0, 1, 20, 3000}).Draw(t, name+" times"))
	}
	reference := func(name string) *hook.Reference {
		if !rapid.Bool().Draw(t, name) {
			return nil
		}
		return &hook.Reference{ID: text("id"), ItemType: text("type"), Ref: text("ref")}
	}
	e := hook.Event{
		ID: text("id"), Account: text("account"), Store: text("store"), User: reference("user"),
		Type: rapid.SampledFrom(hook.EventTypes).Draw(t, "event type"), ItemType: text("item type"), Date: text("date"),
		Source: hook.Coordinates{
			Topic: text("topic"), Partition: int(rapid.Int32().Draw(t, "partition")), Offset: rapid.Int64().Draw(t, "offset"),
		},
		Trace: hook.Trace{Parent: text("traceparent"), State: text("tracestate")},
	}
	if ms := rapid.Int64Range(-1e12, 1e13).Draw(t, "published"); ms > 0 {
		e.Published = time.UnixMilli(ms).UTC()
	}
	for range rapid.IntRange(0, 3).Draw(t, "items") {
		item := hook.Item{ID: text("item"), Ref: text("ref"), Parent: reference("parent")}
		if data := text("data"); data != "" {
			item.Data = []byte(data)
		}
		if rapid.Bool().Draw(t, "versioned") {
			version := rapid.Int64().Draw(t, "version")
			item.Version = &version
		}
		e.Items = append(e.Items, item)
	}
	return e
}

func TestWhatIsAppendedIsWhatProtoMarshalWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		m := &deliveryv1.Bundle{
			Change: codec.ToChange(e), Webhooks: rapid.SliceOf(rapid.String()).Draw(t, "webhooks"), Run: rapid.Int64().Draw(t, "run"), Item: rapid.Int32Range(-1, 10_000).Draw(t, "item"),
		}
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		got, err := codec.AppendBundle([]byte("before"), codec.AppendChange(nil, &e), m.Webhooks, m.Run, int(m.Item))
		require.NoError(t, err)
		require.Equal(t, "before"+string(want), string(got))

		places := rapid.SliceOfDistinct(rapid.IntRange(0, 999), func(n int) int { return n }).Draw(t, "places")
		selection := &deliveryv1.Selection{Items: append(rapid.SliceOf(rapid.Byte()).Draw(t, "items"), 1)}
		for _, place := range places {
			selection.Webhooks = append(selection.Webhooks, uint32(place))
		}
		if len(places) > 0 {
			m.Selections = []*deliveryv1.Selection{selection}
			before := len(got)
			got = codec.AppendSelection(got, selection.GetItems(), places)
			require.LessOrEqual(t, len(got)-before, codec.SizeSelection(selection.GetItems(), len(places)))
			var read deliveryv1.Bundle // in which the fields have another order
			require.NoError(t, proto.Unmarshal(got[len("before"):], &read))
			require.True(t, proto.Equal(m, &read))
		}

		bundle, err := codec.ReadBundle(want)
		require.NoError(t, err)
		back, err := codec.DecodeChange(bundle.Change)
		require.NoError(t, err)
		require.Equal(t, e, back)
	})
}

func TestAppendBundleRefusesAnIDThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	_, err := codec.AppendBundle(nil, nil, []string{"wh_1", "wh_\xff"}, 0, 0)
	require.ErrorContains(t, err, "not UTF-8")
}

func BenchmarkAppendChange(b *testing.B) {
	e := fullEvent()
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		var change []byte
		for b.Loop() {
			change = codec.AppendChange(change[:0], &e)
		}
	})
	b.Run("messages", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := proto.Marshal(codec.ToChange(e)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
