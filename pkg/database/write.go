package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// insertRows is how many rows one INSERT of SQLite takes: the cost of a call is
// then shared by that many, and 40 columns stay far below the 32,766 parameters
// that a statement may have.
const insertRows = 50

// Writer is a transaction that writes many rows.
type Writer struct {
	*sql.Tx
	Dialect Dialect
	conn    *sql.Conn
}

// Write runs fn as Tx does, with a Writer.
func (db *DB) Write(ctx context.Context, fn func(*Writer) error) error {
	if j := db.joined(ctx); j != nil {
		return j.step(ctx, func(tx *sql.Tx) error {
			return fn(&Writer{Tx: tx, Dialect: db.Dialect, conn: j.conn})
		})
	}
	return db.repeat(ctx, func() error {
		conn, done, err := db.writing(ctx)
		if err != nil {
			return err
		}
		defer done()
		return transact(ctx, conn, func(tx *sql.Tx) error {
			return fn(&Writer{Tx: tx, Dialect: db.Dialect, conn: conn})
		})
	})
}

// Insert adds rows of values in the order of the columns: string, int64, a pointer to
// one of these, which takes no memory of its own, []byte, or nil for NULL. On
// PostgreSQL it is a COPY.
func (w *Writer) Insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	var err error
	switch {
	case len(rows) == 0:
	case w.Dialect == Postgres:
		err = w.copy(ctx, table, columns, rows)
	default:
		err = w.insert(ctx, table, columns, rows)
	}
	if err != nil {
		return fmt.Errorf("inserting %d rows into %s: %w", len(rows), table, err)
	}
	return nil
}

// copy speaks to the transaction's connection past database/sql, which knows no
// COPY; the transaction is the server's, so the rows are in it.
func (w *Writer) copy(ctx context.Context, table string, columns []string, rows [][]any) error {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	statement := "COPY " + pgx.Identifier{table}.Sanitize() + " (" + strings.Join(quoted, ", ") + ") FROM STDIN BINARY"
	return w.conn.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("connection is a %T", driver)
		}
		_, err := conn.Conn().PgConn().CopyFrom(ctx, &copyReader{rows: rows}, statement)
		return err
	})
}

func (w *Writer) insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	// A statement that changes many rows would keep a copy of every page, to undo
	// itself alone (a fifth of its cost). OR FAIL does without; the transaction
	// undoes it all.
	head := "INSERT OR FAIL INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES "
	// "?" costs less than "$1": the driver has no name to look up.
	row := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	if len(rows) >= insertRows {
		stmt, err := w.PrepareContext(ctx, head+row+strings.Repeat(", "+row, insertRows-1))
		if err != nil {
			return err
		}
		defer func() { _ = stmt.Close() }()
		args := make([]any, 0, insertRows*len(columns))
		for ; len(rows) >= insertRows; rows = rows[insertRows:] {
			args = args[:0]
			for _, values := range rows[:insertRows] {
				args = append(args, direct(values)...)
			}
			if _, err := stmt.ExecContext(ctx, args...); err != nil {
				return err
			}
		}
	}
	for _, values := range rows {
		if _, err := w.ExecContext(ctx, head+row, direct(values)...); err != nil {
			return err
		}
	}
	return nil
}

// direct puts values in the place of pointers, which database/sql would follow by
// reflection.
func direct(values []any) []any {
	for i, value := range values {
		switch v := value.(type) {
		case *string:
			values[i] = *v
		case *int64:
			values[i] = *v
		}
	}
	return values
}
