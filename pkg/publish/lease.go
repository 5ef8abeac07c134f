package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
)

// errLost says that another relay leads, or may do so by now.
var errLost = errors.New("relay: leadership lost")

// lease elects which one of several relays on one outbox works: by a row that
// expires. A session's advisory lock would go with a process that dies, but not
// with one that hangs, whose kernel keeps the connection alive.
type lease struct {
	db     *database.DB
	table  string
	holder string
	span   time.Duration
	// now is the database's clock in SQL, so that replicas need not agree.
	now string
}

func newLease(db *database.DB, prefix, holder string, span time.Duration) lease {
	now := `CAST(unixepoch('subsec') * 1000000 AS INTEGER)`
	if db.Dialect == database.Postgres {
		now = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	}
	return lease{db: db, table: prefix + "_relay", holder: holder, span: span, now: now}
}

// Stand returns a term if nobody leads, else nil.
func (l lease) Stand(ctx context.Context) (*term, error) {
	ctx, cancel := context.WithTimeout(ctx, querySpan)
	defer cancel()
	// A look first: an upsert would lock the row of whoever leads.
	var taken bool
	err := l.db.QueryRowContext(ctx, `SELECT expires_at >= `+l.now+` FROM `+l.table+` WHERE id = 1`).Scan(&taken)
	if taken {
		return nil, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("relay: lease: %w", err)
	}
	t := &term{lease: l}
	asked := time.Now()
	err = l.db.Tx(ctx, func(tx *sql.Tx) error {
		asked = time.Now()
		return tx.QueryRowContext(ctx, `INSERT INTO `+l.table+` AS r (id, holder, term, expires_at, asleep)
			VALUES (1, $1, 1, `+l.now+` + $2, FALSE)
			ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, term = r.term + 1,
				expires_at = excluded.expires_at, asleep = FALSE
			WHERE r.expires_at < `+l.now+`
			RETURNING term`, l.holder, l.span.Microseconds()).Scan(&t.number)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil // another was quicker
	}
	if err != nil {
		return nil, fmt.Errorf("relay: lease: %w", err)
	}
	t.extend(asked)
	return t, nil
}

// term is a time of leadership.
type term struct {
	lease
	number int64
	// until is when the term ends by this process's clock, a little before it
	// does by the database's.
	until atomic.Pointer[time.Time]
}

func (t *term) extend(asked time.Time) {
	until := asked.Add(t.span)
	t.until.Store(&until)
}

// Valid reports whether no other relay can lead yet.
func (t *term) Valid() bool { return time.Now().Before(*t.until.Load()) }

// Renew lets the term go on, once a third of it has passed; errLost if another
// one has begun.
func (t *term) Renew(ctx context.Context) error {
	if time.Until(*t.until.Load()) > t.span*2/3 {
		return nil
	}
	return t.Change(ctx, func(*sql.Tx) error { return nil })
}

// Change renews the term and changes the outbox in one transaction, so that a
// relay of an earlier term, however late it comes, changes nothing: errLost.
func (t *term) Change(ctx context.Context, change func(*sql.Tx) error) error {
	var asked time.Time
	err := t.db.Tx(ctx, func(tx *sql.Tx) error {
		asked = time.Now()
		result, err := tx.ExecContext(ctx, `UPDATE `+t.table+` SET expires_at = `+t.now+` + $1
			WHERE id = 1 AND holder = $2 AND term = $3`, t.span.Microseconds(), t.holder, t.number)
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil || rows == 0 {
			return errors.Join(errLost, err)
		}
		return change(tx)
	})
	if err == nil {
		t.extend(asked)
	}
	return err
}

// End lets the next one lead at once.
func (t *term) End(ctx context.Context) {
	// If this fails the term ends by itself.
	_ = t.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE `+t.table+` SET expires_at = 0 WHERE id = 1 AND holder = $1 AND term = $2`,
			t.holder, t.number)
		return err
	})
}
