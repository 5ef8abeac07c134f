package entity

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// statement is SQL text with its arguments.
type statement struct {
	text strings.Builder
	args []any
}

// arg notes an argument and returns its placeholder.
func (s *statement) arg(value any) string {
	s.args = append(s.args, value)
	return "$" + strconv.Itoa(len(s.args))
}

// chosen writes the SELECT of the ids of at most limit live items below an id that keep
// all conditions, newest first. It enters the index by the first condition and looks
// each id up for the others.
func (s store) chosen(q *statement, account, collection string, conditions []Condition, below int64, limit int) {
	a, c := q.arg(account), q.arg(collection)
	q.text.WriteString(`SELECT t.id FROM ` + s.terms + ` t WHERE t.account = ` + a + ` AND t.collection = ` + c + ` AND t.id < ` + q.arg(below))
	for i, condition := range conditions {
		if i == 0 {
			q.text.WriteString(condition.on(q, "t"))
			continue
		}
		q.text.WriteString(` AND EXISTS (SELECT 1 FROM ` + s.terms + ` u WHERE u.account = ` + a + ` AND u.collection = ` + c +
			` AND u.id = t.id` + condition.on(q, "u") + `)`)
	}
	q.text.WriteString(` ORDER BY t.id DESC LIMIT ` + q.arg(limit))
}

// on is the condition on a row of terms.
func (c Condition) on(q *statement, alias string) string {
	text := ` AND ` + alias + `.field = ` + q.arg(c.field)
	if c.equal != nil {
		text += ` AND ` + alias + `.value = ` + q.arg(*c.equal)
	}
	if c.from != "" {
		text += ` AND ` + alias + `.value >= ` + q.arg(c.from)
	}
	if c.to != "" {
		text += ` AND ` + alias + `.value < ` + q.arg(c.to)
	}
	return text
}

// reindex writes the terms of an item that were not there before; before and after may
// be nil, for an item that is new or gone.
func (s store) reindex(ctx context.Context, tx *sql.Tx, account string, before, after *Item) error {
	var old, now map[string]string
	it := before
	if before != nil {
		old = before.terms()
	}
	if after != nil {
		it, now = after, after.terms()
	}
	if maps.Equal(old, now) {
		return nil
	}
	if len(old) > 0 {
		if err := s.forgetTerms(ctx, tx, account, it); err != nil {
			return err
		}
	}
	if len(now) == 0 {
		return nil
	}
	var insert statement
	a, c, id := insert.arg(account), insert.arg(it.collection.Path), insert.arg(it.id)
	insert.text.WriteString(`INSERT INTO ` + s.terms + ` (account, collection, id, field, value) VALUES `)
	for i, field := range slices.Sorted(maps.Keys(now)) {
		if i > 0 {
			insert.text.WriteString(`, `)
		}
		insert.text.WriteString(`(` + a + `, ` + c + `, ` + id + `, ` + insert.arg(field) + `, ` + insert.arg(now[field]) + `)`)
	}
	if _, err := tx.ExecContext(ctx, insert.text.String(), insert.args...); err != nil {
		return fmt.Errorf("items: index: %w", err)
	}
	return nil
}

func (s store) forgetTerms(ctx context.Context, tx *sql.Tx, account string, it *Item) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM `+s.terms+` WHERE account = $1 AND collection = $2 AND id = $3`,
		account, it.collection.Path, it.id)
	if err != nil {
		return fmt.Errorf("items: index: %w", err)
	}
	return nil
}
