package stock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

// The types of a movement; the empty one is an adjustment.
const (
	load       = "load"       // quantity comes into the store
	unload     = "unload"     // quantity leaves the store
	transfer   = "transfer"   // quantity goes from the store to another one
	adjustment = "adjustment" // quantity, which may be negative, is added
)

var kinds = []string{load, unload, transfer, adjustment}

const required = "is required"

// place is where there is a level.
type place struct {
	equipment int64
	store     string
}

// effects of a movement that was checked: what it adds to each level; none if
// there is no movement.
func effects(it *entity.Item) map[place]decimal.Decimal {
	if it == nil || it.Parent() == 0 {
		return nil // of before products were required
	}
	quantity := it.Decimal(quantityField)
	from := place{it.Parent(), it.Store()}
	switch it.Text(typeField) {
	case unload:
		return map[place]decimal.Decimal{from: quantity.Neg()}
	case transfer:
		return map[place]decimal.Decimal{from: quantity.Neg(), {it.Parent(), it.Text(toStoreField)}: quantity}
	default:
		return map[place]decimal.Decimal{from: quantity}
	}
}

// check judges a movement as a whole, once its fields have been.
func check(it *entity.Item) error {
	var faults hook.Invalid
	if it.Parent() == 0 {
		faults.Add(equipmentField, "", required)
	}
	kind, quantity := it.Text(typeField), it.Decimal(quantityField)
	switch {
	case quantity.IsZero():
		faults.AddJSON(quantityField, it.Value(quantityField), "must not be 0")
	case quantity.IsNegative() && kind != "" && kind != adjustment:
		faults.AddJSON(quantityField, it.Value(quantityField), "must be positive in a "+kind+": the type says which way it goes")
	}
	to := it.Text(toStoreField)
	switch {
	case kind != transfer && it.Has(toStoreField):
		faults.Add(toStoreField, to, "must be left out but in a transfer")
	case kind == transfer && to == "":
		faults.Add(toStoreField, "", required+" in a transfer")
	case kind == transfer && it.Store() == "":
		faults.Add("store", "", required+" in a transfer")
	case kind == transfer && to == it.Store():
		faults.Add(toStoreField, to, "must not be the store that it comes from")
	}
	return faults.Err()
}

// keepLevels is the rule of movements: a change of one changes the levels by what
// it does now less what it did before, and none of them may sink below zero, unless
// the account allows it.
func keepLevels(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	if c.After != nil {
		if err := check(c.After); err != nil {
			return err
		}
	}
	sums := effects(c.After)
	if sums == nil {
		sums = make(map[place]decimal.Decimal)
	}
	for at, quantity := range effects(c.Before) {
		sums[at] = sums[at].Sub(quantity)
	}
	places := make([]place, 0, len(sums))
	for at := range sums {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.equipment, b.equipment), cmp.Compare(a.store, b.store))
	})
	for _, at := range places {
		if err := move(ctx, tx, at, sums[at], c); err != nil {
			return err
		}
	}
	return nil
}

// move changes a level.
func move(ctx context.Context, tx *entity.Tx, at place, by decimal.Decimal, c *entity.Change) error {
	if by.IsZero() {
		return nil
	}
	// A product that is deleted has no levels any more.
	if product, err := tx.Find(ctx, equipmentPath, at.equipment); err != nil || product == nil {
		return err
	}
	has, err := level(ctx, tx, at)
	if err != nil {
		return err
	}
	will := has.Add(by)
	if by.IsNegative() && will.IsNegative() {
		allowed, err := allowsNegative(ctx, tx.SQL(), tx.Account())
		if err != nil {
			return err
		}
		if !allowed {
			return refuse(at, has, by, c)
		}
	}
	return setLevel(ctx, tx, at, will)
}

// refuse says that a store has not got what a change takes from it.
func refuse(at place, has, by decimal.Decimal, c *entity.Change) error {
	store := "the account"
	if at.store != "" {
		store = "store " + strconv.Quote(at.store)
	}
	missing := fmt.Sprintf("%s has %s of /%s/%d, and this takes %s", store, has, equipmentPath, at.equipment, by.Neg())
	if c.After == nil {
		return entity.Conflict("%s would leave a level below zero: %s", c.Before.Ref(), missing)
	}
	return hook.Invalid{{
		Field: quantityField, Value: string(c.After.Value(quantityField)), Rule: "must not leave a level below zero: " + missing,
	}}
}
