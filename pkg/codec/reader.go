package codec

import (
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/wire"
)

// reader reads the JSON form in one pass. Errors of its methods are syntax
// errors, which end the reading; what is JSON but breaks a rule goes to faults,
// so that one answer names every fault. A field that occurs twice is a fault:
// two readers could disagree on what it means. Unknown fields are read over.
type reader struct {
	jsontext.Scanner
	value  []byte // the bytes of the scanner's text
	faults faults
}

// newReader reads a value whose memory the strings and data of the event share.
func newReader(value []byte) (*reader, error) {
	s, err := jsontext.NewScanner(wire.Shared(value))
	if err != nil {
		return nil, refuseSyntax(NotJSON, err)
	}
	return &reader{Scanner: s, value: value}, nil
}

func refuseSyntax(reason Reason, err error) error {
	return refuse(reason, "value", "", "must be JSON: "+err.Error())
}

// refuseNoObject tells JSON that is no object from what is no JSON.
func (r *reader) refuseNoObject() error {
	start, end, err := r.Raw()
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return refuseSyntax(NotJSON, err)
	}
	return refuse(InvalidField, "value", r.Text(start, end), "must be a JSON object")
}

// seen tells repeated fields of one object, a bit each.
type seen uint16

func (r *reader) once(s *seen, bit int, at place) {
	if *s&(1<<bit) != 0 {
		r.faults.add(at, "", "must not occur twice")
	}
	*s |= 1 << bit
}

// text reads a string, or null as an empty one.
func (r *reader) text(at place) (string, error) { return r.textOr(at, "must be a string") }

func (r *reader) textOr(at place, rule string) (string, error) {
	switch r.Kind() {
	case jsontext.String:
		return r.String()
	case jsontext.Null:
		return "", r.Null()
	default:
		return "", r.wrong(at, rule)
	}
}

// id reads a string, or an integer as its digits, however many, or null as an
// empty string.
func (r *reader) id(at place) (string, error) {
	const rule = "must be a string or an integer"
	if r.Kind() != jsontext.Number {
		return r.textOr(at, rule)
	}
	start, end, err := r.Raw()
	if err != nil {
		return "", err
	}
	id := r.Text(start, end)
	if strings.ContainsAny(id, ".eE") {
		r.faults.add(at, id, rule)
		return "", nil
	}
	return id, nil
}

func (r *reader) version(at place) (*int64, error) {
	switch r.Kind() {
	case jsontext.Null:
		return nil, r.Null()
	case jsontext.Number:
	default:
		return nil, r.wrong(at, ruleVersion)
	}
	start, end, err := r.Raw()
	if err != nil {
		return nil, err
	}
	version, err := strconv.ParseInt(r.Text(start, end), 10, 64)
	if err != nil {
		r.faults.add(at, r.Text(start, end), ruleVersion)
		return nil, nil
	}
	return &version, nil
}

// data keeps the bytes of a value, whatever it is; null is as good as absent.
func (r *reader) data() ([]byte, error) {
	if r.Kind() == jsontext.Null {
		return nil, r.Null()
	}
	start, end, err := r.Raw()
	if err != nil {
		return nil, err
	}
	return r.value[start:end:end], nil
}

// wrong reads over a value of the wrong kind and notes the fault.
func (r *reader) wrong(at place, rule string) error {
	start, end, err := r.Raw()
	if err != nil {
		return err
	}
	r.faults.add(at, r.Text(start, end), rule)
	return nil
}
