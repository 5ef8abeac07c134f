package publish

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/database"
)

// outcome is what became of rows; those in neither list stay as they are.
type outcome struct {
	acknowledged []int64
	refused      map[int64]error
}

func (o outcome) empty() bool { return len(o.acknowledged) == 0 && len(o.refused) == 0 }

// progress settles what was answered so far, or else makes sure that the term
// goes on: without it a long wait for Kafka would cost the lease.
func (r *Relay) progress(ctx context.Context, t *term) error {
	if !r.unsettled.empty() {
		return r.settle(ctx, t)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeSpan)
	defer cancel()
	return t.Renew(ctx)
}

// settle deletes what was acknowledged and sets aside what was refused, also
// after the end of ctx. What it cannot is kept for the next time.
func (r *Relay) settle(ctx context.Context, t *term) error {
	if r.unsettled.empty() {
		return nil
	}
	if err := r.acknowledged(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeSpan)
	defer cancel()
	out := r.unsettled
	err := t.Change(ctx, func(tx *sql.Tx) error {
		if err := r.remove(ctx, tx, out.acknowledged); err != nil {
			return err
		}
		for id, reason := range out.refused {
			_, err := tx.ExecContext(ctx, `UPDATE `+r.cfg.Outbox.table()+` SET refused = $1 WHERE id = $2`, reason.Error(), id)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("relay: settle: %w", err)
	}
	for id, reason := range out.refused {
		r.cfg.Log.Error("event refused by Kafka, set aside in the outbox",
			zap.String("table", r.cfg.Outbox.table()), zap.Int64("id", id), zap.Error(reason))
	}
	r.meter.settled(out)
	r.unsettled = outcome{refused: make(map[int64]error)}
	return nil
}

// remove deletes rows by their ids: one between them may have been committed
// since they were read.
func (r *Relay) remove(ctx context.Context, tx *sql.Tx, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if err := r.byIndex(ctx, tx); err != nil {
		return err
	}
	where, arg := `id = ANY($1)`, any(ids)
	if r.cfg.DB.Dialect == database.SQLite {
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		where, arg = `id IN (SELECT value FROM json_each($1))`, string(list)
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM `+r.cfg.Outbox.table()+` WHERE `+where, arg)
	return err
}
