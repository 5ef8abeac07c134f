package entity

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
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

func TestDecimalsAreOfBoundedLength(t *testing.T) {
	t.Parallel()
	for value, fits := range map[string]bool{
		"0": true, "12": true, "-12.345": true, "123": false, "1.2345": false, "1e2": false, "1E-2": false, `"1"`: false, ".5": false,
	} {
		var faults hook.Invalid
		Decimal(2, 3).check("x", json.RawMessage(value), &faults)
		require.Equal(t, fits, len(faults) == 0, value)
	}
	var faults hook.Invalid
	Unsigned(2, 3).check("x", json.RawMessage("-1"), &faults)
	require.EqualError(t, faults, `x must be a number, 0 or more, of at most 2 digits before its point and 3 after it, not "-1"`)
}
