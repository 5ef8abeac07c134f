package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// CreateReplay implements hook.Replays.
func (s *Store) CreateReplay(ctx context.Context, r hook.Replay) (hook.Replay, error) {
	r.State, r.Revision, r.CreatedAt = hook.ReplayRunning, 1, database.Time(s.stamp())
	r.UpdatedAt, r.EndedAt = r.CreatedAt, time.Time{}
	row, err := rowOfReplay(r)
	if err != nil {
		return hook.Replay{}, err
	}
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := s.mayRun(ctx, tx, r); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO replays (`+replayColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, row...)
		if err != nil {
			return err
		}
		return s.auditReplay(ctx, tx, nil, &r, "create-replay")
	})
	if database.IsUnique(err) {
		err = hook.ErrConflict
	}
	if err != nil {
		return hook.Replay{}, fmt.Errorf("creating replay %q of account %q: %w", r.ID, r.Account, err)
	}
	return r, nil
}

// mayRun checks the webhooks of a replay, and that its account has room for one
// more, and keeps others from changing that until the transaction ends.
func (s *Store) mayRun(ctx context.Context, tx *sql.Tx, r hook.Replay) error {
	if _, err := s.lockAccount(ctx, tx, r.Account); err != nil {
		return err
	}
	for _, id := range []string{r.Source, r.Webhook} {
		if id == "" {
			continue
		}
		row := tx.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks WHERE account = $1 AND id = $2`, r.Account, id)
		w, err := scanWebhook(row.Scan)
		if err != nil {
			return found(err)
		}
		if id == r.Webhook && w.Status == hook.Revoked {
			return hook.ErrRevoked
		}
	}
	// Found by the index of those that run: of all there may be many.
	var running, same int
	row := tx.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN webhook = $2 THEN 1 END) FROM replays
		WHERE state = 'running' AND account || '' = $1`, r.Account, r.Webhook)
	switch err := row.Scan(&running, &same); {
	case err != nil:
		return err
	case same > 0:
		return hook.ErrConflict
	case running >= hook.MaxRunningReplays:
		return hook.ErrTooMany
	}
	return nil
}

// Replay implements hook.Replays.
func (s *Store) Replay(ctx context.Context, account, id string) (hook.Replay, error) {
	r, err := readReplay(ctx, s.db, account, id, "")
	if err != nil {
		return hook.Replay{}, fmt.Errorf("replay %q of account %q: %w", id, account, err)
	}
	return r, nil
}

func readReplay(ctx context.Context, q queries, account, id, lock string) (hook.Replay, error) {
	row := q.QueryRowContext(ctx, `SELECT `+replayColumns+` FROM replays WHERE account = $1 AND id = $2`+lock, account, id)
	r, err := scanReplay(row.Scan)
	return r, found(err)
}

// Replays implements hook.Replays.
func (s *Store) Replays(ctx context.Context, account string, p hook.Page) ([]hook.Replay, string, error) {
	var where conditions
	where.add(`account = ?`, account)
	list, next, err := newest(ctx, s.db, `replays`, replayColumns, &where, p, scanReplay,
		func(r hook.Replay) mark { return mark{at: database.Micros(r.CreatedAt), id: r.ID} })
	if err != nil {
		return nil, "", fmt.Errorf("listing replays of account %q: %w", account, err)
	}
	return list, next, nil
}

// CancelReplay implements hook.Replays.
func (s *Store) CancelReplay(ctx context.Context, account, id string) (hook.Replay, error) {
	return s.changeReplay(ctx, account, id, "cancel-replay", func(_ *sql.Tx, r *hook.Replay) error {
		if r.State == hook.ReplayRunning {
			r.State = hook.ReplayCancelled
		}
		return nil
	})
}

// ResumeReplay implements hook.Replays.
func (s *Store) ResumeReplay(ctx context.Context, account, id string) (hook.Replay, error) {
	return s.changeReplay(ctx, account, id, "resume-replay", func(tx *sql.Tx, r *hook.Replay) error {
		switch r.State {
		case hook.ReplayRunning:
			return nil
		case hook.ReplayCancelled:
			r.State = hook.ReplayRunning
			return s.mayRun(ctx, tx, *r)
		default:
			return hook.ErrStale
		}
	})
}

// changeReplay changes the state of one under the account's lock.
func (s *Store) changeReplay(ctx context.Context, account, id, operation string, change func(*sql.Tx, *hook.Replay) error) (hook.Replay, error) {
	var r hook.Replay
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, account); err != nil {
			return err
		}
		before, err := readReplay(ctx, tx, account, id, s.db.ForUpdate())
		if err != nil {
			return err
		}
		r = before
		if err := change(tx, &r); err != nil || r.State == before.State {
			return err
		}
		if r, err = s.writeReplay(ctx, tx, r); err != nil {
			return err
		}
		return s.auditReplay(ctx, tx, &before, &r, operation)
	})
	if database.IsUnique(err) {
		err = hook.ErrConflict
	}
	if err != nil {
		return hook.Replay{}, fmt.Errorf("%s %q of account %q: %w", operation, id, account, err)
	}
	return r, nil
}

// auditReplay writes what became another in a replay; before is nil for a new one.
func (s *Store) auditReplay(ctx context.Context, tx *sql.Tx, before, after *hook.Replay, operation string) error {
	var was []field
	if before != nil {
		was = replayFields(before)
	}
	changes, err := diff(was, replayFields(after))
	if err != nil {
		return err
	}
	return s.audit(ctx, tx, after.Account, act{operation: operation, target: after.ID, changes: changes})
}

// writeReplay updates what changes of one whose row is locked.
func (s *Store) writeReplay(ctx context.Context, tx *sql.Tx, r hook.Replay) (hook.Replay, error) {
	r.UpdatedAt = database.Time(s.stamp())
	r.EndedAt = time.Time{}
	if r.State != hook.ReplayRunning {
		r.EndedAt = r.UpdatedAt
	}
	settings, err := marshalReplaySettings(r)
	if err != nil {
		return r, err
	}
	progress, err := marshalProgress(r)
	if err != nil {
		return r, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE replays
		SET state = $2, settings = $3, progress = $4, revision = $5, updated_at = $6, ended_at = $7 WHERE id = $1`,
		r.ID, string(r.State), settings, progress, r.Revision, database.Micros(r.UpdatedAt), database.Micros(r.EndedAt))
	return r, err
}
