package entity

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

const (
	// maxObject bounds one item, in bytes of JSON.
	maxObject = 256 << 10
	// maxBody bounds a bulk change: what an event may have (CONTRACT.md).
	maxBody = 900_000
	// maxBulk bounds the items of one change: with 250 bytes of envelope each
	// they leave two thirds of an event for data.
	maxBulk = 1000
	// userHeader names the crew member who acts.
	userHeader = "Staffetta-User"
)

// invalid is the answer to input that breaks rules, nil if there are none.
func invalid(faults hook.Invalid) error {
	if len(faults) == 0 {
		return nil
	}
	return problem.New(http.StatusUnprocessableEntity, "", "", faults)
}

func tooLarge(detail string) error {
	return problem.New(http.StatusRequestEntityTooLarge, "", detail, nil)
}

// body reads a request's JSON text, whatever its Content-Type says: curl -d says
// that it is a form.
func body(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	text, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return parseBody(text)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, tooLarge("the body must have at most " + strconv.Itoa(maxBody) + " bytes")
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "", "the body did not arrive whole", nil)
	}
	return text, nil
}

func parseBody(text []byte) (json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be UTF-8", nil)
	}
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be JSON: "+err.Error(), nil)
	}
	if depth(raw) > maxDepth {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be nested at most "+strconv.Itoa(maxDepth)+" deep", nil)
	}
	return raw, nil
}

// objectAt parses one item of a body; path is its place, empty for the whole.
func objectAt(path string, raw json.RawMessage, faults *hook.Invalid) object {
	name := path
	if name == "" {
		name = "body"
	}
	if len(raw) > maxObject { // first, as it costs nothing
		faults.Add(name, "", "must have at most "+strconv.Itoa(maxObject)+" bytes")
		return nil
	}
	o, err := parseObject(raw)
	if err != nil {
		addUnparsed(name, raw, err, faults)
	}
	return o
}

// addUnparsed notes why parseObject refused a value.
func addUnparsed(name string, raw json.RawMessage, err error, faults *hook.Invalid) {
	switch {
	case errors.Is(err, errTwice):
		faults.Add(name, "", "must not have a field twice: "+err.Error())
	case errors.Is(err, errMany):
		faults.Add(name, "", err.Error())
	default:
		faults.AddJSON(name, raw, errNotObject.Error())
	}
}

// objects parses an array of items.
func objects(raw json.RawMessage, faults *hook.Invalid) []object {
	var each []json.RawMessage
	if json.Unmarshal(raw, &each) != nil {
		faults.AddJSON("body", raw, "must be an array of objects")
		return nil
	}
	if len(each) == 0 || len(each) > maxBulk {
		faults.Add("body", "", "must have 1 to "+strconv.Itoa(maxBulk)+" items")
		return nil
	}
	parsed := make([]object, len(each))
	for i, one := range each {
		parsed[i] = objectAt("["+strconv.Itoa(i)+"]", one, faults)
	}
	return parsed
}

// user is who acts: a crew member, or nobody.
func user(r *http.Request) (*hook.Reference, error) {
	given := r.Header.Get(userHeader)
	if given == "" {
		return nil, nil
	}
	id, err := strconv.ParseInt(given, 10, 64)
	if err != nil || id < 1 {
		var faults hook.Invalid
		faults.Add("header."+userHeader, given, "must be the id of a crew member, an integer from 1")
		return nil, invalid(faults)
	}
	text := strconv.FormatInt(id, 10)
	return &hook.Reference{ID: text, ItemType: "Crew", Ref: "/crew/" + text}, nil
}
