package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
)

// keyChunk is how many keys one SELECT of SQLite takes.
const keyChunk = 500

// eachKey runs a query once for many keys, which take the place of IN (…) in
// it, and calls row for each row with its Scan.
func eachKey[K any](ctx context.Context, w *database.Writer, query string, keys []K, row func(scan func(...any) error) error) error {
	if len(keys) == 0 {
		return nil
	}
	if w.Dialect == database.Postgres {
		return eachRow(ctx, w, strings.Replace(query, "IN (…)", "= ANY ($1)", 1), []any{keys}, row)
	}
	for some := range slices.Chunk(keys, keyChunk) {
		args := make([]any, len(some))
		for i, key := range some {
			args[i] = key
		}
		marks := "IN (?" + strings.Repeat(", ?", len(some)-1) + ")"
		if err := eachRow(ctx, w, strings.Replace(query, "IN (…)", marks, 1), args, row); err != nil {
			return err
		}
	}
	return nil
}

func eachRow(ctx context.Context, q queries, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// execEach executes a statement for each row. On PostgreSQL all at once, with an
// array for each column, that many makes of "SELECT * FROM unnest(…)"; on SQLite,
// where a call costs no round trip, row by row with one.
func execEach(ctx context.Context, w *database.Writer, columns []column, rows [][]any, many func(unnest string) string, one string) error {
	if len(rows) == 0 {
		return nil
	}
	if w.Dialect == database.Postgres {
		arrays, types, err := transpose(columns, rows)
		if err != nil {
			return err
		}
		_, err = w.ExecContext(ctx, many("unnest("+types+")"), arrays...)
		return err
	}
	stmt, err := w.PrepareContext(ctx, one)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }()
	for _, row := range rows {
		if _, err := stmt.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// updateColumns are what a delivery is found by, and what may change.
var updateColumns = slices.Concat(fixedColumns[:2], stateColumns, loneColumns)

// updateDeliveries takes rows of values of updateColumns, of deliveries of a span.
// OR FAIL: see database.Writer.Insert.
func updateDeliveries(ctx context.Context, w *database.Writer, of span, rows [][]any) error {
	var one, many []string
	for i, c := range updateColumns[2:] {
		one = append(one, fmt.Sprintf("%s = $%d", c.name, i+3))
		many = append(many, c.name+" = n."+c.name)
	}
	err := execEach(ctx, w, updateColumns, rows, func(unnest string) string {
		return `UPDATE deliveries d SET ` + strings.Join(many, ", ") +
			` FROM ` + unnest + ` AS n (` + strings.Join(names(updateColumns), ", ") + `) WHERE d.id_key = n.id_key AND d.id = n.id` + of.conditions("d")
	}, `UPDATE OR FAIL deliveries AS d SET `+strings.Join(one, ", ")+` WHERE id_key = $1 AND id = $2`+of.conditions("d"))
	if err != nil {
		return fmt.Errorf("updating %d deliveries: %w", len(rows), err)
	}
	return nil
}

// transpose turns rows into one slice for each column, and gives the arguments
// of unnest: "$1::text[], $2::bigint[], …".
func transpose(columns []column, rows [][]any) (arrays []any, types string, err error) {
	marks := make([]string, len(columns))
	for i, c := range columns {
		var array any
		var name string
		switch c.kind {
		case text:
			name = "text"
			array, err = values[string](rows, i)
		case number:
			name = "bigint"
			array, err = values[int64](rows, i)
		case blob:
			name = "bytea"
			array, err = values[[]byte](rows, i)
		}
		if err != nil {
			return nil, "", fmt.Errorf("column %s: %w", c.name, err)
		}
		arrays = append(arrays, array)
		marks[i] = fmt.Sprintf("$%d::%s[]", i+1, name)
	}
	return arrays, strings.Join(marks, ", "), nil
}

// values is a column of the rows; nil stands for NULL.
func values[T any](rows [][]any, i int) ([]*T, error) {
	out := make([]*T, len(rows))
	for n, row := range rows {
		if row[i] == nil {
			continue
		}
		switch value := row[i].(type) {
		case T:
			out[n] = &value
		case *T:
			out[n] = value
		default:
			return nil, fmt.Errorf("a %T", value)
		}
	}
	return out, nil
}
