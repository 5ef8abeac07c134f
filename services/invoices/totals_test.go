package invoices

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTotals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ lines, net, tax, gross, vat string }{
		"one line": {
			`[{"quantity": 2, "price": 13, "vat": 10}]`, "26", "2.6", "28.6",
			`[{"rate":10,"net":26.00,"tax":2.60}]`,
		},
		"a quantity left out is one": {`[{"price": 9.99, "vat": 22}]`, "9.99", "2.2", "12.19", `[{"rate":22,"net":9.99,"tax":2.20}]`},
		"each line is rounded, halves away from zero": {
			`[{"quantity": 1, "price": 0.005, "vat": 4}, {"quantity": 3, "price": 0.335, "vat": 4}, {"price": -0.005, "vat": 4}]`,
			"1.01", "0.04", "1.05", `[{"rate":4,"net":1.01,"tax":0.04}]`,
		},
		"discount in per cent": {`[{"quantity": 3, "price": 10, "discount": 33.33, "vat": 22}]`, "20", "4.4", "24.4", `[{"rate":22,"net":20.00,"tax":4.40}]`},
		"VAT is that of the sum and not the sum of VATs": {
			`[{"price": 0.02, "vat": 22}, {"price": 0.02, "vat": 22}, {"price": 0.02, "vat": 22.00}]`, "0.06", "0.01", "0.07",
			`[{"rate":22,"net":0.06,"tax":0.01}]`,
		},
		"rates apart, the highest first, natures apart": {
			`[{"price": 1, "vat": 0, "nature": "N4"}, {"price": 2, "vat": 4}, {"price": 3, "vat": 0, "nature": "N2.1"}, {"price": 4, "vat": 22}]`,
			"10", "0.96", "10.96",
			`[{"rate":22,"net":4.00,"tax":0.88},{"rate":4,"net":2.00,"tax":0.08},{"rate":0,"nature":"N2.1","net":3.00,"tax":0.00},{"rate":0,"nature":"N4","net":1.00,"tax":0.00}]`,
		},
		"what float64 cannot hold": {`[{"quantity": 100000000, "price": 0.1, "vat": 0, "nature": "N1"}, {"price": 0.2, "vat": 0, "nature": "N1"}]`,
			"10000000.2", "0", "10000000.2", `[{"rate":0,"nature":"N1","net":10000000.20,"tax":0.00}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sum(linesOf(json.RawMessage(c.lines)))
			require.Equal(t, []string{c.net, c.tax, c.gross}, []string{got.net.String(), got.tax.String(), got.gross.String()})
			vat, err := json.Marshal(got.vat)
			require.NoError(t, err)
			require.Equal(t, c.vat, string(vat))
		})
	}
}

// anyLines are lines that keep the rules of their fields.
func anyLines() *rapid.Generator[[]line] {
	number := func(form string) *rapid.Generator[json.RawMessage] {
		return rapid.Map(rapid.StringMatching(form), func(s string) json.RawMessage { return json.RawMessage(s) })
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) line {
		l := line{
			"quantity": number(`(0|[1-9][0-9]{0,3})(\.[0-9]{1,8})?`).Draw(t, "quantity"),
			"price":    number(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,8})?`).Draw(t, "price"),
			"vat":      json.RawMessage(rapid.SampledFrom([]string{"22", "22.00", "10", "5", "4", "0"}).Draw(t, "vat")),
		}
		if rapid.Bool().Draw(t, "discounted") {
			l["discount"] = number(`([0-9]|[1-9][0-9])(\.[0-9]{1,4})?`).Draw(t, "discount")
		}
		if string(l["vat"]) == "0" {
			l["nature"] = json.RawMessage(strconv.Quote(rapid.SampledFrom(natures).Draw(t, "nature")))
		}
		return l
	}), 1, 20)
}

// The oracle is arithmetic on fractions, which rounds only where the rule says so.
func TestTotalsAreThoseOfFractions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := anyLines().Draw(t, "lines")
		got := sum(lines)
		net, shares := new(big.Rat), map[string]*big.Rat{}
		rates := map[string]*big.Rat{}
		for _, l := range lines {
			amount := fraction("1")
			if len(l["discount"]) > 0 {
				amount.Sub(amount, new(big.Rat).Quo(fraction(string(l["discount"])), fraction("100")))
			}
			amount.Mul(amount, fraction(string(l["quantity"])))
			amount = cents(amount.Mul(amount, fraction(string(l["price"]))))
			net.Add(net, amount)
			rate := fraction(string(l["vat"]))
			key := rate.String() + l.nature()
			if shares[key] == nil {
				shares[key], rates[key] = new(big.Rat), rate
			}
			shares[key].Add(shares[key], amount)
		}
		tax := new(big.Rat)
		for key, share := range shares {
			tax.Add(tax, cents(new(big.Rat).Quo(new(big.Rat).Mul(share, rates[key]), fraction("100"))))
		}
		require.Equal(t, net.FloatString(2), got.net.StringFixed(2))
		require.Equal(t, tax.FloatString(2), got.tax.StringFixed(2))
		require.Equal(t, net.Add(net, tax).FloatString(2), got.gross.StringFixed(2))
		require.Len(t, got.vat, len(shares))

		slices.Reverse(lines)
		again := sum(lines)
		require.Equal(t, marshalled(t, got.vat), marshalled(t, again.vat), "the order of the lines is of no matter")
	})
}

func fraction(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

// cents rounds halves away from zero.
func cents(r *big.Rat) *big.Rat { return fraction(r.FloatString(2)) }

func marshalled(t require.TestingT, v any) string {
	var text strings.Builder
	require.NoError(t, json.NewEncoder(&text).Encode(v))
	return text.String()
}
