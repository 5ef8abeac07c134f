package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// operations of the OpenAPI document, by path and then by method in lower case.
type operations map[string]map[string]documentedOperation

type documentedOperation struct {
	OperationID string
	Summary     string
	Description string
	Tags        []string
	Security    []map[string][]string
	Parameters  []documentedParameter
	RequestBody *struct {
		Content  map[string]documentedMedia
		Required bool
	}
	Responses map[string]struct {
		Description string
		Content     map[string]documentedMedia
		Headers     map[string]any
	}
}

type documentedParameter struct {
	Name, In, Description string
	Required              bool
	Schema                documentedSchema
}

type documentedMedia struct{ Schema documentedSchema }

type documentedSchema struct {
	Ref  string `json:"$ref"`
	Type any
	Enum []any
}

// document is openapi.json, which is up to date (TestTheOpenAPIDocumentIsUpToDate).
type document struct {
	Paths      operations
	Components struct{ Schemas map[string]json.RawMessage }

	raw      any
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

const documentURL = "file:///openapi.json"

var documented = sync.OnceValues(func() (*document, error) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	d := &document{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, err
	}
	if d.raw, err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(documentURL, d.raw)
})

func theDocument(t *testing.T) *document {
	t.Helper()
	d, err := documented()
	require.NoError(t, err)
	return d
}

// find is the operation that a request asks for; ok is false if there is none, since
// the path or the method is another one.
func (d *document) find(method, path string) (template string, op documentedOperation, ok bool) {
	path, _, _ = strings.Cut(path, "?")
	for template, methods := range d.Paths {
		if !fits(template, path) {
			continue
		}
		op, ok := methods[strings.ToLower(method)]
		return template, op, ok
	}
	return "", documentedOperation{}, false
}

// fits reports whether a path is one of a template.
func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, part := range want {
		if !strings.HasPrefix(part, "{") && part != got[i] {
			return false
		}
	}
	return true
}

// validate checks a JSON text against what the document has at a place, given by the
// names on the way to it.
func (d *document) validate(text []byte, place ...string) error {
	for i, name := range place {
		place[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	pointer := documentURL + "#/" + strings.Join(place, "/")
	d.mu.Lock()
	defer d.mu.Unlock()
	schema, ok := d.compiled[pointer]
	if !ok {
		var err error
		if schema, err = d.compiler.Compile(pointer); err != nil {
			return err
		}
		d.compiled[pointer] = schema
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// check says what the document does not know of an answer.
func (d *document) check(method, path string, code int, header http.Header, body []byte) error {
	template, op, ok := d.find(method, path)
	if !ok {
		return nil
	}
	answer, ok := op.Responses[strconv.Itoa(code)]
	if !ok {
		return fmt.Errorf("%s %s answers %d, which the document does not have", method, template, code)
	}
	if len(answer.Content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("%s %s answers %d with a body", method, template, code)
		}
		return nil
	}
	media := header.Get("Content-Type")
	if _, ok := answer.Content[media]; !ok {
		return fmt.Errorf("%s %s answers %d as %q", method, template, code, media)
	}
	err := d.validate(body, "paths", template, strings.ToLower(method), "responses", strconv.Itoa(code), "content", media, "schema")
	if err != nil {
		return fmt.Errorf("%s %s answers %d: %w\n%s", method, template, code, err, body)
	}
	return nil
}

// requireDocumented requires of an answer what the document says of it, and of a
// request that was accepted, too.
func requireDocumented(t *testing.T, method, path, request string, a answer) {
	t.Helper()
	if *update {
		return // the one that there is, is an old one
	}
	d := theDocument(t)
	require.NoError(t, d.check(method, path, a.code, a.header, a.body))
	template, op, ok := d.find(method, path)
	if !ok || a.code/100 != 2 || op.RequestBody == nil || request == "" && !op.RequestBody.Required {
		return
	}
	err := d.validate([]byte(request), "paths", template, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
	require.NoError(t, err, "%s %s takes %s", method, template, request)
}
