package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// aheadDays is for how many days there is room, today included: a keeper that is
	// away for less is not missed.
	aheadDays = 3
	// settled is how long after its end a day is given its last indexes: nearly all
	// that is recorded of it has come.
	settled = time.Hour
)

var _ hook.LogKeeper = (*Store)(nil)

// KeepLog implements hook.LogKeeper.
func (s *Store) KeepLog(ctx context.Context, keep time.Duration) (more bool, err error) {
	before := database.Micros(s.now().Add(-keep))
	if s.db.Dialect == database.SQLite {
		more, err = s.forget(ctx, before)
	} else if err = s.MakeLogRoom(ctx); err == nil {
		more, err = s.keepDays(ctx, before)
	}
	if err != nil || more {
		return more, err
	}
	if _, err := s.db.ExecContext(ctx, `DELETE FROM log_strays WHERE published < $1`, before); err != nil {
		return false, fmt.Errorf("forgetting strays of the log: %w", err)
	}
	return false, nil
}

// MakeLogRoom implements hook.LogKeeper.
func (s *Store) MakeLogRoom(ctx context.Context) error {
	var ahead []int64
	for n := range aheadDays {
		ahead = append(ahead, dayOf(database.Micros(s.now().Add(time.Duration(n)*day))))
	}
	return s.makeDays(ctx, ahead)
}

// keepDays drops the oldest day that ended before a time, or else completes one.
func (s *Store) keepDays(ctx context.Context, before int64) (more bool, err error) {
	known, err := readDays(ctx, s.db)
	if err != nil {
		return false, fmt.Errorf("reading the days of the log: %w", err)
	}
	s.days.learn(known)
	over := database.Micros(s.now().Add(-settled))
	for _, d := range known {
		switch {
		case d.to <= before:
			return true, s.dropDay(ctx, d)
		case !d.complete && d.to <= over:
			return true, s.completeDay(ctx, d)
		}
	}
	return false, nil
}

// dropDay drops the partitions of a day, for which it needs the tables for a moment:
// as long as somebody reads them it fails, rather than make all others wait.
func (s *Store) dropDay(ctx context.Context, d logDay) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := lockDays(ctx, tx); err != nil {
			return err
		}
		for _, statement := range []string{
			`SET LOCAL lock_timeout = '1s'`,
			`DROP TABLE IF EXISTS deliveries_` + d.suffix + `, delivery_items_` + d.suffix + `, attempts_` + d.suffix,
			fmt.Sprintf(`DELETE FROM log_days WHERE day = %d`, d.from),
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dropping the day %s of the log: %w", d.suffix, err)
	}
	s.days.learn(nil)
	return nil
}

// rareIndexes are for searches that no other index leads. Made at once, when a day is
// over, they cost a small part of what they would cost each delivery.
var rareIndexes = [...]struct{ name, of string }{
	{"item_type", `(account, item_type, published, id_key)`},
	{"store", `(account, store, published, id_key) WHERE store <> ''`},
	{"item_type_store", `(account, item_type, store, published, id_key) WHERE store <> ''`},
	// What was there before there were days lacks it.
	{"undelivered_webhook", `(webhook, status, published, id_key) WHERE status <> 'delivered'`},
}

// completeDay gives a day its last indexes, while others go on writing to it.
func (s *Store) completeDay(ctx context.Context, d logDay) error {
	table := "deliveries_" + d.suffix
	err := func() error {
		for _, index := range rareIndexes {
			if err := s.makeIndex(ctx, table+"_"+index.name, table, index.of); err != nil {
				return err
			}
		}
		if _, err := s.db.ExecContext(ctx, `ANALYZE `+table); err != nil {
			return err
		}
		_, err := s.db.ExecContext(ctx, `UPDATE log_days SET complete = TRUE WHERE day = $1`, d.from)
		return err
	}()
	if err != nil {
		return fmt.Errorf("completing the day %s of the log: %w", d.suffix, err)
	}
	return nil
}

// makeIndex makes an index unless it is there. One that was broken off leaves an
// index that is of no use.
func (s *Store) makeIndex(ctx context.Context, name, table, of string) error {
	var valid bool
	err := s.db.QueryRowContext(ctx, `SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)`, name).Scan(&valid)
	if valid || err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil {
		if _, err := s.db.ExecContext(ctx, `DROP INDEX CONCURRENTLY IF EXISTS `+name); err != nil {
			return err
		}
	}
	_, err = s.db.ExecContext(ctx, `CREATE INDEX CONCURRENTLY IF NOT EXISTS `+name+` ON `+table+` `+of)
	return err
}
