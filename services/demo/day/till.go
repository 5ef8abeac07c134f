package day

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// openMinutes is how long a store is open: fourteen hours.
const openMinutes = 14 * 60

// till is a store at work.
type till struct {
	*clerk
	chain *chain
	store string
	stock *stock
	// takings are the receipts' sum, in cents; receipts is how many there are.
	takings  int64
	receipts int
	last     item // the last receipt
}

// stock is what a store has of each product, in quarters, as the day has it.
type stock struct{ quarters []int64 }

func newStock(c *chain) *stock { return &stock{quarters: make([]int64, len(c.products))} }

// decimal is an amount of so many parts of a whole, as JSON: 5 of 4 is 1.25.
func decimal(parts, of int64) json.Number {
	return json.Number(strconv.FormatFloat(float64(parts)/float64(of), 'f', -1, 64))
}

// day sells until the changes are used up, but for what the closing takes, and closes.
func (t *till) day(ctx context.Context, changes int) error {
	t.crew = t.chain.crew[t.store]
	const closing = 2
	for t.receipts == 0 || t.spent+closing < changes {
		// The clock goes by what has been spent of the day.
		if err := t.sell(ctx, min(openMinutes-1, t.spent*openMinutes/max(changes, 1))); err != nil {
			return err
		}
	}
	return t.close(ctx)
}

// sell serves a table: the bill, the receipt, and what it took from the store.
func (t *till) sell(ctx context.Context, minute int) error {
	lines, cents, used := t.order()
	bill := fields{
		"lines": lines, "table": strconv.Itoa(1 + t.random.IntN(30)), "covers": 1 + t.random.IntN(6),
		"closedAt": t.at(minute), "payment": t.one("cash", "card", "voucher"), "store": t.store,
	}
	if t.random.IntN(15) == 0 {
		if err := t.mistake(ctx, bill); err != nil {
			return err
		}
	}
	closed, err := t.create(ctx, "/closed-bills", bill)
	if err != nil {
		return err
	}
	if t.random.IntN(6) == 0 {
		if err := t.patch(ctx, closed[0], fields{"table": t.one("terrazza", "banco", "sala 2")}); err != nil {
			return err
		}
	}
	receipt, err := t.create(ctx, "/receipts", fields{
		"lines": lines, "closedBill": closed[0].id, "issuedAt": t.at(minute), "payment": bill["payment"],
		"currency": "EUR", "store": t.store,
	})
	if err != nil {
		return err
	}
	t.last = receipt[0]
	t.takings += cents
	t.receipts++
	return t.use(ctx, used, minute)
}

// order is what a table has: its lines, their sum, and the quarters of products used.
func (t *till) order() (lines []fields, cents int64, used []int64) {
	used = make([]int64, len(products))
	for range 1 + t.random.IntN(4) {
		dish, quantity := dishes[t.random.IntN(len(dishes))], int64(1+t.random.IntN(3))
		lines = append(lines, fields{"description": dish.name, "quantity": quantity, "price": decimal(dish.cents, 100), "vat": 10})
		cents += quantity * dish.cents
		if dish.product >= 0 {
			used[dish.product] += quantity
		}
	}
	return lines, cents, used
}

// mistake rings up a bill, or two of them, and takes that back.
func (t *till) mistake(ctx context.Context, bill fields) error {
	bills := []fields{bill}
	if t.random.IntN(2) == 0 {
		bills = append(bills, bill)
	}
	made, err := t.create(ctx, "/closed-bills", bills...)
	if err != nil {
		return err
	}
	return t.remove(ctx, made...)
}

// use takes goods from the store, all at once. What is not there is refused, comes
// from the warehouse, and is taken then.
func (t *till) use(ctx context.Context, used []int64, minute int) error {
	var unloads, transfers []fields
	for i, quarters := range used {
		if quarters == 0 {
			continue
		}
		move := fields{"quantity": decimal(quarters, 4), "equipment": t.chain.products[i], "store": t.store, "movedAt": t.at(minute)}
		unloads = append(unloads, merged(move, fields{"type": "unload", "reason": "sale"}))
		if t.stock.quarters[i] < quarters {
			transfers = append(transfers, merged(move, fields{
				"type": "transfer", "reason": "transfer", "quantity": 20, "store": warehouse, "toStore": t.store,
			}))
			t.stock.quarters[i] += 80
		}
		t.stock.quarters[i] -= quarters
	}
	if len(unloads) == 0 {
		return nil
	}
	if len(transfers) > 0 {
		_, err := t.create(ctx, "/stock-movements", unloads...)
		if err := t.refused(err, "a sale of goods that store "+t.store+" has not got", http.StatusUnprocessableEntity); err != nil {
			return err
		}
		moved, err := t.create(ctx, "/stock-movements", transfers...)
		if err != nil {
			return err
		}
		if err := t.patch(ctx, moved[0], fields{"note": "bolla " + strconv.Itoa(t.random.IntN(1000))}); err != nil {
			return err
		}
	}
	_, err := t.create(ctx, "/stock-movements", unloads...)
	return err
}

func merged(a, b fields) fields {
	both := make(fields, len(a)+len(b))
	for name, value := range a {
		both[name] = value
	}
	for name, value := range b {
		both[name] = value
	}
	return both
}

// close sums the day's receipts, which nobody changes from then on.
func (t *till) close(ctx context.Context) error {
	closing, err := t.create(ctx, "/cash-closings", fields{"date": t.date, "store": t.store})
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%d.%02d", t.takings/100, t.takings%100); !sameAmount(closing[0].total, want) {
		t.book.fault("%s has the total %s, and the receipts of store %s come to %s", closing[0].ref(), closing[0].total, t.store, want)
	}
	err = t.patch(ctx, t.last, fields{"note": "dopo la chiusura"})
	return t.refused(err, "a change of "+t.last.ref()+", whose day is closed,", http.StatusConflict)
}

// sameAmount reports whether two texts are the same amount of euro.
func sameAmount(a json.Number, b string) bool {
	x, errX := a.Float64()
	y, errY := json.Number(b).Float64()
	return errX == nil && errY == nil && int64(x*100+0.5) == int64(y*100+0.5)
}
