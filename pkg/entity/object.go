package entity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// member is one field of a JSON object, its value as compact JSON text.
type member struct {
	name  string
	value json.RawMessage
}

// object is a JSON object in the order in which it was written. A map would
// lose that order, and float64 the digits of numbers.
type object []member

// maxDepth bounds how deep values are nested: deeper than any document that
// people write, and no load on whoever parses it downstream.
const maxDepth = 32

// maxMembers bounds the fields of one object, at every depth: looking one up is
// a walk through all of them.
const maxMembers = 1000

var (
	errNotObject = errors.New("must be a JSON object")
	errTwice     = errors.New("is there twice")
	errMany      = fmt.Errorf("must have at most %d fields", maxMembers)
)

// parseObject reads and judges an object that a client wrote. A name that occurs
// twice is an error, since every reader would choose another one of the two.
func parseObject(text []byte) (object, error) {
	var o object
	seen := make(map[string]bool)
	err := eachMember(text, func(name string, raw json.RawMessage) error {
		if seen[name] {
			return fmt.Errorf("field %q %w", name, errTwice)
		}
		if len(o) == maxMembers {
			return errMany
		}
		seen[name] = true
		if raw[0] == '{' { // names inside are judged too, so that every stored object can be merged into
			if _, err := parseObject(raw); err != nil {
				return fmt.Errorf("in %q: %w", name, err)
			}
		}
		var value bytes.Buffer
		if err := json.Compact(&value, raw); err != nil {
			return err
		}
		o = append(o, member{name, value.Bytes()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// knownObject reads an object that parseObject let through and appendTo wrote:
// nothing in it is judged again.
func knownObject(text []byte) (object, error) {
	var o object
	err := eachMember(text, func(name string, raw json.RawMessage) error {
		o = append(o, member{name, raw})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// eachMember calls visit for the members of one JSON object, in their order and
// until it fails. The values are visit's to keep, spaced as they were written.
func eachMember(text []byte, visit func(name string, raw json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return errNotObject
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok {
			return errNotObject
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if err := visit(name, raw); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if d.More() {
		return errNotObject
	}
	return nil
}

func (o object) get(name string) (json.RawMessage, bool) {
	for _, m := range o {
		if m.name == name {
			return m.value, true
		}
	}
	return nil, false
}

// with sets a field: in its place if it is there, else at the end.
func (o object) with(name string, value json.RawMessage) object {
	for i := range o {
		if o[i].name == name {
			o[i].value = value
			return o
		}
	}
	return append(o, member{name, value})
}

func (o object) without(name string) object {
	return slices.DeleteFunc(o, func(m member) bool { return m.name == name })
}

// appendTo writes the object as compact JSON.
func (o object) appendTo(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, m.name)
		dst = append(dst, ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}')
}

// appendString writes a JSON string without the escapes that json.Marshal adds
// for HTML's sake.
func appendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil { // a string: it cannot fail
		return dst
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// depth is how deep a valid JSON text is nested.
func depth(text []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
