package codec

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Reason is why input is refused: a closed set, the same words in the header of
// quarantine, the metrics and the API.
type Reason string

// The reasons.
const (
	Tombstone          Reason = "tombstone"
	TooLarge           Reason = "too_large"
	UnknownContentType Reason = "unknown_content_type"
	NotJSON            Reason = "not_json"
	NotProtobuf        Reason = "not_protobuf"
	NotCloudEvents     Reason = "not_cloudevents"
	InvalidField       Reason = "invalid_field"
)

// Reasons lists every Reason.
var Reasons = []Reason{
	Tombstone, TooLarge, UnknownContentType, NotJSON, NotProtobuf, NotCloudEvents, InvalidField,
}

// Reject says why input is no event. No retry can mend it.
type Reject struct {
	Reason Reason
	// Faults name field, value and rule; at least one, at most maxFaults.
	Faults hook.Invalid
}

func (r *Reject) Error() string { return r.Faults.Error() }

// Unwrap makes the faults reachable by errors.As.
func (r *Reject) Unwrap() error { return r.Faults }

// maxFaults bounds what is said about one input: whoever mends ten thousand
// items mends them all alike.
const maxFaults = 20

func refuse(reason Reason, field, value, rule string) *Reject {
	r := &Reject{Reason: reason}
	r.Faults.Add(field, shorten(value), rule)
	return r
}

func refuseSize(size int) *Reject {
	return refuse(TooLarge, "value", strconv.Itoa(size)+" bytes",
		"must have at most "+strconv.Itoa(MaxBytes)+" bytes")
}

// faults collects what is wrong with the fields of one event.
type faults struct {
	found hook.Invalid
}

// add notes a fault, unless the field or what it lies in has one, or there are
// many.
func (f *faults) add(at place, value, rule string) {
	if len(f.found) >= maxFaults {
		return
	}
	field := at.String()
	for _, known := range f.found {
		if rest, in := strings.CutPrefix(field, known.Field); in && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return
		}
	}
	f.found.Add(field, shorten(value), rule)
}

// reject is nil if there are no faults.
func (f *faults) reject() error {
	if len(f.found) == 0 {
		return nil
	}
	return &Reject{Reason: InvalidField, Faults: f.found}
}

// shorten cuts a value of up to MaxBytes to what hook.Invalid.Add shows of it
// and a little more, so that it need not look at all of it.
func shorten(value string) string {
	const enough = 65 * utf8.UTFMax
	if len(value) <= enough {
		return value
	}
	cut := enough
	for !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut]
}

// place names a field without making its path, which only a fault needs.
type place struct {
	item  int    // index of the item, or noItem
	ref   string // "user", "parent" or empty
	field string // empty: the item or reference itself
}

const noItem = -1

func field(name string) place { return place{item: noItem, field: name} }

// String gives "eventType", "user.id", "items[3]" or "items[3].parent.id".
func (p place) String() string {
	var path string
	if p.item != noItem {
		path = "items[" + strconv.Itoa(p.item) + "]"
	}
	for _, part := range []string{p.ref, p.field} {
		if path != "" && part != "" {
			path += "."
		}
		path += part
	}
	return path
}
