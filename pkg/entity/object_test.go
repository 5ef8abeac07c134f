package entity

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The examples of RFC 7396, appendix A, whose target and patch are objects.
func TestMergeFollowsTheExamplesOfItsStandard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		target, err := parseObject([]byte(c.target))
		require.NoError(t, err)
		patch, err := parseObject([]byte(c.patch))
		require.NoError(t, err)
		merged, err := merge(target, patch)
		require.NoError(t, err)
		require.Equal(t, c.want, string(merged.appendTo(nil)))
		require.Equal(t, c.target, string(target.appendTo(nil)), "the target is left as it was")
	}
}

func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, " {\"a\" :\n1 , \"b\": {\"c\": [1.50, \"\\u00e8\"]}}\n", `{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `[1]`, `{"a"`, `{}{}`, `{"<&>":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := parseObject(text)
		if err != nil {
			return
		}
		written := o.appendTo(nil)
		require.True(t, json.Valid(written))
		again, err := parseObject(written)
		require.NoError(t, err)
		require.Equal(t, o, again)
		_, err = merge(o, again)
		require.NoError(t, err)
	})
}
