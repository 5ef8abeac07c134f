package itemschema

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/staffetta/staffetta/pkg/pattern"
)

// Checking an event may cost baseCost and itemCost for each of its items, in
// steps of about a microsecond: each time a schema looks at a value it takes one,
// one for each schema directly in it, and one for each element or 16 characters of
// the value; for each pattern the work of it, and for what it may be equal to the
// comparison. An item of 50 fields takes 150.
const (
	baseCost = 200_000
	itemCost = 200

	// patternStep is the bytes times instructions that a pattern does in a step: each
	// takes 20 to 50 ns at worst. An event without many items has 10,000,000, such as
	// 20 kB for the largest pattern.
	patternStep = 50
)

// errCost ends a check that takes too long.
var errCost = errors.New("costs too much")

// meter counts what a check costs. References and alternatives can make a small
// schema look at a small value a million times, and the library has no bound; but
// it asks for the format of each value early, and that is where we count.
type meter struct {
	left int
	// dearest is the cost of the dearest number in the data.
	dearest int
}

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

// counting is a schema's format, whose look at a value is paid for. What the library
// would compare before it asks for the format is compared here instead.
func (m *meter) counting(s *jsonschema.Schema, price int) *jsonschema.Format {
	equal := takeEquals(s)
	instructions := sizeOfPattern(s.Pattern)
	names := 0
	for p := range s.PatternProperties {
		names += sizeOfPattern(p)
	}
	own := s.Format
	name, perByte := "", 0
	if own != nil {
		if name = own.Name; name == "regex" {
			// The library would not ask us, but itself.
			name, own, perByte = "regular expression", &jsonschema.Format{Validate: regularExpression}, readingPattern
		}
	}
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		cost := price + sizeOf(v) + equal.cost(v, m.dearest)
		switch v := v.(type) {
		case string:
			cost += len(v)*instructions/patternStep + min(len(v), pattern.MaxBytes)*perByte
		case json.Number:
			cost += price * numberCost(v) // as those within ask about the same
		case map[string]any:
			if names > 0 {
				cost += len(v)*len(s.PatternProperties) + bytesOfNames(v)*names/patternStep
			}
		case []any:
			if s.UniqueItems {
				cost += apart(v)
			}
		}
		if m.left -= cost; m.left < 0 {
			panic(errCost)
		}
		if err := equal.check(v); err != nil || own == nil {
			return err
		}
		return own.Validate(v)
	}}
}

func bytesOfNames(members map[string]any) (total int) {
	for name := range members {
		total += len(name)
	}
	return total
}

// sizeOf is how many steps it takes to look at a value, without what is in it but
// the numbers there: whether they are integers is asked before we are.
func sizeOf(v any) int {
	switch v := v.(type) {
	case map[string]any:
		total := len(v)
		for _, member := range v {
			total += numberIn(member)
		}
		return total
	case []any:
		total := len(v)
		for _, element := range v {
			total += numberIn(element)
		}
		return total
	case string:
		return len(v) / 16
	default:
		return numberIn(v)
	}
}

func numberIn(v any) int {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	return numberCost(n)
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
