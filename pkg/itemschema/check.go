package itemschema

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Check checks the data of each item that has some. The error is a
// hook.FieldError that names the place, such as "items[2].data/lines/0/price": the
// first that breaks the schema, or where checking was given up.
func (s *Schema) Check(items []hook.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter.left = baseCost + itemCost*len(items)
	for n := range items {
		if data := items[n].Data; len(data) > 0 {
			if err := s.check(data, fmt.Sprintf("items[%d].data", n)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Schema) check(data []byte, field string) (err error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return hook.FieldError{Field: field, Rule: "must be JSON: " + err.Error()}
	}
	at, found, dearest := longNumber(value, maxDigits)
	if found {
		return hook.FieldError{Field: field + shorten(at),
			Rule: fmt.Sprintf("cannot be checked against its schema: a number has more than %d digits and exponent", maxDigits)}
	}
	s.meter.dearest = dearest
	defer func() {
		switch p := recover(); p {
		case nil:
		case errCost:
			err = hook.FieldError{Field: field, Rule: "cannot be checked against its schema, which costs too much for this event"}
		default:
			err = hook.FieldError{Field: field, Rule: fmt.Sprintf("cannot be checked against its schema: panic: %v", p)}
		}
	}()
	var broken *jsonschema.ValidationError
	err = s.root.Validate(value)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &broken):
		at, what := first(broken)
		return hook.FieldError{Field: field + at, Rule: "breaks its schema: " + what}
	default:
		return hook.FieldError{Field: field, Rule: "cannot be checked against its schema: " + shorten(err.Error())}
	}
}
