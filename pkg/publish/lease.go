package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
)

const (
	// leaseSpan is how long the outbox waits after its leader was killed.
	// Renewed three times as often, it survives a pause of 2 s.
	leaseSpan = 3 * time.Second
	// renewEvery is the pace of renewals, also while waiting for Kafka.
	renewEvery = time.Second
)

// leaseRow elects by a row that expires: on SQLite, where processes that share
// the file are on one machine and so share its clock.
type leaseRow struct {
	db     *database.DB
	prefix string
	holder string
}

func (l leaseRow) Stand(ctx context.Context) (term, error) {
	now := time.Now()
	var held bool
	err := l.db.Tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO `+l.prefix+`_relay (id, holder, expires_at) VALUES (1, $1, $2)
			ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE expires_at < $3 OR holder = $1`,
			l.holder, database.Micros(now.Add(leaseSpan)), database.Micros(now))
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		held = rows == 1
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("relay: lease: %w", err)
	}
	if !held {
		return nil, nil
	}
	return &leaseTerm{leaseRow: l, renewed: now}, nil
}

// leaseTerm lasts until the lease expires.
type leaseTerm struct {
	leaseRow
	renewed time.Time
}

// Renew writes to the file only when a third of the lease has passed.
func (t *leaseTerm) Renew(ctx context.Context) error {
	if time.Since(t.renewed) < renewEvery {
		return nil
	}
	next, err := t.Stand(ctx)
	if err != nil {
		return err
	}
	if next == nil {
		return errLost
	}
	t.renewed = time.Now()
	return nil
}

func (t *leaseTerm) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.db.QueryContext(ctx, query, args...)
}

func (t *leaseTerm) Change(ctx context.Context, query string, args ...any) error {
	return t.db.Tx(ctx, func(tx *sql.Tx) error {
		var holder string
		err := tx.QueryRowContext(ctx, `SELECT holder FROM `+t.prefix+`_relay WHERE id = 1`).Scan(&holder)
		if errors.Is(err, sql.ErrNoRows) || err == nil && holder != t.holder {
			return errLost
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, query, args...)
		return err
	})
}

func (t *leaseTerm) End(ctx context.Context) {
	// If this fails the lease expires by itself.
	_ = t.Change(ctx, `DELETE FROM `+t.prefix+`_relay WHERE id = 1`)
}
