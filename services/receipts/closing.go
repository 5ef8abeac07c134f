package receipts

import (
	"context"
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/upstream"
)

const (
	// day is the field of a receipt with the day that it counts for.
	day = "day"
	// other is the kind of payment of receipts that name none.
	other = "other"
)

// receipt is the rules of receipts: those of a day that is closed can be neither added
// nor changed nor deleted.
func receipt(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	if c.After != nil {
		if faults := add(c); len(faults) > 0 {
			return faults
		}
		if !c.After.Has("issuedAt") {
			c.After.Set("issuedAt", c.After.CreatedAt().In(upstream.Italy()).Format(time.RFC3339))
		}
		c.After.Set(day, dayOf(c.After))
	}
	for _, it := range []*entity.Item{c.Before, c.After} {
		if it == nil {
			continue
		}
		closed, err := closingOf(ctx, tx, it.Store(), dayOf(it))
		if err != nil {
			return err
		}
		if closed != nil {
			return entity.Conflict("%s closes %s: its receipts can be neither added nor changed nor deleted",
				closed.Ref(), placeOf(it.Store(), dayOf(it)))
		}
	}
	return nil
}

// dayOf is the day that a receipt counts for: that of issuedAt on the clock that wrote
// it, by its own offset.
func dayOf(it *entity.Item) string {
	at, err := time.Parse(time.RFC3339, it.Text("issuedAt"))
	if err != nil { // older than the rule that sets it
		at = it.CreatedAt().In(upstream.Italy())
	}
	return at.Format(time.DateOnly)
}

func placeOf(store, date string) string {
	if store == "" {
		return "the day " + date + " without a store"
	}
	return "the day " + date + " of store " + store
}

// closing is the rules of cash closings: one per store and day, which sums the receipts
// of both. While it is there they do not change, and nor does what it says of them.
func closing(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	switch {
	case c.Before == nil:
		return closeDay(ctx, tx, c.After)
	case c.After == nil:
		return reopen(ctx, tx, c.Before)
	default:
		return staysClosed(c).Err()
	}
}

func closeDay(ctx context.Context, tx *entity.Tx, it *entity.Item) error {
	if !it.Has("date") {
		it.Set("date", tx.Now().In(upstream.Italy()).Format(time.DateOnly))
	}
	date := it.Text("date")
	already, err := closingOf(ctx, tx, it.Store(), date)
	if err != nil {
		return err
	}
	if already != nil {
		return entity.Conflict("%s closes %s already", already.Ref(), placeOf(it.Store(), date))
	}
	receipts, err := ofStore(ctx, tx, "receipts", it.Store(), entity.Equal(day, date))
	if err != nil {
		return err
	}
	if err := oneCurrency(receipts); err != nil {
		return err
	}
	sum, byPayment := decimal.Zero, make(map[string]decimal.Decimal)
	for _, r := range receipts {
		payment := r.Text("payment")
		if payment == "" {
			payment = other
		}
		sum = sum.Add(r.Decimal("total"))
		byPayment[payment] = byPayment[payment].Add(r.Decimal("total"))
	}
	payments := make(map[string]json.Number, len(byPayment))
	for payment, amount := range byPayment {
		payments[payment] = entity.Money(amount)
	}
	it.Set("receipts", len(receipts))
	it.Set("payments", payments)
	it.Set("total", entity.Money(sum))
	return nil
}

// oneCurrency judges that receipts can be summed; those that name no currency are in that of
// the others.
func oneCurrency(receipts []*entity.Item) error {
	var first *entity.Item
	for _, r := range receipts {
		switch have := r.Text("currency"); {
		case have == "":
		case first == nil:
			first = r
		case have != first.Text("currency"):
			return entity.Conflict("the receipts cannot be summed: %s is in %s, and %s in %s",
				first.Ref(), first.Text("currency"), r.Ref(), have)
		}
	}
	return nil
}

// reopen lets the last day of a store that is closed be opened again; an earlier one
// would change what later ones build on.
func reopen(ctx context.Context, tx *entity.Tx, it *entity.Item) error {
	later, err := ofStore(ctx, tx, "cash-closings", it.Store(), entity.Between("date", it.Text("date"), ""))
	if err != nil {
		return err
	}
	for _, one := range later {
		if one.Text("date") > it.Text("date") {
			return entity.Conflict("%s cannot be deleted: %s closes a later day, %s", it.Ref(), one.Ref(), one.Text("date"))
		}
	}
	return nil
}

func staysClosed(c *entity.Change) hook.Invalid {
	var faults hook.Invalid
	if c.After.Store() != c.Before.Store() {
		faults.Add("store", c.After.Store(), "must not change: the closing is of its store and day")
	}
	if c.After.Text("date") != c.Before.Text("date") {
		faults.Add("date", c.After.Text("date"), "must not change: the closing is of its store and day")
	}
	return faults
}

// closingOf is the closing of a store and day; nil while it is open.
func closingOf(ctx context.Context, tx *entity.Tx, store, date string) (*entity.Item, error) {
	found, err := ofStore(ctx, tx, "cash-closings", store, entity.Equal("date", date))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// ofStore lists the items of a store, or those without one if it is empty.
func ofStore(ctx context.Context, tx *entity.Tx, collection, store string, conditions ...entity.Condition) ([]*entity.Item, error) {
	if store != "" {
		return tx.List(ctx, collection, append(conditions, entity.Equal("store", store))...)
	}
	all, err := tx.List(ctx, collection, conditions...)
	if err != nil {
		return nil, err
	}
	var without []*entity.Item
	for _, it := range all {
		if it.Store() == "" {
			without = append(without, it)
		}
	}
	return without, nil
}
