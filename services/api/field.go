package api

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

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
func integer[T int | int64](d *document, name string, least, most T) (T, bool) {
	limits := fmt.Sprintf("must be an integer from %d to %d", least, most)
	value, ok := read[T](d, name, limits)
	if ok && (value < least || value > most) {
		d.fault(name, fmt.Sprint(value), limits)
		return 0, false
	}
	return value, ok
}

// duration reads a duration within limits.
func (d *document) duration(name string, least, most time.Duration) (time.Duration, bool) {
	return d.durationIn(name, "must be a duration", least, most, 1)
}

// seconds reads a duration of whole seconds within limits.
func (d *document) seconds(name string, least, most time.Duration) (time.Duration, bool) {
	return d.durationIn(name, "must be a duration of whole seconds", least, most, time.Second)
}

// time reads a time, as exact as the store keeps it.
func (d *document) time(name string) (time.Time, bool) {
	at, ok := read[time.Time](d, name, "must be a time as in RFC 3339, such as 2023-02-02T12:07:01Z")
	return at.Truncate(time.Microsecond), ok
}

// durationIn reads a multiple of unit within limits; rule says so in words.
func (d *document) durationIn(name, rule string, least, most, unit time.Duration) (time.Duration, bool) {
	limits := rule + " from " + durationText(least) + " to " + durationText(most)
	text, ok := read[string](d, name, limits)
	if !ok {
		return 0, false
	}
	value, err := time.ParseDuration(text)
	if err != nil || value < least || value > most || value%unit != 0 {
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
