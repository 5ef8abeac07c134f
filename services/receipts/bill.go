package receipts

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/shopspring/decimal"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

// line is one of a bill or receipt, as it was written; a field that is absent is empty.
type line struct {
	Quantity, Price json.RawMessage
}

// bill is the rules of closed bills.
func bill(_ context.Context, _ *entity.Tx, c *entity.Change) error {
	if c.After == nil {
		return nil
	}
	return add(c).Err()
}

// add sets the total of a bill or receipt from its lines where the request gives lines and
// no total. The till's own total stands: it may have a cover charge, or be rounded.
func add(c *entity.Change) hook.Invalid {
	var faults hook.Invalid
	given := c.Given("total") && c.After.Has("total")
	if c.Given("lines") && !given {
		sum, priced := total(c.After.Value("lines"))
		if priced {
			c.After.Set("total", entity.Money(sum))
		}
	}
	if !c.After.Has("total") {
		faults.Add("total", "", "is required where there are no lines with prices")
	}
	return faults
}

// total of lines: each is quantity × price, VAT included, rounded half away from zero to
// cents. priced: there are some, and all have a price.
func total(text json.RawMessage) (sum decimal.Decimal, priced bool) {
	var lines []line
	if json.Unmarshal(text, &lines) != nil {
		return sum, false
	}
	for _, l := range lines {
		if len(l.Price) == 0 || bytes.Equal(l.Price, []byte("null")) {
			return sum, false
		}
		quantity := decimal.NewFromInt(1)
		if len(l.Quantity) > 0 && !bytes.Equal(l.Quantity, []byte("null")) {
			quantity = entity.ParseDecimal(l.Quantity)
		}
		sum = sum.Add(quantity.Mul(entity.ParseDecimal(l.Price)).Round(2))
	}
	return sum, len(lines) > 0
}
