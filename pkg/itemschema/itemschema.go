// Package itemschema checks the data of items against JSON Schemas
// (https://json-schema.org, draft 2020-12 unless $schema names an older one) that
// accounts bring. Whatever a schema and the data are like, a check takes bounded
// time; see meter.go.
package itemschema

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/staffetta/staffetta/pkg/hook"
)

// MaxBytes bounds the text of a schema. An account's schemas travel with its
// webhooks: MaxSchemas of these are 2 MiB.
const (
	MaxBytes   = 32 << 10
	MaxSchemas = 64
)

// Schema is a JSON Schema, ready to check. Any number of goroutines may use it;
// they take turns.
type Schema struct {
	mu    sync.Mutex
	root  *jsonschema.Schema
	meter *meter
}

// location is the address that a schema has to itself.
const location = "https://schema.invalid/"

// errElsewhere says that a schema refers to another document.
var errElsewhere = errors.New("must not refer to another document")

// nowhere loads nothing.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(string) (any, error) { return nil, errElsewhere }

// Compile reads a schema. The error is a hook.FieldError whose field is a place in
// it, such as "schema/properties/total/type".
func Compile(text []byte) (*Schema, error) {
	if len(text) > MaxBytes {
		return nil, hook.FieldError{Field: place, Value: fmt.Sprint(len(text), " bytes"), Rule: fmt.Sprintf("must have at most %d bytes", MaxBytes)}
	}
	if !utf8.Valid(text) {
		return nil, hook.FieldError{Field: place, Rule: "must be UTF-8"}
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if _, object := document.(map[string]any); err != nil || !object {
		return nil, hook.FieldError{Field: place, Rule: "must be a JSON object"}
	}
	if at, found, _ := longNumber(document, maxSchemaDigits); found {
		return nil, hook.FieldError{Field: place + shorten(at), Rule: fmt.Sprintf("must be a number of at most %d digits and exponent", maxSchemaDigits)}
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	c.UseRegexpEngine(patterns{}.compile)
	if err := c.AddResource(location, document); err != nil {
		return nil, hook.FieldError{Field: place, Rule: err.Error()}
	}
	root, err := c.Compile(location)
	if err != nil {
		return nil, faultOf(err)
	}
	m := &meter{}
	if !m.attach(root) {
		return nil, hook.FieldError{Field: place, Rule: errElsewhere.Error()}
	}
	return &Schema{root: root, meter: m}, nil
}

// place is where a schema's faults begin.
const place = "schema"

// faultOf says where a schema is none.
func faultOf(err error) hook.FieldError {
	var (
		invalid *jsonschema.SchemaValidationError
		broken  *jsonschema.ValidationError
		load    *jsonschema.LoadURLError
	)
	switch {
	case errors.As(err, &load):
		return hook.FieldError{Field: place, Rule: errElsewhere.Error()}
	case errors.As(err, &invalid) && errors.As(invalid.Err, &broken):
		at, what := first(broken)
		return hook.FieldError{Field: place + at, Rule: "is no JSON Schema: " + what}
	default:
		return hook.FieldError{Field: place, Rule: "is no JSON Schema: " + shorten(strings.ReplaceAll(err.Error(), location, "schema"))}
	}
}

// english words what is wrong.
var english = message.NewPrinter(language.English)

// first is the first of the faults that a validation found, and where it is, as a
// JSON pointer.
func first(e *jsonschema.ValidationError) (at, what string) {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	for _, name := range e.InstanceLocation {
		at += token(name)
	}
	return shorten(at), shorten(unequalIn(e.ErrorKind).LocalizedString(english))
}

// maxShown bounds what is said about a fault, in characters.
const maxShown = 200

// shorten puts a text into one line.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxShown {
		text = string(runes[:maxShown]) + "…"
	}
	return text
}
