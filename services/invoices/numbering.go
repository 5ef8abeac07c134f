package invoices

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/upstream"
)

// series is what documents are numbered in: those of one kind, store and year.
type series struct {
	collection, store, year string
}

func (k kind) series(it *entity.Item) series {
	year, _, _ := cutDate(it.Text("date"))
	return series{collection: k.Path, store: it.Store(), year: year}
}

func cutDate(date string) (year, month, day string) {
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return "", "", ""
	}
	return date[:4], date[5:7], date[8:]
}

// text is a number as documents show it: "2026/118", with a store "2026/7/118".
func (s series) text(n int64) string {
	if s.store == "" {
		return fmt.Sprintf("%s/%d", s.year, n)
	}
	return fmt.Sprintf("%s/%s/%d", s.year, s.store, n)
}

// number gives a new document its date, today in Italy unless it has one, and the next
// number of its series. The transaction has the account to itself: a number is taken only
// with the document that bears it.
func (k kind) number(ctx context.Context, tx *entity.Tx, it *entity.Item) error {
	if !it.Has("date") {
		it.Set("date", tx.Now().In(upstream.Italy()).Format(time.DateOnly))
	}
	s := k.series(it)
	var n int64
	table := tx.Table("series")
	err := tx.SQL().QueryRowContext(ctx, `INSERT INTO `+table+` (account, collection, store, year, last) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (account, collection, store, year) DO UPDATE SET last = `+table+`.last + 1 RETURNING last`,
		tx.Account(), s.collection, s.store, s.year).Scan(&n)
	if err != nil {
		return fmt.Errorf("next number of %v: %w", s, err)
	}
	it.Set("number", s.text(n))
	it.Set("sequence", n)
	return nil
}

// stay judges that a document stays in the series that it has its number of.
func (k kind) stay(c *entity.Change) hook.Invalid {
	var faults hook.Invalid
	if !c.Before.Has("sequence") {
		return nil // older than the numbering
	}
	before, after := k.series(c.Before), k.series(c.After)
	number := c.Before.Text("number")
	if after.store != before.store {
		faults.Add("store", after.store, "must stay "+strconv.Quote(before.store)+": the number "+number+" is of its series")
	}
	if after.year != before.year {
		faults.Add("date", c.After.Text("date"), "must stay in "+before.year+": the number "+number+" is of its series")
	}
	return faults
}

// free takes back the number of a document that is deleted: only the last of its series
// can be, or a gap would be left.
func (k kind) free(ctx context.Context, tx *entity.Tx, it *entity.Item) error {
	if !it.Has("sequence") {
		return nil
	}
	s := k.series(it)
	result, err := tx.SQL().ExecContext(ctx, `UPDATE `+tx.Table("series")+` SET last = last - 1
		WHERE account = $1 AND collection = $2 AND store = $3 AND year = $4 AND last = $5`,
		tx.Account(), s.collection, s.store, s.year, it.Int("sequence"))
	if err != nil {
		return fmt.Errorf("free number of %s: %w", it.Ref(), err)
	}
	if rows, err := result.RowsAffected(); err != nil || rows == 1 {
		return err
	}
	return entity.Conflict(`%s has the number %s, which is not the last of its series: annul it with {"annulled": true} instead`,
		it.Ref(), it.Text("number"))
}
