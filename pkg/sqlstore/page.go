package sqlstore

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
)

// mark is the place in a list after which the next page begins: the time and
// the id of its last row. Both never change, so a walk over pages neither
// misses nor repeats a row however many are added meanwhile.
type mark struct {
	at int64 // Unix microseconds
	id string
}

// cursor is the form that callers see; they are not to read it.
func (m mark) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(m.at, 10) + " " + m.id))
}

// parseMark reads a cursor; ok is false for the first page.
func parseMark(cursor string) (m mark, ok bool, err error) {
	if cursor == "" {
		return mark{}, false, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		at, id, found := strings.Cut(string(text), " ")
		if m.at, err = strconv.ParseInt(at, 10, 64); err == nil && found && readable(id) {
			m.id = id
			return m, true, nil
		}
	}
	return mark{}, false, badCursor(cursor)
}

func badCursor(cursor string) error {
	var fault hook.Invalid
	fault.Add("cursor", cursor, "must be one that the page before returned")
	return fault
}

// readable reports whether PostgreSQL takes a text at all.
func readable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// cut bounds a list that was read with one row too many to the page's limit and
// gives the cursor of the next page: none if that row was not there.
func cut[T any](rows []T, limit int, at func(T) mark) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	rows = rows[:limit]
	return rows, at(rows[limit-1]).cursor()
}

// newest reads a page of the rows of a table that meet the conditions, the newest
// first: those with a created_at and an id. The error may be a hook.Invalid.
func newest[T any](ctx context.Context, q queries, table, columns string, where *conditions, p hook.Page,
	scan func(func(...any) error) (T, error), at func(T) mark,
) ([]T, string, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	if more {
		where.add(`(created_at, id) < (?, ?)`, after.at, after.id)
	}
	query := `SELECT ` + columns + ` FROM ` + table + ` WHERE ` + where.text.String() +
		` ORDER BY created_at DESC, id DESC LIMIT ` + where.arg(p.Limit+1)
	list, err := collect(ctx, q, scan, query, where.args...)
	if err != nil {
		return nil, "", err
	}
	list, next := cut(list, p.Limit, at)
	return list, next, nil
}

// conditions builds a WHERE clause with its arguments.
type conditions struct {
	text strings.Builder
	args []any
}

// add appends a condition in which each ? stands for one of the values.
func (c *conditions) add(condition string, values ...any) {
	if c.text.Len() > 0 {
		c.text.WriteString(" AND ")
	}
	for _, v := range values {
		before, after, _ := strings.Cut(condition, "?")
		c.text.WriteString(before + c.arg(v))
		condition = after
	}
	c.text.WriteString(condition)
}

// arg notes a value and gives its placeholder. Build the whole text before args
// is read: Go does not say which of the two comes first within one call.
func (c *conditions) arg(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

// in appends "column IN (…)".
func in[T any](c *conditions, column string, values []T) {
	marks, args := make([]string, len(values)), make([]any, len(values))
	for i, v := range values {
		marks[i], args[i] = "?", v
	}
	c.add(fmt.Sprintf("%s IN (%s)", column, strings.Join(marks, ", ")), args...)
}
