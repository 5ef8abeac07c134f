package codec_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

func BenchmarkDecodeJSON(b *testing.B) { benchmarkDecode(b, record(full)) }

func BenchmarkDecodeProtobuf(b *testing.B) {
	e, err := codec.Decode(record(full))
	require.NoError(b, err)
	value, err := proto.Marshal(codec.ToChange(e).GetEvent())
	require.NoError(b, err)
	benchmarkDecode(b, record(string(value), "content-type", "application/protobuf"))
}

func benchmarkDecode(b *testing.B, in codec.Input) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(in.Value)))
	for b.Loop() {
		if _, err := codec.Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnmarshal is what encoding/json needs for the same event, without
// any of the checks.
func BenchmarkUnmarshal(b *testing.B) {
	type reference struct {
		ID       json.RawMessage
		ItemType string
		Ref      string
	}
	type event struct {
		ID, Account, Store, EventType, ItemType, EventDate string
		User                                               *reference
		Items                                              []struct {
			ID      json.RawMessage
			Ref     string
			Version *int64
			Data    json.RawMessage
			Parent  *reference
		}
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(full)))
	for b.Loop() {
		var e event
		if err := json.Unmarshal([]byte(full), &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeJSON(b *testing.B) {
	e := fullEvent()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.EncodeJSON(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToChangeAndBack(b *testing.B) {
	e := fullEvent()
	var back hook.Event
	b.ReportAllocs()
	for b.Loop() {
		back = codec.FromChange(codec.ToChange(e))
	}
	require.Equal(b, e, back)
}
