package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is no UTF-8 must not be kept as something else: a password would not fit any more.
func TestABodyIsUTF8(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme().put("/v1/stores/7", "{\"name\": \"caff\xe8\"}").requires(400).faults()
	b.acme().patch("/v1/webhooks/"+b.webhook(), "{\"auth\": {\"type\": \"basic\", \"username\": \"u\", \"password\": \"p\xe8\"}}").requires(400).faults()
	b.acme().put("/v1/stores/7", `{"name": "caffè"}`).requires(200)
}

// What encoding/json would mend in silence.
func TestABodyIsReadStrictly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, want := range map[string]string{
		`{"name": "a", "name": "b"}`: "name: must be there once",
		`{"name": {"a": [{"b": 1, "b": 2}]}}`: "name.a[0].b: must be there once; " +
			`name: must be a string of 1 to 200 characters ({"a": [{"b": 1, "b": 2}]})`,
	} {
		require.Equal(t, want, strings.Join(b.acme().put("/v1/stores/7", body).requires(422).faults(), "; "), body)
	}
	for body, want := range map[string]string{
		`{"name": "caff\ud800"}`: "both halves of a surrogate pair",
		`{"name": "x",}`:         "a string",
		`{"name": "x"} {}`:       "nothing more",
	} {
		require.Contains(t, b.acme().put("/v1/stores/7", body).requires(400).text("detail"), want, body)
	}
	require.Empty(t, b.acme().get("/v1/stores").ids())
}

func TestWhoeverSaysSomethingWhereNothingIsAskedIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := "/v1/webhooks/" + b.webhook()
	for _, call := range []func(body string) answer{
		func(body string) answer { return b.acme().post(path+"/pause", body) },
		func(body string) answer { return b.acme().send("DELETE", path, body) },
	} {
		require.Equal(t, []string{"onPause: is not a known field: there are none"}, call(`{"onPause": "drop"}`).requires(422).faults())
		call(`{"onPause"`).requires(400)
		require.Equal(t, "active", b.acme().get(path).text("status"))
	}
	b.acme().post(path+"/pause", " {} ").requires(200)
}
