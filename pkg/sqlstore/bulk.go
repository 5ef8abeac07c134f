package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
)

// bulk writes many rows into one table with one statement's text: on PostgreSQL
// all at once, with an array for each column (VALUES takes 65,535 parameters at
// most, which 5,000 rows exceed); on SQLite, where a call costs no round trip,
// row by row with a prepared statement.
type bulk struct {
	// into is "table AS alias".
	into string
	// columns are the names, comma separated.
	columns string
	// conflict is the ON CONFLICT clause.
	conflict string
	rows     [][]any
}

func (b *bulk) add(row []any) { b.rows = append(b.rows, row) }

func (b *bulk) write(ctx context.Context, tx *sql.Tx, dialect database.Dialect) error {
	if len(b.rows) == 0 {
		return nil
	}
	head := "INSERT INTO " + b.into + " (" + b.columns + ") "
	if dialect == database.Postgres {
		arrays, types, err := transpose(b.rows)
		if err != nil {
			return fmt.Errorf("%s: %w", b.into, err)
		}
		_, err = tx.ExecContext(ctx, head+"SELECT * FROM unnest("+types+")"+b.conflict, arrays...)
		return err
	}
	marks := make([]string, len(b.rows[0]))
	for i := range marks {
		marks[i] = fmt.Sprint("$", i+1)
	}
	stmt, err := tx.PrepareContext(ctx, head+"VALUES ("+strings.Join(marks, ", ")+")"+b.conflict)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }()
	for _, row := range b.rows {
		if _, err := stmt.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// transpose turns rows into one slice for each column, and gives the arguments
// of unnest: "$1::text[], $2::bigint[], …".
func transpose(rows [][]any) (arrays []any, types string, err error) {
	marks := make([]string, len(rows[0]))
	for i, first := range rows[0] {
		var array any
		var kind string
		switch first.(type) {
		case string:
			kind = "text"
			array, err = column[string](rows, i)
		case int64:
			kind = "bigint"
			array, err = column[int64](rows, i)
		case []byte:
			kind = "bytea"
			array, err = column[[]byte](rows, i)
		default:
			err = fmt.Errorf("column %d: no array for %T", i+1, first)
		}
		if err != nil {
			return nil, "", err
		}
		arrays = append(arrays, array)
		marks[i] = fmt.Sprintf("$%d::%s[]", i+1, kind)
	}
	return arrays, strings.Join(marks, ", "), nil
}

func column[T any](rows [][]any, i int) ([]T, error) {
	out := make([]T, len(rows))
	for n, row := range rows {
		value, ok := row[i].(T)
		if !ok {
			return nil, fmt.Errorf("column %d: %T among %T", i+1, row[i], out)
		}
		out[n] = value
	}
	return out, nil
}
