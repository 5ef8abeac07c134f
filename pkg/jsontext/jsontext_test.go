package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/jsontext"
)

func TestValueSaysWhereATextStopsBeingJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "at byte 0 there must be a value",
		"  ":                     "at byte 2 there must be a value",
		"x":                      "at byte 0 there must be a value",
		"tru":                    "at byte 0 there must be true",
		"nulL":                   "at byte 0 there must be null",
		"1 2":                    "at byte 2 there must be nothing more",
		"01":                     "at byte 1 there must be nothing more",
		"-":                      "at byte 1 there must be a digit",
		"1.":                     "at byte 2 there must be a digit",
		"1e+":                    "at byte 3 there must be a digit",
		"+1":                     "at byte 0 there must be a value",
		`"a`:                     "at byte 2 there must be the end of the string",
		"\"a\nb\"":               "at byte 2 there must be no control character in a string",
		`"\x"`:                   "at byte 2 there must be an escape",
		`"\u12g4"`:               "at byte 2 there must be u and four hexadecimal digits",
		`"\u12`:                  "at byte 2 there must be u and four hexadecimal digits",
		`"\`:                     "at byte 2 there must be an escape",
		`[1,]`:                   "at byte 3 there must be a value",
		`[1 2]`:                  "at byte 3 there must be a comma or ]",
		`[1`:                     "at byte 2 there must be a comma or ]",
		`{"a":1,}`:               "at byte 7 there must be a string",
		`{"a" 1}`:                "at byte 5 there must be a colon",
		`{"a":1]`:                "at byte 6 there must be a comma or }",
		`{a:1}`:                  "at byte 1 there must be a string",
		"\"a\xff\"":              "at byte 2 there must be UTF-8",
		"\"\uFFFD\xc3\"":         "at byte 4 there must be UTF-8",
		"\uFEFF{}":               "at byte 0 there must be a value",
		strings.Repeat("[", 501): "at byte 500 there must be no deeper nesting than 500",
	} {
		_, _, err := jsontext.Value(text)
		require.EqualError(t, err, want, "of %q", text)
		var syntax *jsontext.SyntaxError
		require.ErrorAs(t, err, &syntax)
	}
}

func TestValueFindsTheBounds(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", jsontext.MaxDepth) + strings.Repeat("]", jsontext.MaxDepth)
	for _, value := range []string{
		`{}`, `[]`, `""`, `0`, `-0`, `-12.50e-3`, `1E400`, `true`, `false`, `null`, deep,
		`{ "a" : [ 1 , {"b":null} ] , "a" : "\u00e8\\\ud800" }`,
	} {
		start, end, err := jsontext.Value("\r\n\t " + value + " \n")
		require.NoError(t, err)
		require.Equal(t, []int{4, 4 + len(value)}, []int{start, end})
	}
}

func TestStringResolvesEscapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`""`:                           "",
		`"perché"`:                     "perché",
		`"perch\u00e9"`:                "perché",
		`"\"\\\/\b\f\n\r\t"`:           "\"\\/\b\f\n\r\t",
		`"\ud83d\ude00"`:               "😀",
		`"a\ud83d\ude00\u0041\u0000z"`: "a😀A\x00z",
	} {
		s, err := jsontext.NewScanner(text)
		require.NoError(t, err)
		got, err := s.String()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, half := range []string{`"\ud83d"`, `"\ude00"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ud83d\ud83d"`} {
		s, err := jsontext.NewScanner(half)
		require.NoError(t, err)
		_, err = s.String()
		require.EqualError(t, err, "at byte 1 there must be both halves of a surrogate pair")
	}
}

func TestAppendStringEscapesNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                    `""`,
		"perché <b>&</b> 😀":   `"perché <b>&</b> 😀"`,
		"a\"b\\c/d":           `"a\"b\\c/d"`,
		"\n\r\t\x00\x1f\x7f":  "\"\\n\\r\\t\\u0000\\u001f\x7f\"",
		"bad \xff\xc3 \uFFFD": "\"bad \uFFFD\uFFFD \uFFFD\"",
	} {
		require.Equal(t, want, string(jsontext.AppendString(nil, s)))
	}
	require.Equal(t, "null", string(jsontext.AppendStringOrNull(nil, "")))
	require.Equal(t, `"x"`, string(jsontext.AppendStringOrNull(nil, "x")))
}

func TestAppendIDWritesWholeNumbersAsNumbers(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"12014": `12014`, "-3": `-3`, "0": `0`, "90071992547409931234567890": `90071992547409931234567890`,
		"007": `"007"`, "-0": `"-0"`, "1.5": `"1.5"`, "1e3": `"1e3"`, "01JZ": `"01JZ"`, "": `""`,
	} {
		require.Equal(t, want, string(jsontext.AppendID(nil, id)))
	}
}

// The standard library is the judge of what is JSON.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5e3,"x\u00e8",null,true,false],"b":{}}`, ` [ ] `, `"\ud800"`, `-0.0E-1`, "\"\xff\"", `[1,]`, `{"a":1,}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") > jsontext.MaxDepth || !utf8.ValidString(text) {
			return
		}
		start, end, err := jsontext.Value(text)
		require.Equal(t, json.Valid([]byte(text)), err == nil, "of %q", text)
		if err == nil {
			require.True(t, json.Valid([]byte(text[start:end])))
		}
	})
}

func FuzzString(f *testing.F) {
	for _, seed := range []string{"", "perché", "\x00\"\\\n", "😀", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := string(jsontext.AppendString(nil, s))
		var standard string
		require.NoError(t, json.Unmarshal([]byte(text), &standard))
		if utf8.ValidString(s) {
			require.Equal(t, s, standard)
		}
		scanner, err := jsontext.NewScanner(text)
		require.NoError(t, err)
		ours, err := scanner.String()
		require.NoError(t, err)
		require.Equal(t, standard, ours)
		require.NoError(t, scanner.End())
	})
}
