// Package mergepatch applies JSON merge patches (RFC 7396) to texts. What a patch does
// not name keeps its bytes: a number its digits, a string its escapes, an object its
// white space and the order of its members. The libraries that there are decode and
// encode again, which compacts a text and escapes it anew, and our receivers get an
// item's data byte for byte as it was published.
package mergepatch

import (
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/jsontext"
)

// Apply merges a patch, which is a JSON object, into a text: a member that is null is
// removed, an object is merged into the one that is there, anything else takes the place
// of what is there. A text that is no object counts as an empty one, as in the RFC. Where
// a text has the same name twice, the last one counts and the others go, if the patch
// names it. The error is a *jsontext.SyntaxError: of the text, or else of the patch.
func Apply(text, patch string) (string, error) {
	start, end, err := jsontext.Value(text)
	if err != nil {
		return "", err
	}
	from, to, err := jsontext.Value(patch)
	if err != nil {
		return "", err
	}
	merged, err := merge(nil, text[start:end], patch[from:to])
	if err != nil {
		return "", err
	}
	return text[:start] + string(merged) + text[end:], nil
}

// member is one of an object, with what is around its value up to the separators.
type member struct {
	name                 string
	before, value, after string
}

func (m *member) appendTo(dst []byte) []byte {
	dst = append(dst, m.before...)
	dst = append(dst, m.value...)
	return append(dst, m.after...)
}

// merge appends what becomes of a value. Both texts are valid. Its recursion is bounded
// by how deep the patch nests, which is jsontext.MaxDepth.
func merge(dst []byte, value, patch string) ([]byte, error) {
	if patch[0] != '{' {
		return append(dst, patch...), nil
	}
	changes, err := membersOf(patch)
	if err != nil {
		return nil, err
	}
	var members []member
	if value != "" && value[0] == '{' {
		if len(changes) == 0 {
			return append(dst, value...), nil
		}
		if members, err = membersOf(value); err != nil {
			return nil, err
		}
	}
	for _, change := range changes {
		if members, err = set(members, change); err != nil {
			return nil, err
		}
	}
	dst = append(dst, '{')
	for i := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = members[i].appendTo(dst)
	}
	return append(dst, '}'), nil
}

// set applies one member of a patch.
func set(members []member, change member) ([]member, error) {
	last := -1
	for i := range members {
		if members[i].name == change.name {
			last = i
		}
	}
	if change.value == "null" {
		return slices.DeleteFunc(members, func(m member) bool { return m.name == change.name }), nil
	}
	if last < 0 {
		value, err := merge(nil, "", change.value) // without the nulls in it
		if err != nil {
			return nil, err
		}
		name := string(jsontext.AppendString(nil, change.name))
		return append(members, member{name: change.name, before: name + ":", value: string(value)}), nil
	}
	value, err := merge(nil, members[last].value, change.value)
	if err != nil {
		return nil, err
	}
	members[last].value = string(value)
	at := -1
	return slices.DeleteFunc(members, func(m member) bool {
		at++
		return at != last && m.name == change.name
	}), nil
}

// membersOf takes an object apart.
func membersOf(object string) ([]member, error) {
	s, err := jsontext.NewScanner(object)
	if err != nil {
		return nil, err
	}
	if err := s.Open(); err != nil {
		return nil, err
	}
	var members []member
	for separator := 0; ; {
		name, more, err := s.Member(len(members) == 0)
		if !more || err != nil {
			return members, err
		}
		start, end, err := s.Raw()
		if err != nil {
			return nil, err
		}
		next := end + len(object[end:]) - len(strings.TrimLeft(object[end:], " \t\r\n"))
		members = append(members, member{
			name: name, before: object[separator+1 : start], value: object[start:end], after: object[end:next],
		})
		separator = next
	}
}
