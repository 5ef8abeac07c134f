package codec

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/wire"
)

// Bounds of the fields of an event, beside MaxItems.
const (
	maxID       = 256  // bytes, of ids and stores
	maxItemType = 100  // characters
	maxRef      = 2048 // bytes: what every server takes as a path
	maxAccount  = 64   // characters
)

// The rules, in the words that errors show.
const (
	ruleAccount   = "must be 1 to 64 characters of A-Z a-z 0-9 . _ -"
	ruleEventType = "must be create, update or delete"
	ruleItemType  = "must be 1 to 100 printable characters"
	ruleItems     = "must be an array of 1 to 10000 items"
	ruleID        = "must be an integer or a string of 1 to 256 bytes without control characters"
	ruleLabel     = "must be at most 256 bytes without control characters"
	ruleRef       = "must be at most 2048 bytes without control characters"
	ruleDate      = "must be a time as in RFC 3339, such as 2023-02-02T12:07:01+01:00"
	ruleVersion   = "must be an integer from 0 to 9223372036854775807"
	ruleData      = "must be JSON"
)

// Validate checks an event as Decode does. Its id and date may be empty: the
// router fills them in. Its error is a *Reject of the reason InvalidField.
func Validate(e hook.Event) error {
	var f faults
	check(&e, &f)
	for n := range e.Items {
		checkData(e.Items[n].Data, n, &f)
	}
	return f.reject()
}

// check checks everything but the items' data.
func check(e *hook.Event, f *faults) {
	if !validLabel(e.ID, maxID) {
		f.add(field("id"), e.ID, ruleLabel)
	}
	if !ValidAccount(e.Account) {
		f.add(field("account"), e.Account, ruleAccount)
	}
	if !validLabel(e.Store, maxID) {
		f.add(field("store"), e.Store, ruleLabel)
	}
	checkReference(e.User, noItem, "user", f)
	switch e.Type {
	case hook.Create, hook.Update, hook.Delete:
	default:
		f.add(field("eventType"), string(e.Type), ruleEventType)
	}
	if !validItemType(e.ItemType) {
		f.add(field("itemType"), e.ItemType, ruleItemType)
	}
	switch n := len(e.Items); {
	case n == 0:
		f.add(field("items"), "", ruleItems)
	case n > MaxItems:
		f.add(field("items"), strconv.Itoa(n)+" items", ruleItems)
	}
	for n := range e.Items {
		checkItem(&e.Items[n], n, f)
	}
	if e.Date != "" && !validDate(e.Date) {
		f.add(field("eventDate"), e.Date, ruleDate)
	}
}

func checkItem(item *hook.Item, n int, f *faults) {
	if item.ID == "" || !validLabel(item.ID, maxID) {
		f.add(place{item: n, field: "id"}, item.ID, ruleID)
	}
	if !validLabel(item.Ref, maxRef) {
		f.add(place{item: n, field: "ref"}, item.Ref, ruleRef)
	}
	if item.Version != nil && *item.Version < 0 {
		f.add(place{item: n, field: "version"}, strconv.FormatInt(*item.Version, 10), ruleVersion)
	}
	checkReference(item.Parent, n, "parent", f)
}

func checkReference(r *hook.Reference, item int, name string, f *faults) {
	if r == nil {
		return
	}
	if r.ID == "" || !validLabel(r.ID, maxID) {
		f.add(place{item: item, ref: name, field: "id"}, r.ID, ruleID)
	}
	if r.ItemType != "" && !validItemType(r.ItemType) {
		f.add(place{item: item, ref: name, field: "itemType"}, r.ItemType, ruleItemType)
	}
	if !validLabel(r.Ref, maxRef) {
		f.add(place{item: item, ref: name, field: "ref"}, r.Ref, ruleRef)
	}
}

// checkData checks that an item's data is JSON, in forms that have it as a value
// of its own. It returns what the JSON form would have: no white space around
// it, and nothing for null.
func checkData(data []byte, item int, f *faults) []byte {
	if len(data) == 0 {
		return nil
	}
	start, end, err := jsontext.Value(wire.Shared(data))
	if err != nil {
		f.add(place{item: item, field: "data"}, string(data), ruleData+": "+err.Error())
		return nil
	}
	if string(data[start:end]) == "null" {
		return nil
	}
	return data[start:end:end]
}

// ValidAccount reports whether an id is one that an account may have:
// [A-Za-z0-9._-]{1,64}.
func ValidAccount(id string) bool {
	if id == "" || len(id) > maxAccount {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// validLabel takes an empty text too. Control characters are refused since
// PostgreSQL cannot store them all and a log line must stay one line.
func validLabel(text string, most int) bool {
	if len(text) > most {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
		}
	}
	return true
}

func validItemType(name string) bool {
	if name == "" || len(name) > maxItemType*utf8.UTFMax || !utf8.ValidString(name) {
		return false
	}
	n := 0
	for _, r := range name {
		if n++; n > maxItemType || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// validDate is strict where time.Parse is lenient: it wants two digits for the
// hour, a full stop before the fraction and an offset that a clock can show.
func validDate(date string) bool {
	const shape = "2006-01-02T15:04:05"
	if len(date) <= len(shape) || date[13] != ':' || strings.Contains(date, ",") {
		return false
	}
	if _, err := time.Parse(time.RFC3339, date); err != nil {
		return false
	}
	if strings.HasSuffix(date, "Z") {
		return true
	}
	offset := date[len(date)-len("00:00"):]
	return offset[:2] < "24" && offset[3:] < "60"
}
