package codec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

func TestEncodeJSONWritesWhatTheContractShows(t *testing.T) {
	t.Parallel()
	got, err := codec.EncodeJSON(fullEvent())
	require.NoError(t, err)
	require.JSONEq(t, full, string(got))
	require.Contains(t, string(got), `{"name":  "Mario \u0052ossi", "debt": 1.50}`, "data stays byte for byte")

	e := hook.Event{Account: "acme", Type: hook.Delete, ItemType: "Contact", Items: []hook.Item{{ID: "10"}, {ID: "x"}}}
	got, err = codec.EncodeJSON(e)
	require.NoError(t, err)
	require.Equal(t, `{"account":"acme","eventType":"delete","itemType":"Contact",`+
		`"items":[{"id":10},{"id":"x"}]}`, string(got))
}

func TestWhatIsEncodedDecodesToTheSameEvent(t *testing.T) {
	t.Parallel()
	for _, e := range []hook.Event{fullEvent(), minimalEvent()} {
		value, err := codec.EncodeJSON(e)
		require.NoError(t, err)
		got, err := codec.Decode(record(string(value)))
		require.NoError(t, err)
		require.Equal(t, e, got)
	}
}

func TestEncodeJSONRefusesWhatDecodeWould(t *testing.T) {
	t.Parallel()
	below := int64(-1)
	for want, change := range map[string]func(*hook.Event){
		"account must be 1 to 64 characters of A-Z a-z 0-9 . _ -":                                               func(e *hook.Event) { e.Account = "" },
		`eventType must be create, update or delete, not "CREATE"`:                                              func(e *hook.Event) { e.Type = "CREATE" },
		"items must be an array of 1 to 10000 items":                                                            func(e *hook.Event) { e.Items = nil },
		`items[0].version must be an integer from 0 to 9223372036854775807, not "-1"`:                           func(e *hook.Event) { e.Items[0].Version = &below },
		`items[0].data must be JSON: at byte 0 there must be a value, not "x"`:                                  func(e *hook.Event) { e.Items[0].Data = []byte("x") },
		"items[0].parent.id must be an integer or a string of 1 to 256 bytes without control characters":        func(e *hook.Event) { e.Items[0].Parent.ID = "" },
		`user.itemType must be 1 to 100 printable characters, not "\t"`:                                         func(e *hook.Event) { e.User.ItemType = "\t" },
		`store must be at most 256 bytes without control characters, not "\xff"`:                                func(e *hook.Event) { e.Store = "\xff" },
		`eventDate must be a time as in RFC 3339, such as 2023-02-02T12:07:01+01:00, not "2023-02-02T1:07:01Z"`: func(e *hook.Event) { e.Date = "2023-02-02T1:07:01Z" },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			e := fullEvent()
			change(&e)
			require.EqualError(t, codec.Validate(e), want)
			_, err := codec.EncodeJSON(e)
			var reject *codec.Reject
			require.ErrorAs(t, err, &reject)
			require.Equal(t, codec.InvalidField, reject.Reason)
			require.EqualError(t, err, want)
		})
	}

	e := fullEvent()
	e.Items[0].Data = []byte(`"` + strings.Repeat("x", codec.MaxBytes) + `"`)
	_, err := codec.EncodeJSON(e)
	var reject *codec.Reject
	require.ErrorAs(t, err, &reject)
	require.Equal(t, codec.TooLarge, reject.Reason)
	require.Greater(t, len(codec.AppendJSON(nil, e)), codec.MaxBytes, "it only writes")
}

func TestAnEventDoesNotOutgrowItsText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{full, `{"id":"1","eventDate":"2023-02-02T12:07:01Z",` + minimal[1:]} {
		e, err := codec.Decode(record(text))
		require.NoError(t, err)
		require.LessOrEqual(t, len(codec.AppendJSON(nil, e)), len(text))
	}
	require.Equal(t, "before"+minimal, string(codec.AppendJSON([]byte("before"), hook.Event{
		Account: "acme", Type: hook.Delete, ItemType: "Contact", Items: []hook.Item{{ID: "a"}},
	})))
}

func TestAChangeCarriesTheWholeEvent(t *testing.T) {
	t.Parallel()
	traced := fullEvent()
	traced.Trace = hook.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "a=b"}
	bare := hook.Event{ID: "1", Account: "a", Type: hook.Update, ItemType: "X", Items: []hook.Item{{ID: "1"}, {ID: "2"}}}
	for _, e := range []hook.Event{traced, minimalEvent(), bare} {
		wire, err := proto.Marshal(codec.ToChange(e))
		require.NoError(t, err)
		var c deliveryv1.Change
		require.NoError(t, proto.Unmarshal(wire, &c))
		require.Equal(t, e, codec.FromChange(&c))
	}
}

func TestAnEmptyChangeIsAnEmptyEvent(t *testing.T) {
	t.Parallel()
	require.Zero(t, codec.FromChange(nil))
	require.Zero(t, codec.FromChange(&deliveryv1.Change{}))
}
