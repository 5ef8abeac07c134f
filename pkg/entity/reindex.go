package entity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
)

// reindexBatch is how many items are indexed anew in one transaction.
const reindexBatch = 500

// signature tells one set of filters from another.
func (c *Collection) signature() string {
	var text strings.Builder
	for _, f := range c.filters() {
		text.WriteString(f.Name + " " + strconv.Itoa(int(f.Filter)))
		if f.Absent != "" {
			text.WriteString(" " + f.Absent)
		}
		text.WriteString(";")
	}
	return text.String()
}

// sameFilters reports whether two signatures are of the same filters. Their order says how
// a list is looked up, and not what is in the index.
func sameFilters(one, other string) bool {
	a, b := strings.Split(one, ";"), strings.Split(other, ";")
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// unindexed are the collections whose items were indexed for other filters than they
// have now, or not at all.
func (d Domain) unindexed(ctx context.Context, db *database.DB) ([]Collection, error) {
	var all []Collection
	for _, c := range d.Collections {
		var filters string
		err := db.QueryRowContext(ctx, `SELECT filters FROM `+d.Prefix+`_indexed WHERE collection = $1`, c.Path).Scan(&filters)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("filters of /%s: %w", c.Path, err)
		}
		if !sameFilters(filters, c.signature()) {
			all = append(all, c)
		}
	}
	return all, nil
}

// reindex writes the terms of all items of a collection anew. Should it end half way it
// begins anew the next time.
func (d Domain) reindex(ctx context.Context, db *database.DB, c *Collection) error {
	s := newStore(db, d.Prefix)
	account, id := "", int64(0)
	for done := false; !done; {
		err := db.Tx(ctx, func(tx *sql.Tx) (err error) {
			account, id, done, err = s.reindexSome(ctx, tx, c, account, id)
			return err
		})
		if err != nil {
			return fmt.Errorf("index /%s: %w", c.Path, err)
		}
	}
	_, err := db.ExecContext(ctx, `INSERT INTO `+d.Prefix+`_indexed (collection, filters) VALUES ($1, $2)
		ON CONFLICT (collection) DO UPDATE SET filters = excluded.filters`, c.Path, c.signature())
	if err != nil {
		return fmt.Errorf("filters of /%s: %w", c.Path, err)
	}
	return nil
}

// reindexSome goes on after an item, and returns the last one that it did.
func (s store) reindexSome(ctx context.Context, tx *sql.Tx, c *Collection, account string, id int64) (string, int64, bool, error) {
	next, err := s.accountAfter(ctx, tx, c, account, id)
	if err != nil || next == "" {
		return account, id, true, err
	}
	if next != account {
		account, id = next, 0
	}
	items, err := s.query(ctx, tx, c, nil, `SELECT `+columns+` FROM `+s.items+
		` WHERE account = $1 AND collection = $2 AND deleted_at IS NULL AND id > $3 ORDER BY id LIMIT $4`+s.lock,
		account, c.Path, id, reindexBatch)
	if err != nil {
		return account, id, false, err
	}
	for _, it := range items {
		if err := s.forgetTerms(ctx, tx, account, it); err != nil {
			return account, id, false, err
		}
		if err := s.reindex(ctx, tx, account, nil, it); err != nil {
			return account, id, false, err
		}
		id = it.id
	}
	return account, id, false, nil
}

// accountAfter is the account of the next live item, empty if there is none.
func (s store) accountAfter(ctx context.Context, tx *sql.Tx, c *Collection, account string, id int64) (string, error) {
	var next string
	err := tx.QueryRowContext(ctx, `SELECT account FROM `+s.items+` WHERE collection = $1 AND deleted_at IS NULL
		AND (account > $2 OR account = $2 AND id > $3) ORDER BY account, id LIMIT 1`, c.Path, account, id).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return next, err
}
