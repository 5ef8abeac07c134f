package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
)

// errLost says that another relay leads, or may do so by now.
var errLost = errors.New("relay: leadership lost")

// election decides which one of several relays on one outbox works.
type election interface {
	// Stand returns a term if this relay leads now, else nil.
	Stand(ctx context.Context) (term, error)
}

// term is a time of leadership. Everything that a relay does to the outbox
// goes through it, so that a relay that was deposed deletes nothing.
type term interface {
	// Renew makes sure that the term goes on; errLost if not.
	Renew(ctx context.Context) error
	// Query reads the outbox.
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// Change writes to the outbox; errLost if the term is over.
	Change(ctx context.Context, query string, args ...any) error
	// End lets the next one lead at once.
	End(ctx context.Context)
}

func newElection(db *database.DB, prefix string, holder string) election {
	if db.Dialect == database.Postgres {
		return advisoryLock{db: db, prefix: prefix}
	}
	return leaseRow{db: db, prefix: prefix, holder: holder}
}

// advisoryLock elects by a session's advisory lock: PostgreSQL gives it back
// when the connection ends, however the process died. It needs a connection of
// its own, so no pooler that shares one among sessions.
type advisoryLock struct {
	db     *database.DB
	prefix string
}

func (l advisoryLock) Stand(ctx context.Context) (term, error) {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("relay: connect: %w", err)
	}
	var held bool
	// Advisory locks belong to the database, tables to a schema.
	err = conn.QueryRowContext(ctx,
		`SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '.' || $1, 0))`, l.prefix+"_outbox").Scan(&held)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("relay: advisory lock: %w", err), conn.Close())
	}
	if !held {
		return nil, conn.Close()
	}
	return &sessionTerm{conn: conn, table: l.prefix + "_outbox"}, nil
}

// sessionTerm lasts as long as its connection; statements that reach the
// server over it are therefore within the term.
type sessionTerm struct {
	conn  *sql.Conn
	table string
}

func (t *sessionTerm) Renew(ctx context.Context) error {
	if err := t.conn.PingContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

func (t *sessionTerm) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.conn.QueryContext(ctx, query, args...)
}

func (t *sessionTerm) Change(ctx context.Context, query string, args ...any) error {
	_, err := t.conn.ExecContext(ctx, query, args...)
	return err
}

func (t *sessionTerm) End(ctx context.Context) {
	// If this fails the connection is broken, and with it the lock is gone.
	_, _ = t.conn.ExecContext(ctx,
		`SELECT pg_advisory_unlock(hashtextextended(current_schema() || '.' || $1, 0))`, t.table)
	_ = t.conn.Close()
}
