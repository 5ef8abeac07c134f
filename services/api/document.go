package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/staffetta/staffetta/pkg/problem"
)

// document reads the members of a JSON object and collects every fault. A
// member that nobody asked for is a fault, and so is null.
type document struct {
	members map[string]json.RawMessage
	asked   []string
	// secret members are not shown in faults.
	secret []string
	faults faultList
}

// readDocument parses a body. The error is a problem: 400.
func readDocument(body []byte) (*document, error) {
	d := &document{}
	if err := json.Unmarshal(body, &d.members); err != nil || d.members == nil {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be a JSON object", nil)
	}
	return d, nil
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

func (d *document) fault(field, value, rule string) {
	if slices.Contains(d.secret, field) {
		value = ""
	}
	d.faults.add(field, value, rule)
}

func (d *document) faultJSON(field string, value []byte, rule string) {
	if slices.Contains(d.secret, field) {
		value = nil
	}
	d.faults.addJSON(field, value, rule)
}

// require notes a fault if the member is absent.
func (d *document) require(name string) {
	if _, ok := d.members[name]; !ok {
		d.fault(name, "", "is required")
	}
}

// text reads a string of one line.
func (d *document) text(name string, shortest, longest int) (string, bool) {
	return d.string(name, shortest, longest, unicode.IsControl)
}

// lines reads a string that may have several lines.
func (d *document) lines(name string, shortest, longest int) (string, bool) {
	return d.string(name, shortest, longest, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t'
	})
}

// string reads a string within limits, in characters, none of which is bad.
func (d *document) string(name string, shortest, longest int, bad func(rune) bool) (string, bool) {
	limits := "must be a string of " + strconv.Itoa(shortest) + " to " + strconv.Itoa(longest) + " characters"
	value, ok := read[string](d, name, limits)
	if !ok {
		return "", false
	}
	if n := len([]rune(value)); n < shortest || n > longest || strings.ContainsFunc(value, bad) {
		d.fault(name, value, limits+" without control characters")
		return "", false
	}
	return value, true
}

// texts reads a list of strings. Each goes through check, which returns it as
// it is to be kept, or a rule that it breaks; repeated ones are kept once.
func (d *document) texts(name string, fewest, most int, check func(string) (kept, rule string)) ([]string, bool) {
	limits := "must be a list of " + strconv.Itoa(fewest) + " to " + strconv.Itoa(most) + " strings"
	values, ok := read[[]*string](d, name, limits)
	if !ok {
		return nil, false
	}
	if len(values) < fewest || len(values) > most {
		d.fault(name, strconv.Itoa(len(values))+" strings", limits)
		return nil, false
	}
	kept := make([]string, 0, len(values))
	for i, value := range values {
		if value == nil {
			d.fault(name+"["+strconv.Itoa(i)+"]", "null", "must be a string")
			continue
		}
		entry, rule := check(*value)
		if rule != "" {
			d.fault(name+"["+strconv.Itoa(i)+"]", *value, rule)
			continue
		}
		if !slices.Contains(kept, entry) {
			kept = append(kept, entry)
		}
	}
	return kept, true
}

// integer reads a whole number within limits.
func (d *document) integer(name string, least, most int) (int, bool) {
	limits := "must be an integer from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)
	value, ok := read[int](d, name, limits)
	if ok && (value < least || value > most) {
		d.fault(name, strconv.Itoa(value), limits)
		return 0, false
	}
	return value, ok
}

// duration reads a duration within limits.
func (d *document) duration(name string, least, most time.Duration) (time.Duration, bool) {
	limits := "must be a duration from " + durationText(least) + " to " + durationText(most)
	text, ok := read[string](d, name, limits)
	if !ok {
		return 0, false
	}
	value, err := time.ParseDuration(text)
	if err != nil || value < least || value > most {
		d.fault(name, text, limits)
		return 0, false
	}
	return value, true
}

// choice reads one of a set of words.
func choice[T ~string](d *document, name string, words []T) (T, bool) {
	rule := "must be " + oneOf(words)
	value, ok := read[T](d, name, rule)
	if ok && !slices.Contains(words, value) {
		d.fault(name, string(value), rule)
		return "", false
	}
	return value, ok
}

// oneOf writes "a, b or c".
func oneOf[T ~string](words []T) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}

// end notes members that nobody asked for, and returns all faults. readOnly are
// fields that answers have and nobody can set.
func (d *document) end(readOnly ...string) error {
	names := make([]string, 0, len(d.members))
	for name := range d.members {
		names = append(names, name)
	}
	slices.Sort(names)
	known := strings.Join(d.asked, ", ")
	for _, name := range names {
		switch {
		case slices.Contains(d.asked, name):
		case slices.Contains(readOnly, name):
			d.fault(name, "", "is read-only")
		default:
			d.faults.add(name, "", "is not a known field; known are "+known)
		}
	}
	return d.faults.err()
}

// durationText writes a duration as people do: 5m, not 5m0s.
func durationText(d time.Duration) string {
	text := []byte(d.String())
	if bytes.HasSuffix(text, []byte("m0s")) {
		text = text[:len(text)-2]
	}
	if bytes.HasSuffix(text, []byte("h0m")) {
		text = text[:len(text)-2]
	}
	return string(text)
}
