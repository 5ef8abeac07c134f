package receipts

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/shopspring/decimal"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

// mostTotal is the largest total that may be given: twelve digits and the cents.
var mostTotal = decimal.RequireFromString("999999999999.99")

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
		sum, priced := total(entity.Objects(c.After.Value("lines")))
		switch {
		case sum.Abs().GreaterThan(mostTotal):
			faults.Add("lines", "", "must not add up to more than "+mostTotal.String()+" or less than "+mostTotal.Neg().String())
			return faults
		case priced:
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
func total(lines []map[string]json.RawMessage) (sum decimal.Decimal, priced bool) {
	for _, l := range lines {
		if !has(l, "price") {
			return sum, false
		}
		quantity := decimal.NewFromInt(1)
		if has(l, "quantity") {
			quantity = entity.ParseDecimal(l["quantity"])
		}
		sum = sum.Add(quantity.Mul(entity.ParseDecimal(l["price"])).Round(2))
	}
	return sum, len(lines) > 0
}

func has(line map[string]json.RawMessage, field string) bool {
	return len(line[field]) > 0 && !bytes.Equal(line[field], []byte("null"))
}
