package codec_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
)

// Whatever comes, Decode does not panic; what it refuses it refuses with a
// *Reject; what it takes is the same event again once encoded, and its data is
// JSON.
func FuzzDecode(f *testing.F) {
	binary := record(full, "ce_specversion", "1.0", "ce_id", "1")
	for _, seed := range []struct {
		contentType, specVersion, value string
	}{
		{"", "", full},
		{"", "", minimal},
		{"", "1.0", string(binary.Value)},
		{"application/protobuf", "", "\n\x011\x12\x01a(\x012\x01X:\x03\n\x011"},
		{"application/cloudevents+json", "", `{"specversion":"1.0","id":"x","data":` + minimal + `}`},
		{"application/cloudevents+json", "", `{"specversion":"1.0","data_base64":"e30="}`},
		{"text/plain", "", "x"},
	} {
		f.Add(seed.contentType, seed.specVersion, []byte(seed.value))
	}
	f.Fuzz(func(t *testing.T, contentType, specVersion string, value []byte) {
		in := record(string(value), "content-type", contentType, "ce_specversion", specVersion)
		e, err := codec.Decode(in)
		if err != nil {
			var reject *codec.Reject
			require.ErrorAs(t, err, &reject)
			require.NotEmpty(t, err.Error())
			return
		}
		again, err := codec.EncodeJSON(e)
		if err != nil { // what is filled in may make it larger
			var reject *codec.Reject
			require.ErrorAs(t, err, &reject)
			require.Equal(t, codec.TooLarge, reject.Reason)
			return
		}
		got, err := codec.Decode(record(string(again)))
		require.NoError(t, err, "of %q", again)
		require.Equal(t, e, got)
		require.Equal(t, e, codec.FromChange(codec.ToChange(e)))
		for _, item := range e.Items {
			require.True(t, item.Data == nil || json.Valid(item.Data))
		}
	})
}
