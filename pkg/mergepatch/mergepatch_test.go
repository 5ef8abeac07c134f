package mergepatch_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/mergepatch"
)

// The examples of RFC 7396, appendix A, whose patch is an object.
func TestTheExamplesOfTheRFC(t *testing.T) {
	t.Parallel()
	for _, test := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		got, err := mergepatch.Apply(test[0], test[1])
		require.NoError(t, err)
		require.Equal(t, test[2], got, "%s with %s", test[0], test[1])
	}
}

func TestWhatAPatchDoesNotNameKeepsItsBytes(t *testing.T) {
	t.Parallel()
	const data = `{ "total" : 12.50e+2,"big":123456789012345678901234567890, "s":"<è\u00e8\/>" , "a":[ 1,{"b" :null} ] }`
	for _, test := range [][3]string{
		{" {\"account\":\"acme\",\t\"items\" : [" + data + "]\n} \n", `{"account":"other"}`, " {\"account\":\"other\",\t\"items\" : [" + data + "]\n} \n"},
		{data, `{}`, data},
		{data, ` { } `, data},
		{data, `{"no":null}`, data},
		{data, `{"big":null}`, strings.Replace(data, `"big":123456789012345678901234567890,`, "", 1)},
		{data, `{"a":7}`, strings.Replace(data, `[ 1,{"b" :null} ]`, "7", 1)},
		{`{"x":` + data + `}`, `{"x":{"s":"y"}}`, `{"x":` + strings.Replace(data, `"<è\u00e8\/>"`, `"y"`, 1) + `}`},
		{`{"\u0061":1.0,"b":2}`, `{"a":0.10}`, `{"\u0061":0.10,"b":2}`},
		{`{}`, `{"a":[ 1.0 , null ]}`, `{"a":[ 1.0 , null ]}`},
		{`{"a":1, "b":2.0,"a":3}`, `{"a":4}`, `{ "b":2.0,"a":4}`},
		{`{"a":1, "b":2.0,"a":3}`, `{"b":4}`, `{"a":1, "b":4,"a":3}`},
		{`{"a":1, "b":2.0,"a":3}`, `{"a":null}`, `{ "b":2.0}`},
	} {
		got, err := mergepatch.Apply(test[0], test[1])
		require.NoError(t, err)
		require.Equal(t, test[2], got, "%s with %s", test[0], test[1])
	}
}

func TestWhatIsNoJSONIsSaid(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "hello", `{"a":1`, "{\"\xff\":1}", strings.Repeat("[", 600)} {
		var syntax *jsontext.SyntaxError
		_, err := mergepatch.Apply(bad, `{"a":1}`)
		require.ErrorAs(t, err, &syntax)
		_, err = mergepatch.Apply(`{"a":1}`, bad)
		require.ErrorAs(t, err, &syntax)
	}
}

// Whatever is merged is JSON, and means what the RFC's own words make of it.
func FuzzApply(f *testing.F) {
	for _, seed := range [][2]string{{`{"a":{"b":[1,null]},"c":1e5}`, `{"a":{"b":null,"d":{}},"c":{"x":null}}`}, {`[]`, `{"":{}}`}, {`{"a":1,"a":2}`, `{"a":null}`}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, patch string) {
		got, err := mergepatch.Apply(text, patch)
		if err != nil {
			return
		}
		require.True(t, json.Valid([]byte(got)), "%s", got)
		var target, change, is any
		require.NoError(t, json.Unmarshal([]byte(text), &target))
		require.NoError(t, json.Unmarshal([]byte(patch), &change))
		if json.Unmarshal([]byte(got), &is) != nil || strings.Contains(text+patch, `\u`) {
			return // numbers beyond a double, or halves of a surrogate pair
		}
		if twice(patch) || twice(text) {
			return
		}
		require.Equal(t, merged(target, change), is, "%s with %s", text, patch)
	})
}

// twice: a name may be there twice, and of those the RFC says nothing.
func twice(text string) bool {
	var value any
	_ = json.Unmarshal([]byte(text), &value)
	return names(value) != strings.Count(text, ":")
}

func names(value any) (n int) {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			n += 1 + names(inner)
		}
	case []any:
		for _, inner := range v {
			n += names(inner)
		}
	}
	return n
}

// merged is MergePatch of RFC 7396, section 2.
func merged(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = merged(object[name], value)
		}
	}
	return object
}
