package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Once implements hook.Answers. A twin waits for the row of the first one: on
// PostgreSQL for its key, on SQLite for its turn to write.
func (s *Store) Once(ctx context.Context, k hook.RequestKey, until time.Time, do func(context.Context) ([]byte, error)) (answer []byte, again bool, err error) {
	err = s.db.Join(ctx, func(ctx context.Context) error {
		now := s.stamp()
		found, mine, err := claimRow(ctx, s.db, k, claimed{since: now, until: now, expires: database.Micros(until)}, now)
		if err != nil {
			return err
		}
		if again = !mine; again {
			answer = found.answer
			return nil
		}
		if answer, err = do(ctx); err != nil {
			return err
		}
		_, err = s.db.ExecContext(ctx, `UPDATE idempotency_keys SET answer = $3 WHERE owner = $1 AND key = $2`, k.Owner[:], k.Key, answer)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("request with the key %q: %w", k.Key, err)
	}
	return answer, again, nil
}

// Claim implements hook.Answers.
func (s *Store) Claim(ctx context.Context, k hook.RequestKey, lease time.Duration, until time.Time) (c hook.Claim, answer []byte, again bool, err error) {
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		now := s.stamp()
		found, mine, err := claimRow(ctx, tx, k, claimed{since: now, until: now + lease.Microseconds(), expires: database.Micros(until)}, now)
		c = hook.Claim{Since: database.Time(found.since), Until: database.Time(found.until)}
		answer, again = found.answer, !mine
		return err
	})
	if err != nil {
		return hook.Claim{}, nil, false, fmt.Errorf("claiming the key %q: %w", k.Key, err)
	}
	return c, answer, again, nil
}

// claimed is what is kept of a key.
type claimed struct {
	request, answer       []byte
	since, until, expires int64
}

// statements is what *database.DB and *sql.Tx have in common.
type statements interface {
	queries
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// claimRow makes a key stand for a request, unless it does already. mine says that the
// request is the caller's to carry out; else there is an answer.
func claimRow(ctx context.Context, on statements, k hook.RequestKey, wanted claimed, now int64) (found claimed, mine bool, err error) {
	// What has expired is as if it were not there. A claim that ran out is taken over.
	done, err := on.ExecContext(ctx, `INSERT INTO idempotency_keys (owner, key, request, answer, claimed, claimed_until, expires, account)
		VALUES ($1, $2, $3, NULL, $4, $5, $6, $8)
		ON CONFLICT (owner, key) DO UPDATE SET request = excluded.request, answer = NULL, account = excluded.account,
			claimed = CASE WHEN idempotency_keys.expires <= $7 THEN excluded.claimed ELSE idempotency_keys.claimed END,
			claimed_until = excluded.claimed_until,
			expires = CASE WHEN idempotency_keys.expires <= $7 THEN excluded.expires ELSE idempotency_keys.expires END
		WHERE idempotency_keys.expires <= $7
			OR idempotency_keys.answer IS NULL AND idempotency_keys.claimed_until <= $7 AND idempotency_keys.request = excluded.request`,
		k.Owner[:], k.Key, k.Request[:], wanted.since, wanted.until, wanted.expires, now, k.Account)
	if err != nil {
		return claimed{}, false, err
	}
	n, err := done.RowsAffected()
	if err != nil {
		return claimed{}, false, err
	}
	err = on.QueryRowContext(ctx, `SELECT request, answer, claimed, claimed_until FROM idempotency_keys WHERE owner = $1 AND key = $2`,
		k.Owner[:], k.Key).Scan(&found.request, &found.answer, &found.since, &found.until)
	switch {
	case err != nil:
		return claimed{}, false, err
	case n == 1:
		return found, true, nil
	case string(found.request) != string(k.Request[:]):
		return claimed{}, false, hook.ErrConflict
	case found.answer == nil:
		return claimed{}, false, hook.ErrUnderWay
	}
	return found, false, nil
}

// Keep implements hook.Answers.
func (s *Store) Keep(ctx context.Context, k hook.RequestKey, c hook.Claim, answer []byte) error {
	return s.endClaim(ctx, k, `UPDATE idempotency_keys SET answer = $4 WHERE owner = $1 AND key = $2 AND claimed_until = $3 AND answer IS NULL`,
		k.Owner[:], k.Key, database.Micros(c.Until), answer)
}

// Release implements hook.Answers.
func (s *Store) Release(ctx context.Context, k hook.RequestKey, c hook.Claim, free bool) error {
	statement := `UPDATE idempotency_keys SET claimed_until = 0`
	if free {
		statement = `DELETE FROM idempotency_keys`
	}
	return s.endClaim(ctx, k, statement+` WHERE owner = $1 AND key = $2 AND claimed_until = $3 AND answer IS NULL`,
		k.Owner[:], k.Key, database.Micros(c.Until))
}

func (s *Store) endClaim(ctx context.Context, k hook.RequestKey, statement string, args ...any) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return hook.ErrStale
	})
	if err != nil {
		return fmt.Errorf("ending the claim of the key %q: %w", k.Key, err)
	}
	return nil
}

// ForgetAnswers implements hook.Answers.
func (s *Store) ForgetAnswers(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM idempotency_keys WHERE expires <= $1`, s.stamp())
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting answers: %w", err)
	}
	return nil
}
