package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/problem"
)

// document reads the members of a JSON object and collects every fault. A
// member that nobody asked for is a fault, and so is null, but where null has
// a meaning; see null.
type document struct {
	members map[string]json.RawMessage
	asked   []string
	// path leads the names of members in faults: empty, or such as "quota.".
	path string
	// secret members are not shown in faults.
	secret []string
	// faults are those of the whole body; an object within shares them.
	faults *faultList
}

// readDocument parses a body. The error is a problem: 400.
//
// It is strict where encoding/json is not: that puts U+FFFD in the place of what is no
// character, in a password too, and takes the last of two members of one name.
func readDocument(body []byte) (*document, error) {
	d := &document{faults: &faultList{}}
	s, err := jsontext.NewScanner(string(body))
	if err == nil {
		err = d.scan(&s, "")
	}
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be a JSON object: "+err.Error(), nil)
	}
	if err := json.Unmarshal(body, &d.members); err != nil || d.members == nil {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be a JSON object", nil)
	}
	return d, nil
}

// scan reads over a value, and notes members that are there twice; path names it.
func (d *document) scan(s *jsontext.Scanner, path string) error {
	switch s.Kind() {
	case jsontext.Object:
		return d.scanObject(s, path)
	case jsontext.Array:
		if err := s.Open(); err != nil {
			return err
		}
		for n := 0; ; n++ {
			if more, err := s.Element(n == 0); !more || err != nil {
				return err
			}
			if err := d.scan(s, path+"["+strconv.Itoa(n)+"]"); err != nil {
				return err
			}
		}
	case jsontext.String:
		_, err := s.String()
		return err
	default:
		_, _, err := s.Raw()
		return err
	}
}

func (d *document) scanObject(s *jsontext.Scanner, path string) error {
	if err := s.Open(); err != nil {
		return err
	}
	if path != "" {
		path += "."
	}
	known := map[string]bool{}
	for {
		name, more, err := s.Member(len(known) == 0)
		if !more || err != nil {
			return err
		}
		if known[name] {
			d.faults.add(path+name, "", "must be there once")
		}
		known[name] = true
		if err := d.scan(s, path+name); err != nil {
			return err
		}
	}
}

// read decodes a member if it is there. T must not take null.
func read[T any](d *document, name, rule string) (value T, given bool) {
	d.asked = append(d.asked, name)
	raw, ok := d.members[name]
	if !ok {
		return value, false
	}
	if string(raw) == "null" || json.Unmarshal(raw, &value) != nil {
		d.faultJSON(name, raw, rule)
		var none T
		return none, false
	}
	return value, true
}

// null reports whether a member is null, and counts it as read then.
func (d *document) null(name string) bool {
	if string(d.members[name]) != "null" {
		return false
	}
	d.asked = append(d.asked, name)
	return true
}

// object opens a member that is an object itself; call noOthers when its
// members are read. It is nil for a member that is not there or no object.
func (d *document) object(name, rule string) *document {
	members, ok := read[map[string]json.RawMessage](d, name, rule)
	if !ok {
		return nil
	}
	return &document{members: members, path: d.path + name + ".", faults: d.faults}
}

func (d *document) fault(field, value, rule string) {
	if slices.Contains(d.secret, field) {
		value = ""
	}
	d.faults.add(d.path+field, value, rule)
}

func (d *document) faultJSON(field string, value []byte, rule string) {
	if slices.Contains(d.secret, field) {
		value = nil
	}
	d.faults.addJSON(d.path+field, value, rule)
}

// require notes a fault if the member is absent.
func (d *document) require(name string) {
	if _, ok := d.members[name]; !ok {
		d.fault(name, "", "is required")
	}
}

// end notes members that nobody asked for, and returns all faults. readOnly are
// fields that answers have and nobody can set.
func (d *document) end(readOnly ...string) error {
	d.noOthers(readOnly...)
	return d.faults.err()
}

// noOthers notes members that nobody asked for.
func (d *document) noOthers(readOnly ...string) {
	names := make([]string, 0, len(d.members))
	for name := range d.members {
		names = append(names, name)
	}
	slices.Sort(names)
	rule := "is not a known field: there are none"
	if len(d.asked) > 0 {
		rule = "is not a known field; known are " + strings.Join(d.asked, ", ")
	}
	for _, name := range names {
		switch {
		case slices.Contains(d.asked, name):
		case slices.Contains(readOnly, name):
			d.fault(name, "", "is read-only")
		default:
			d.fault(name, "", rule)
		}
	}
}
