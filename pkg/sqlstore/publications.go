package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Unpublished implements hook.Publications. An account is queued as long as the
// version that was published last is lower than its own.
func (s *Store) Unpublished(ctx context.Context, limit int) ([]hook.AccountState, error) {
	return s.states(ctx, `published < version`, limit)
}

// States implements hook.Publications.
func (s *Store) States(ctx context.Context, after string, limit int) ([]hook.AccountState, error) {
	return s.states(ctx, `id > $2`, limit, after)
}

// states reads accounts, their webhooks and schemas at one moment: a version stands
// for exactly those that it comes with.
func (s *Store) states(ctx context.Context, condition string, limit int, args ...any) ([]hook.AccountState, error) {
	var states []hook.AccountState
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		accounts, err := collect(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM accounts
			WHERE `+condition+` ORDER BY id LIMIT $1`, append([]any{limit}, args...)...)
		if err != nil || len(accounts) == 0 {
			return err
		}
		places := make(map[string]int, len(accounts))
		ids := make([]string, len(accounts))
		states = make([]hook.AccountState, len(accounts))
		for i, a := range accounts {
			states[i].Account, places[a.ID], ids[i] = a, i, a.ID
		}
		var where conditions
		where.add(`status <> 'revoked'`)
		in(&where, "account", ids)
		webhooks, err := collect(ctx, tx, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks
			WHERE `+where.text.String()+` ORDER BY id`, where.args...)
		for _, w := range webhooks {
			state := &states[places[w.Account]]
			state.Webhooks = append(state.Webhooks, w)
		}
		if err != nil {
			return err
		}
		schemas, err := ownedSchemas(ctx, tx, ids)
		for _, s := range schemas {
			state := &states[places[s.account]]
			state.Schemas = append(state.Schemas, s.ItemSchema)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading states of accounts: %w", err)
	}
	return states, nil
}

// Published implements hook.Publications.
func (s *Store) Published(ctx context.Context, states []hook.AccountState) error {
	if len(states) == 0 {
		return nil
	}
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		for _, state := range states {
			if _, err := tx.ExecContext(ctx, `UPDATE accounts SET published = $2 WHERE id = $1 AND published < $2`,
				state.Account.ID, state.Account.Version); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("confirming publication of %d accounts: %w", len(states), err)
	}
	return nil
}

// Digest implements hook.Publications. It reads every account's row: about
// 20 ms for 100,000 accounts on PostgreSQL.
func (s *Store) Digest(ctx context.Context) (d hook.StateDigest, ok bool, err error) {
	row := s.db.QueryRowContext(ctx, `
		SELECT COUNT(*), CAST(COALESCE(SUM(version), 0) AS BIGINT),
			NOT EXISTS (SELECT 1 FROM accounts WHERE published < version)
		FROM accounts`)
	if err := row.Scan(&d.Accounts, &d.Versions, &ok); err != nil {
		return hook.StateDigest{}, false, fmt.Errorf("digest of accounts: %w", err)
	}
	return d, ok, nil
}
