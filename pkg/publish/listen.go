package publish

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/zap"
)

// listenAgain is the pause after a connection that listened broke. Meanwhile,
// and where a pooler between does not know LISTEN, the relay polls.
const listenAgain = 5 * time.Second

// listen signals when a transaction that wrote to the outbox commits, until ctx
// ends. It has a connection of its own.
func (r *Relay) listen(ctx context.Context, log *zap.Logger) {
	for failing := false; ctx.Err() == nil; {
		err := r.listenOnce(ctx, func() { failing = false })
		if ctx.Err() != nil {
			return
		}
		if !failing {
			log.Warn("relay is not notified, and polls", zap.Duration("poll", r.cfg.Poll), zap.Error(err))
		}
		failing = true
		sleep(ctx, listenAgain, nil)
	}
}

func (r *Relay) listenOnce(ctx context.Context, listening func()) error {
	conn, err := r.cfg.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(raw any) error {
		one, ok := raw.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("listen: connection is a %T", raw)
		}
		// ErrBadConn: the pool shall not give a connection that listens to others.
		if _, err := one.Conn().Exec(ctx, "LISTEN "+pgx.Identifier{r.cfg.Outbox.table()}.Sanitize()); err != nil {
			return errors.Join(driver.ErrBadConn, err)
		}
		listening()
		for {
			// Also before the first: of what was committed before nobody told.
			r.cfg.Outbox.Committed()
			if _, err := one.Conn().WaitForNotification(ctx); err != nil {
				return errors.Join(driver.ErrBadConn, err)
			}
		}
	})
}
