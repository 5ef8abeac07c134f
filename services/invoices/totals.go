package invoices

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

var (
	one     = decimal.NewFromInt(1)
	hundred = decimal.NewFromInt(100)
	// mostTotal is the largest total of a document: twelve digits and the cents.
	mostTotal = decimal.RequireFromString("999999999999.99")
)

// line is one of a document, as it was written.
type line map[string]json.RawMessage

func linesOf(array json.RawMessage) []line {
	var lines []line
	for _, one := range entity.Objects(array) {
		lines = append(lines, one)
	}
	return lines
}

// net is quantity × price less the discount, rounded half away from zero to cents.
func (l line) net() decimal.Decimal {
	quantity := one
	if l.has("quantity") {
		quantity = entity.ParseDecimal(l["quantity"])
	}
	share := one.Sub(entity.ParseDecimal(l["discount"]).Div(hundred))
	return quantity.Mul(entity.ParseDecimal(l["price"])).Mul(share).Round(2)
}

func (l line) has(field string) bool {
	return len(l[field]) > 0 && !bytes.Equal(l[field], []byte("null"))
}

func (l line) nature() string {
	var text string
	if json.Unmarshal(l["nature"], &text) != nil {
		return "" // absent: the field's rule has let through only text
	}
	return text
}

// share is what the lines of one rate and nature make together.
type share struct {
	Rate   json.Number `json:"rate"`
	Nature string      `json:"nature,omitempty"`
	Net    json.Number `json:"net"`
	Tax    json.Number `json:"tax"`

	rate, net decimal.Decimal
}

// totals of a document. The VAT of each rate and nature is that of the sum of its lines,
// rounded half away from zero to cents; those of the highest rate come first.
type totals struct {
	net, tax, gross decimal.Decimal
	vat             []share
}

func sum(lines []line) totals {
	var t totals
	for _, l := range lines {
		rate, nature := entity.ParseDecimal(l["vat"]), l.nature()
		at := slices.IndexFunc(t.vat, func(s share) bool { return s.rate.Equal(rate) && s.Nature == nature })
		if at < 0 {
			at = len(t.vat)
			t.vat = append(t.vat, share{Rate: json.Number(rate.String()), Nature: nature, rate: rate})
		}
		t.vat[at].net = t.vat[at].net.Add(l.net())
	}
	for i := range t.vat {
		s := &t.vat[i]
		tax := s.net.Mul(s.rate).Div(hundred).Round(2)
		s.Net, s.Tax = entity.Money(s.net), entity.Money(tax)
		t.net, t.tax = t.net.Add(s.net), t.tax.Add(tax)
	}
	t.gross = t.net.Add(t.tax)
	slices.SortFunc(t.vat, func(a, b share) int {
		return cmp.Or(b.rate.Cmp(a.rate), cmp.Compare(a.Nature, b.Nature))
	})
	return t
}

// add sets a document's totals from its lines. One without lines has the total that
// its caller gives.
func (k kind) add(c *entity.Change) hook.Invalid {
	var faults hook.Invalid
	it := c.After
	if c.Before != nil && c.Cause != "" && bytes.Equal(c.Before.Value("lines"), it.Value("lines")) {
		return nil // other documents' rules change what they derive, and no total
	}
	lines := linesOf(it.Value("lines"))
	priced := !slices.ContainsFunc(lines, func(l line) bool { return !l.has("price") || !l.has("vat") })
	if len(lines) == 0 || !priced {
		for _, field := range []string{"net", "tax", "vat"} {
			it.Set(field, nil)
		}
		if !k.unpriced && !it.Has("total") {
			faults.Add("total", "", "is required where there are no lines")
		}
		return faults
	}
	for i, l := range lines {
		checkNature("lines["+strconv.Itoa(i)+"].nature", l, &faults)
	}
	t := sum(lines)
	total := entity.Money(t.gross)
	switch {
	case t.gross.IsNegative():
		faults.Add("lines", "", "must not add up to less than 0: they make "+total.String())
	case t.gross.GreaterThan(mostTotal):
		faults.Add("lines", "", "must not add up to more than "+mostTotal.String())
	case c.Given("total") && it.Has("total") && !it.Decimal("total").Equal(t.gross):
		faults.AddJSON("total", it.Value("total"), "must be "+total.String()+", what the lines add up to with VAT, or be left out")
	}
	it.Set("net", entity.Money(t.net))
	it.Set("tax", entity.Money(t.tax))
	it.Set("vat", t.vat)
	it.Set("total", total)
	return faults
}

// checkNature judges that a line says why it bears no VAT, if it bears none.
func checkNature(field string, l line, faults *hook.Invalid) {
	free, nature := entity.ParseDecimal(l["vat"]).IsZero(), l.nature()
	switch {
	case free && nature == "":
		faults.Add(field, "", "is required where vat is 0")
	case !free && nature != "":
		faults.Add(field, nature, "must be left out where vat is not 0")
	}
}
