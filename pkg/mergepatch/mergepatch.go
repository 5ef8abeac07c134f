// Package mergepatch applies JSON merge patches (RFC 7396) to texts. What a patch does
// not name keeps its bytes: a number its digits, a string its escapes, an object its
// white space and the order of its members. The libraries that there are decode and
// encode again, which compacts a text and escapes it anew, and our receivers get an
// item's data byte for byte as it was published.
package mergepatch

import (
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
	// gone: the patch has removed it.
	gone bool
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
	o := object{members: members, places: map[string][]int{}}
	for _, change := range changes {
		o.places[change.name] = nil
	}
	for i := range members {
		if places, touched := o.places[members[i].name]; touched {
			o.places[members[i].name] = append(places, i)
		}
	}
	for _, change := range changes {
		if err := o.set(change); err != nil {
			return nil, err
		}
	}
	dst = append(dst, '{')
	first := true
	for i := range o.members {
		if o.members[i].gone {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = o.members[i].appendTo(dst)
	}
	return append(dst, '}'), nil
}

// object is a value that a patch is applied to.
type object struct {
	members []member
	// places are those of the members that the patch names, so that a large patch of a
	// large value takes no longer than both are.
	places map[string][]int
}

// set applies one member of a patch.
func (o *object) set(change member) error {
	places := o.places[change.name]
	if change.value == "null" {
		o.remove(places)
		o.places[change.name] = nil
		return nil
	}
	if len(places) == 0 {
		value, err := merge(nil, "", change.value) // without the nulls in it
		if err != nil {
			return err
		}
		name := string(jsontext.AppendString(nil, change.name))
		o.places[change.name] = []int{len(o.members)}
		o.members = append(o.members, member{name: change.name, before: name + ":", value: string(value)})
		return nil
	}
	// Of members of one name the last counts.
	rest, last := places[:len(places)-1], places[len(places)-1]
	value, err := merge(nil, o.members[last].value, change.value)
	if err != nil {
		return err
	}
	o.members[last].value = string(value)
	o.remove(rest)
	o.places[change.name] = []int{last}
	return nil
}

func (o *object) remove(places []int) {
	for _, i := range places {
		o.members[i].gone = true
	}
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
