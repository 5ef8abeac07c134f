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

var (
	errNotObject = errors.New("must be a JSON object")
	errTwice     = errors.New("is there twice")
)

// parseObject reads one JSON object. A name that occurs twice is an error,
// since every reader would choose another one of the two.
func parseObject(text []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, errNotObject
	}
	var o object
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, errNotObject
		}
		if _, twice := o.get(name); twice {
			return nil, fmt.Errorf("field %q %w", name, errTwice)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		if raw[0] == '{' { // names inside are judged too, so that every stored object can be merged into
			if _, err := parseObject(raw); err != nil {
				return nil, fmt.Errorf("in %q: %w", name, err)
			}
		}
		var value bytes.Buffer
		if err := json.Compact(&value, raw); err != nil {
			return nil, err
		}
		o = append(o, member{name, value.Bytes()})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errNotObject
	}
	return o, nil
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

// merge applies a JSON merge patch (RFC 7396): null removes a field, an object
// is merged into the one that is there, anything else takes its place.
func merge(target, patch object) (object, error) {
	merged := slices.Clone(target)
	for _, m := range patch {
		switch {
		case isNull(m.value):
			merged = merged.without(m.name)
		case m.value[0] == '{':
			inner, err := mergeInner(merged, m)
			if err != nil {
				return nil, err
			}
			merged = merged.with(m.name, inner.appendTo(nil))
		default:
			merged = merged.with(m.name, m.value)
		}
	}
	return merged, nil
}

func mergeInner(target object, patch member) (object, error) {
	from, err := parseObject(patch.value)
	if err != nil {
		return nil, fmt.Errorf("in %q: %w", patch.name, err)
	}
	var into object
	if value, ok := target.get(patch.name); ok && value[0] == '{' {
		if into, err = parseObject(value); err != nil {
			return nil, fmt.Errorf("in %q: %w", patch.name, err)
		}
	}
	return merge(into, from)
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
