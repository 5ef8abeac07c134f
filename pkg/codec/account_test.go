package codec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/codec"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

func TestTheAccountOfWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	encoded, err := proto.Marshal(&eventv1.EntityChange{Account: "acme"})
	require.NoError(t, err)
	protobuf, envelope := string(encoded), `{"specversion": "1.0", "data": {"account": "acme"}}`
	for _, test := range []struct{ name, contentType, key, value, want string }{
		{"an event that lacks fields", "", "", `{"account": "acme"}`, "acme"},
		{"protobuf", "application/protobuf", "", protobuf, "acme"},
		{"a CloudEvent", "application/cloudevents+json", "", envelope, "acme"},
		{"the value says something else than the key", "", "other/Contact", `{"account": "acme"}`, "acme"},
		{"it breaks off behind the account", "", "", `{"account": "acme", "items": [`, "acme"},
		{"it breaks off before the account", "", "", `{"id": 7`, ""},
		{"no JSON", "", "acme/Contact", `hello`, "acme"},
		{"no value", "", "acme/Contact", ``, "acme"},
		{"a form that is not known", "text/xml", "acme/Contact", `<account>other</account>`, "acme"},
		{"too large", "", "acme/Contact", `{"account": "other", "pad": "` + strings.Repeat("x", codec.MaxBytes) + `"}`, "acme"},
		{"an account that cannot be", "", "", `{"account": "a b"}`, ""},
		{"a key that is something else", "", "acme", `hello`, ""},
		{"a key of nobody", "", "a b/Contact", `hello`, ""},
		{"nothing", "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := codec.Input{Value: []byte(test.value), Key: []byte(test.key), Header: func(name string) ([]byte, bool) {
				if name != "content-type" || test.contentType == "" {
					return nil, false
				}
				return []byte(test.contentType), true
			}}
			require.Equal(t, test.want, codec.AccountOf(in))
		})
	}
}

func TestTheAccountOfAnOutboxsRecordIsInItsColumns(t *testing.T) {
	t.Parallel()
	require.Equal(t, "acme", codec.AccountOf(routed("7", "", "account", "acme")), "of a tombstone")
	require.Equal(t, "acme", codec.AccountOf(routed("7", `{"payload":"{}","account":"acme","eventType":"shipped"}`)))
	require.Empty(t, codec.AccountOf(routed("7", "")))
}
