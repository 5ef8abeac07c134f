package itemschema

import (
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Checking an event may cost baseCost and itemCost for each of its items, in
// steps of about a microsecond: each time a schema looks at a value it takes one,
// one for each schema directly in it, and one for each element or 16 characters of
// the value, as often as it has patterns. An item of 50 fields takes 150.
const (
	baseCost = 200_000
	itemCost = 200
)

// errCost ends a check that takes too long.
var errCost = errors.New("costs too much")

// meter counts what a check costs. References and alternatives can make a small
// schema look at a small value a million times, and the library has no bound; but
// it asks for the format of each value early, and that is where we count.
type meter struct{ left int }

// attach puts the meter into every schema that the root leads to. It is false if
// one of them belongs to another document.
func (m *meter) attach(root *jsonschema.Schema) bool {
	seen := map[*jsonschema.Schema]bool{}
	todo := []*jsonschema.Schema{root}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s == nil || seen[s] {
			continue
		}
		seen[s] = true
		if strings.Contains(s.Location, "://json-schema.org/") {
			return false // the library's own, which other schemas share
		}
		within := children(reflect.ValueOf(s).Elem())
		todo = append(todo, within...)
		s.Format = m.counting(s, 1+len(within))
	}
	return true
}

// counting is a schema's format, whose look at a value is paid for.
func (m *meter) counting(s *jsonschema.Schema, price int) *jsonschema.Format {
	patterns := len(s.PatternProperties)
	if s.Pattern != nil {
		patterns++
	}
	own := s.Format
	name := ""
	if own != nil {
		if name = own.Name; name == "regex" {
			// The library would not ask us, but itself.
			name, own = "regular expression", &jsonschema.Format{Validate: regularExpression}
		}
	}
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		if m.left -= price + sizeOf(v)*(1+patterns); m.left < 0 {
			panic(errCost)
		}
		if own == nil {
			return nil
		}
		return own.Validate(v)
	}}
}

func regularExpression(v any) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := regexp.Compile(text)
	return err
}

// sizeOf is how many steps it takes to look at a value, without what is in it.
func sizeOf(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	case string:
		return len(v) / 16
	default:
		return 0
	}
}

// schemaType is what children look for.
var schemaType = reflect.TypeFor[*jsonschema.Schema]()

// children are the schemas in the exported fields of one, in lists, maps and
// structs too.
func children(v reflect.Value) (found []*jsonschema.Schema) {
	for _, field := range reflect.VisibleFields(v.Type()) {
		if field.IsExported() {
			found = append(found, schemasIn(v.FieldByIndex(field.Index))...)
		}
	}
	return found
}

func schemasIn(v reflect.Value) (found []*jsonschema.Schema) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			return schemasIn(v.Elem())
		}
	case reflect.Pointer:
		switch {
		case v.IsNil():
		case v.Type() == schemaType:
			s, _ := v.Interface().(*jsonschema.Schema)
			return []*jsonschema.Schema{s}
		case v.Type() == reflect.TypeFor[*jsonschema.DynamicRef]():
			return children(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, schemasIn(v.Index(i))...)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			found = append(found, schemasIn(it.Value())...)
		}
	default:
	}
	return found
}
