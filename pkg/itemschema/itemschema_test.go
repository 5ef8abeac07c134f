package itemschema_test

import (
	"fmt"
	"strings"
	"testing"
	"unique"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/itemschema"
)

const invoice = `{"type": "object", "required": ["total"], "properties": {
	"total": {"type": "number", "minimum": 0},
	"code": {"type": "string", "pattern": "^[A-Z]{2}-"},
	"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}},
	"$defs": {"line": {"type": "object", "properties": {"price": {"type": "number"}, "a/b": {"const": 1}}}}}`

func compile(t *testing.T, text string) *itemschema.Schema {
	t.Helper()
	s, err := itemschema.Compile([]byte(text))
	require.NoError(t, err)
	return s
}

func check(s *itemschema.Schema, data ...string) error {
	items := make([]hook.Item, len(data))
	for i, d := range data {
		items[i].Data = []byte(d)
	}
	return s.Check(items)
}

func TestDataThatBreaksItsSchemaIsToldByItsPlace(t *testing.T) {
	t.Parallel()
	s := compile(t, invoice)
	require.NoError(t, check(s, `{"total": 5, "code": "AB-1", "lines": [{"price": 2.5}], "more": null}`, ``))
	for data, want := range map[string]string{
		`7`:                         "items[1].data breaks its schema: got number, want object",
		`{}`:                        "items[1].data breaks its schema: missing property 'total'",
		`{"total": "5"}`:            "items[1].data/total breaks its schema: got string, want number",
		`{"total": -1}`:             "items[1].data/total breaks its schema: minimum: got -1, want 0",
		`{"total": 1, "code": "x"}`: "items[1].data/code breaks its schema: 'x' does not match pattern",
		`{"total": 1, "lines": [{}, {"price": null}]}`: "items[1].data/lines/1/price breaks its schema: got null, want number",
		`{"total": 1, "lines": [{"a/b": 2}]}`:          "items[1].data/lines/0/a~1b breaks its schema: value must be 1",
	} {
		err := check(s, `{"total": 5}`, data)
		var fault hook.FieldError
		require.ErrorAs(t, err, &fault, data)
		require.Contains(t, err.Error(), want)
	}
	require.ErrorContains(t, check(compile(t, `{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"at": {"format": "date"}, "re": {"format": "regex"}}}`),
		`{"at": "2026-13-01"}`), "is not valid date", "formats count where the draft says so")
}

func TestASchemaThatIsNoneIsToldByItsPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`7`:                  "schema must be a JSON object",
		`{`:                  "schema must be a JSON object",
		`{"type": "Number"}`: "schema/type is no JSON Schema: ",
		`{"properties": {"a": {"minimum": "x"}}}`:                       "schema/properties/a/minimum is no JSON Schema: got string, want number",
		`{"$ref": "https://example.com/other.json"}`:                    "schema must not refer to another document",
		`{"$ref": "file:///etc/passwd"}`:                                "schema must not refer to another document",
		`{"$ref": "https://json-schema.org/draft/2020-12/schema"}`:      "schema must not refer to another document",
		`{"$schema": "https://example.com/own"}`:                        "schema must not refer to another document",
		`{"$ref": "#/$defs/none"}`:                                      "schema is no JSON Schema: ",
		`{"pattern": "("}`:                                              "schema/pattern is no JSON Schema: ",
		`{"pattern": "(?:[ab]?c?){1000}"}`:                              "schema/pattern is no JSON Schema: ",
		`{"patternProperties": {"(?:[ab]?c?){1000}": true}}`:            "is too large: it may have 500 instructions",
		manyPatterns(30):                                                "all patterns of a schema may have 3000 instructions",
		`{"properties": {"a": {"minimum": 1e1000001}}}`:                 "schema/properties/a/minimum must be a number of at most 400 digits and exponent",
		`{"enum": [7, {"x/y": -1e-401}]}`:                               "schema/enum/1/x~1y must be a number",
		"{\"title\": \"\xff\"}":                                         "schema must be UTF-8",
		`{"title": "` + strings.Repeat("x", itemschema.MaxBytes) + `"}`: "must have at most 32768 bytes",
	} {
		_, err := itemschema.Compile([]byte(text))
		var fault hook.FieldError
		require.ErrorAs(t, err, &fault, text)
		require.Contains(t, err.Error(), want)
		require.NotContains(t, err.Error(), "schema.invalid")
	}
}

