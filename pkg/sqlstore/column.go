package sqlstore

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
)

// kind is a column's type.
type kind int

const (
	text kind = iota
	number
	blob
)

// names of columns.
func names(columns ...[]column) []string {
	var all []string
	for _, some := range columns {
		for _, c := range some {
			all = append(all, c.name)
		}
	}
	return all
}

// column is one of a table that the log's writer fills.
type column struct {
	name string
	kind kind
}

// nullText is NULL for an empty text.
func nullText(s *string) any {
	if *s == "" {
		return nil
	}
	return s
}

// nullBytes is NULL for no bytes.
func nullBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// nullTime is NULL for a time that was not taken.
func nullTime(d time.Duration) any {
	if d == 0 {
		return nil
	}
	return d.Microseconds()
}

// timing is where the times of an attempt are scanned to.
type timing [4]sql.NullInt64

func (t *timing) targets() []any { return []any{&t[0], &t[1], &t[2], &t[3]} }

func (t *timing) value() hook.Timing {
	took := func(micros sql.NullInt64) time.Duration { return time.Duration(micros.Int64) * time.Microsecond }
	return hook.Timing{DNS: took(t[0]), Connect: took(t[1]), TLS: took(t[2]), FirstByte: took(t[3])}
}

// nullFlag is 1, or NULL for false.
func nullFlag(set bool) any {
	if !set {
		return nil
	}
	return int64(1)
}

// headersJSON is the list as JSON, empty for none. Most headers need no escapes,
// and there is a list for each attempt, so it is put together here.
func headersJSON(headers []hook.Header) string {
	if len(headers) == 0 {
		return ""
	}
	b := make([]byte, 0, 256)
	for i, h := range headers {
		if i == 0 {
			b = append(b, `[{"name":`...)
		} else {
			b = append(b, `},{"name":`...)
		}
		b = append(appendJSON(b, h.Name), `,"value":`...)
		b = appendJSON(b, h.Value)
	}
	return string(append(b, "}]"...))
}

func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			// Strings always have a JSON form. A NUL's is an escape, which
			// PostgreSQL's text can hold.
			quoted, _ := json.Marshal(s)
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// storable is the record without what PostgreSQL's text cannot hold: NUL
// characters (JSON may escape one in an item's id) and bytes that are not UTF-8.
// It is the record itself if there are none.
func storable(a *hook.Attempt) *hook.Attempt {
	clean := func(s string) bool { return storableText(s) == s }
	if clean(a.Delivery) && clean(a.Detail) && clean(a.Account) && clean(a.Webhook) && clean(a.Store) && clean(a.Event) &&
		clean(a.ItemType) && clean(a.URL) && clean(a.TraceID) && clean(a.Bundle.Topic) && clean(a.Source.Topic) &&
		!slices.ContainsFunc(a.Items, func(item string) bool { return !clean(item) }) {
		return a
	}
	own := *a // the caller's stays as it is
	for _, text := range []*string{
		&own.Delivery, &own.Detail, &own.Account, &own.Webhook, &own.Store, &own.Event, &own.ItemType, &own.URL, &own.TraceID,
		&own.Bundle.Topic, &own.Source.Topic,
	} {
		*text = storableText(*text)
	}
	own.Items = slices.Clone(a.Items)
	for i, item := range own.Items {
		own.Items[i] = storableText(item)
	}
	return &own
}

func storableText(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// place is what makes a fate without a request unique within its run.
func place(step int, fate hook.Fate) string { return strconv.Itoa(step) + "/" + string(fate) }
