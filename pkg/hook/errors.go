package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Errors that stores return; callers tell them by errors.Is.
var (
	// ErrNotFound says that there is no such thing, or that it belongs to
	// another account.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that it exists already.
	ErrConflict = errors.New("already exists")
	// ErrStale says that it was changed meanwhile.
	ErrStale = errors.New("changed meanwhile")
	// ErrTooMany says that as many are there as there may be at a time.
	ErrTooMany = errors.New("too many at a time")
	// ErrRevoked says that it was deleted and takes no more changes.
	ErrRevoked = errors.New("revoked")
)

// FieldError says which field broke which rule, with the value it had.
type FieldError struct {
	// Field is its path in the document, such as "items[0].id".
	Field string
	// Value as it was given, shortened to 64 characters; empty if it was absent.
	Value string
	// Rule that the value breaks, such as "must be create, update or delete".
	Rule string
}

func (e FieldError) Error() string {
	if e.Value == "" {
		return e.Field + " " + e.Rule
	}
	return fmt.Sprintf("%s %s, not %q", e.Field, e.Rule, e.Value)
}

// AddJSON notes a fault of a value in its JSON form; a string is shown as its
// text.
func (i *Invalid) AddJSON(field string, value []byte, rule string) {
	text := string(value)
	if strings.HasPrefix(text, `"`) {
		// What is no string after all keeps its form.
		_ = json.Unmarshal(value, &text)
	}
	i.Add(field, text, rule)
}

// maxShownValue bounds the length of FieldError.Value, in characters.
const maxShownValue = 64

// Invalid collects every fault of one input. As an error its zero length means
// no fault: return it by Err.
type Invalid []FieldError

// Add notes a fault; the value is shortened.
func (i *Invalid) Add(field, value, rule string) {
	if runes := []rune(value); len(runes) > maxShownValue {
		value = string(runes[:maxShownValue]) + "…"
	}
	*i = append(*i, FieldError{Field: field, Value: value, Rule: rule})
}

// Err is nil if there are no faults.
func (i Invalid) Err() error {
	if len(i) == 0 {
		return nil
	}
	return i
}

func (i Invalid) Error() string {
	parts := make([]string, len(i))
	for n, f := range i {
		parts[n] = f.Error()
	}
	return strings.Join(parts, "; ")
}