// list is a list of so many equal elements.
func list(element string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

// manyPatterns is a schema of n patterns with about 400 instructions each.
func manyPatterns(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"pattern": "%d(?:[ab]?c?){99}"}`, i))
	}
	return `{"allOf": [` + strings.Join(all, ",") + `]}`
}

func TestANumberTooLongToBeComparedIsToldByItsPlace(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"properties": {"total": {"minimum": 0}}}`)
	for _, number := range []string{"1e1000001", "-1E+10000", "1e-99999999999999999999999", strings.Repeat("9", 10_001)} {
		err := check(s, `{"total": 1}`, `{"list": [1, {"a/b": `+number+`}]}`)
		require.EqualError(t, err, "items[1].data/list/1/a~1b cannot be checked against its schema: a number has more than 10000 digits and exponent")
	}
	require.NoError(t, check(s, `{"total": 1e9999}`, `{"total": 1.5e+0000308}`))
	require.ErrorContains(t, check(s, `{"total": -1e9999}`), "items[0].data/total breaks its schema: minimum")
}

// doubling is a schema of n definitions, each of which asks the next one twice.
func doubling(applicator string, n int, last string) string {
	var defs []string
	for i := range n {
		ref := fmt.Sprintf(`{"$ref": "#/$defs/d%d"}`, i+1)
		defs = append(defs, fmt.Sprintf(`"d%d": {%q: [%s, %s]}`, i, applicator, ref, ref))
	}
	return fmt.Sprintf(`{"$ref": "#/$defs/d0", "$defs": {%s, "d%d": %s}}`, strings.Join(defs, ","), n, last)
}

func TestACheckThatTakesTooLongIsGivenUp(t *testing.T) {
	t.Parallel()
	nested := strings.Repeat(`{"x":`, 60) + `1` + strings.Repeat(`}`, 60)
	for name, c := range map[string]struct{ schema, data string }{
		"all of two, forty times":       {doubling("allOf", 40, `{"type": "number"}`), `1`},
		"any of two that fail":          {doubling("anyOf", 40, `{"type": "string"}`), `1`},
		"one of two":                    {doubling("oneOf", 40, `{"enum": [1, 2]}`), `1`},
		"with formats":                  {doubling("allOf", 40, `{"format": "regex"}`), `"a"`},
		"itself, twice, at every depth": {`{"allOf": [{"properties": {"x": {"$ref": "#"}}}, {"properties": {"x": {"$ref": "#"}}}]}`, nested},
		"many patterns of a long text": {
			`{"allOf": [` + strings.TrimSuffix(strings.Repeat(`{"pattern": "a.*b.*c$"},`, 1000), ",") + `]}`, `"` + strings.Repeat("a", 800_000) + `"`,
		},
		"a large pattern of a long text": {`{"pattern": "(?:[ab]?c?){100}d"}`, `"` + strings.Repeat("ab", 50_000) + `"`},
		"a large pattern of long names":  {`{"patternProperties": {"(?:[ab]?c?){100}d": true}}`, `{"` + strings.Repeat("ab", 50_000) + `": 1}`},
		"long numbers":                   {`{"items": {"minimum": 0}}`, list("1e9000", 5000)},
		"long numbers of a wrong type":   {`{"items": {"type": "integer"}}`, list("1e-9000", 20_000)},
		"numbers in a large enum":        {`{"items": {"enum": ` + list("7", 5000) + `}}`, list("8", 5000)},
		"lists in a large enum":          {`{"items": {"enum": ` + list("[7]", 5000) + `}}`, list("[8]", 5000)},
		"a large constant":               {`{"items": {"const": ` + list("7", 5000) + `}}`, list(list("7", 5000), 30)},
		"differing elements, many times": {`{"allOf": ` + list(`{"uniqueItems": true}`, 500) + `}`, `[[1], [` + list("2", 5000) + `]]`},
		"reading patterns":               {strings.Replace(doubling("allOf", 14, `{"format": "regex"}`), "{", `{"$schema": "http://json-schema.org/draft-07/schema#", "allOf": [`+strings.TrimSuffix(strings.Repeat(`{"format": "regex"},`, 1000), ",")+`],`, 1), `"` + strings.Repeat("a", 400) + `"`},
	} {
		require.ErrorContains(t, check(compile(t, c.schema), c.data), "costs too much", name)
		require.NoError(t, check(compile(t, `{}`), c.data), name)
	}
	s := compile(t, invoice)
	require.NoError(t, check(s, strings.Split(strings.Repeat(`{"total": 1, "lines": [{"price": 1}]};`, 2000)+`{"total": 1}`, ";")...))
	require.NoError(t, check(s, `{"total": 1}`), "each event has a count of its own")
}

func TestASchemaIsCompiledOnce(t *testing.T) {
	t.Parallel()
	c := itemschema.NewCache(1)
	one, err := c.Get(unique.Make(invoice))
	require.NoError(t, err)
	again, err := c.Get(unique.Make(strings.Clone(invoice)))
	require.NoError(t, err)
	require.Same(t, one, again)
	_, err = c.Get(unique.Make(`{"type": 7}`))
	require.Error(t, err)
}
