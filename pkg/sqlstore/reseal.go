package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Reseal walks an account's live webhooks by id, in one transaction: at most limit of
// those after the given id. do may exchange what is sealed in one, and says whether it
// did; it may run more than once. Nothing else of a webhook is written, and its version
// stays: what people see has not changed. The account's rises if anything was written,
// which queues it for publication to the cache. next is the id to go on after, empty at
// the end. ErrNotFound if the account is not there.
func (s *Store) Reseal(ctx context.Context, account, after string, limit int, do func(*hook.Webhook) (changed bool, err error)) (next string, err error) {
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		owner, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		list, err := collect(ctx, tx, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks
			WHERE account = $1 AND status <> 'revoked' AND id > $2 ORDER BY id LIMIT $3`, account, after, limit)
		if err != nil {
			return err
		}
		next = ""
		if len(list) == limit {
			next = list[limit-1].ID
		}
		written := false
		for i := range list {
			changed, err := do(&list[i])
			if err != nil {
				return err
			}
			if !changed {
				continue
			}
			text, err := marshalSettings(list[i])
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE webhooks SET settings = $2 WHERE id = $1`, list[i].ID, text); err != nil {
				return err
			}
			written = true
		}
		if !written {
			return nil
		}
		return raise(ctx, tx, owner)
	})
	if err != nil {
		return "", fmt.Errorf("re-sealing webhooks of account %q: %w", account, err)
	}
	return next, nil
}
