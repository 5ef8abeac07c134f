package publish

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
)

const (
	// crowd is so many rows in a round that writers come faster than rounds
	// do: nothing needs to wake the relay then.
	crowd = 5
	// quickLook is the first pause of a relay that has just fallen asleep: it
	// may have missed a writer that found it awake. It doubles up to the poll.
	quickLook = 10 * time.Millisecond
)

// waiter is what a relay does between two rounds. As long as rows keep coming
// it waits for nothing. Then it says in the database that it is asleep, so that
// commits notify it, which they need not do under load.
type waiter struct {
	relay  *Relay
	term   *term
	asleep bool
	pause  time.Duration
}

// wait returns when there may be rows again, after a round that had so many.
func (w *waiter) wait(ctx context.Context, rows int) error {
	switch {
	case w.asleep && rows >= crowd:
		return w.sleeps(ctx, false)
	case rows > 0:
		return nil
	case !w.asleep:
		// Another look: who wrote before this found the relay awake.
		w.pause = quickLook
		return w.sleeps(ctx, true)
	}
	w.pause = min(w.pause, w.relay.cfg.Poll)
	sleep(ctx, w.pause, w.relay.cfg.Outbox.wake)
	w.pause *= 2
	return nil
}

func (w *waiter) sleeps(ctx context.Context, asleep bool) error {
	w.asleep = asleep
	if w.relay.cfg.DB.Dialect != database.Postgres {
		return nil // nobody reads it
	}
	ctx, cancel := context.WithTimeout(ctx, writeSpan)
	defer cancel()
	err := w.term.Change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE `+w.term.table+` SET asleep = $1 WHERE id = 1`, asleep)
		return err
	})
	if err != nil {
		return fmt.Errorf("relay: wait: %w", err)
	}
	return nil
}

// sleep waits for the time, the signal or the end of ctx.
func sleep(ctx context.Context, d time.Duration, signal <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-signal:
	case <-ctx.Done():
	}
}
