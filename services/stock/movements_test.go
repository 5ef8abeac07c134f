package stock_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

const movements = "/stock-movements"

func TestMovementsMakeTheLevels(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.must(t, 201, "POST", "/equipment", `[{"name": "Farina"}, {"name": "Vino"}]`)
	require.Empty(t, s.levels(t))
	s.must(t, 201, "POST", movements, `{"type": "load", "quantity": 10.5, "equipment": 1, "store": "7"}`)
	s.must(t, 201, "POST", movements, `{"type": "unload", "quantity": 0.125, "equipment": 1, "store": "7"}`)
	s.must(t, 201, "POST", movements, `{"type": "transfer", "quantity": 4, "equipment": 1, "store": "7", "toStore": "9"}`)
	s.must(t, 201, "POST", movements, `{"type": "adjustment", "quantity": -1, "equipment": 1, "store": "9"}`)
	s.must(t, 201, "POST", movements, `{"quantity": 3, "equipment": 2}`)
	require.Equal(t, map[string]string{"1/7": "6.375", "1/9": "3", "2/-": "3"}, s.levels(t))

	require.JSONEq(t, `{"items": [{"equipment": 1, "ref": "/equipment/1", "store": "9", "quantity": 3}], "next": null}`,
		s.must(t, 200, "GET", "/stock-levels?equipment=1&store=9", ""))
	require.JSONEq(t, `{"items": [{"equipment": 2, "ref": "/equipment/2", "store": null, "quantity": 3}], "next": null}`,
		s.must(t, 200, "GET", "/stock-levels?equipment=2&store=", ""))
	require.JSONEq(t, `{"items": [], "next": null}`, shop{"other", s.handler}.must(t, 200, "GET", "/stock-levels", ""))
}

func TestALevelStaysAtZeroOrMore(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.must(t, 201, "POST", "/equipment", `{"name": "Farina"}`)
	s.must(t, 201, "POST", movements, `{"type": "load", "quantity": 5, "equipment": 1, "store": "7"}`)
	s.must(t, 201, "POST", movements, `{"type": "unload", "quantity": 3, "equipment": 1, "store": "7"}`)
	const below = `must not leave a level below zero: store "7" has 2 of /equipment/1, and this takes `
	for _, c := range []struct{ method, target, body, field, value, takes string }{
		{"POST", movements, `{"type": "unload", "quantity": 2.000001, "equipment": 1, "store": "7"}`, "quantity", "2.000001", "2.000001"},
		{"POST", movements, `{"type": "transfer", "quantity": 3, "equipment": 1, "store": "7", "toStore": "9"}`, "quantity", "3", "3"},
		{"POST", movements, `{"type": "adjustment", "quantity": -3, "equipment": 1, "store": "7"}`, "quantity", "-3", "3"},
		{"POST", movements, `[{"type": "unload", "quantity": 2, "equipment": 1, "store": "9"}]`, "[0].quantity", "2", ""},
		{"PATCH", movements + "/2", `{"quantity": 6}`, "quantity", "6", "3"},
		{"PATCH", movements + "/1", `{"quantity": 1}`, "quantity", "1", "4"},
		{"PATCH", movements + "/1", `{"store": "9"}`, "quantity", "5", "5"},
		{"PATCH", movements, `[{"id": 1, "type": "unload"}]`, "[0].quantity", "5", "10"},
	} {
		rule := below + c.takes
		if c.takes == "" {
			rule = `store "9" has 0 of /equipment/1`
		}
		s.refused(t, http.StatusUnprocessableEntity, c.method, c.target, c.body, c.field, c.value, rule)
	}
	require.Contains(t, s.must(t, http.StatusConflict, "DELETE", movements+"/1", ""), "/stock-movements/1 would leave a level below zero")
	s.must(t, http.StatusConflict, "DELETE", movements+"?id=1", "")
	require.Equal(t, map[string]string{"1/7": "2"}, s.levels(t), "nothing of what was refused is kept")

	s.must(t, 200, "PATCH", movements+"/1", `{"quantity": 3}`)
	require.Equal(t, map[string]string{"1/7": "0"}, s.levels(t))
	s.must(t, http.StatusNoContent, "DELETE", movements+"?id=2&id=1", "")
	require.Equal(t, map[string]string{"1/7": "0"}, s.levels(t))
}

func TestAnAccountMayAllowLevelsBelowZero(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.must(t, 201, "POST", "/equipment", `{"name": "Farina"}`)
	require.JSONEq(t, `{"allowNegative": false}`, s.must(t, 200, "GET", "/stock-settings", ""))
	require.JSONEq(t, `{"allowNegative": true}`, s.must(t, 200, "PATCH", "/stock-settings", `{"allowNegative": true}`))
	s.must(t, 201, "POST", movements, `{"type": "unload", "quantity": 5, "equipment": 1, "store": "7"}`)
	require.JSONEq(t, `{"allowNegative": false}`, shop{"other", s.handler}.must(t, 200, "GET", "/stock-settings", ""))

	s.must(t, 200, "PATCH", "/stock-settings", `{"allowNegative": false}`)
	require.Equal(t, map[string]string{"1/7": "-5"}, s.levels(t))
	s.must(t, 201, "POST", movements, `{"type": "load", "quantity": 2, "equipment": 1, "store": "7"}`)
	s.refused(t, 422, "POST", movements, `{"type": "unload", "quantity": 1, "equipment": 1, "store": "7"}`, "quantity", "1", "has -3")

	s.refused(t, 422, "PATCH", "/stock-settings", `{"allowNegative": "yes"}`, "allowNegative", "yes", "must be true or false")
	s.refused(t, 422, "PATCH", "/stock-settings", `{"negative": true}`, "negative", "true", "must be one of allowNegative")
	s.must(t, 400, "PATCH", "/stock-settings", `[]`)
	s.must(t, 405, "DELETE", "/stock-settings", ``)
	reader := shop{"acme-reader", s.handler}
	reader.must(t, 403, "PATCH", "/stock-settings", `{"allowNegative": true}`)
	reader.must(t, 200, "GET", "/stock-settings", "")
}

func TestWrongMovementsAreRefusedByField(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.must(t, 201, "POST", "/equipment", `{"name": "Farina"}`)
	for _, c := range []struct{ body, field, value, rule string }{
		{`{"type": "load", "quantity": 1}`, "equipment", "", "is required"},
		{`{"type": "load", "quantity": 1, "equipment": 2}`, "equipment", "2", "must be the id of an item of /equipment"},
		{`{"type": "gift", "quantity": 1, "equipment": 1}`, "type", `gift`, "must be one of load, unload, transfer, adjustment"},
		{`{"type": "load", "equipment": 1}`, "quantity", "", "is required"},
		{`{"type": "load", "quantity": "1", "equipment": 1}`, "quantity", "1", "must be a number"},
		{`{"type": "load", "quantity": 0, "equipment": 1}`, "quantity", "0", "must not be 0"},
		{`{"type": "load", "quantity": -1, "equipment": 1}`, "quantity", "-1", "must be positive in a load"},
		{`{"type": "load", "quantity": 1e3, "equipment": 1}`, "quantity", "1e3", "at most 9 digits before its point and 6 after it"},
		{`{"type": "load", "quantity": 1234567890, "equipment": 1}`, "quantity", "1234567890", "at most 9 digits"},
		{`{"type": "load", "quantity": 0.1234567, "equipment": 1}`, "quantity", "0.1234567", "6 after it"},
		{`{"type": "load", "quantity": 1, "equipment": 1, "toStore": "9"}`, "toStore", "9", "but in a transfer"},
		{`{"type": "transfer", "quantity": 1, "equipment": 1, "store": "7"}`, "toStore", "", "is required in a transfer"},
		{`{"type": "transfer", "quantity": 1, "equipment": 1, "toStore": "7"}`, "store", "", "is required in a transfer"},
		{`{"type": "transfer", "quantity": 1, "equipment": 1, "store": "7", "toStore": "7"}`, "toStore", "7", "must not be the store that it comes from"},
	} {
		s.refused(t, 422, "POST", movements, c.body, c.field, c.value, c.rule)
	}
	for query, field := range map[string]string{
		"equipment=x": "query.equipment", "limit=0": "query.limit", "cursor=x": "query.cursor", "shop=7": "query.shop",
	} {
		_, value, _ := strings.Cut(query, "=")
		s.refused(t, 422, "GET", "/stock-levels?"+query, "", field, value, "must be")
	}
	s.must(t, 405, "POST", "/stock-levels", `{}`)
}

func TestWithAProductItsLevelsGo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.must(t, 201, "POST", "/equipment", `[{"name": "Farina"}, {"name": "Vino"}]`)
	s.must(t, 201, "POST", movements, `[{"quantity": 5, "equipment": 1}, {"quantity": 6, "equipment": 2}]`)
	s.must(t, 204, "DELETE", "/equipment/1", "")
	require.Equal(t, map[string]string{"2/-": "6"}, s.levels(t))
	s.must(t, 200, "PATCH", movements+"/1", `{"quantity": -1}`)
	s.must(t, 200, "PATCH", movements+"/1", `{"equipment": 2}`)
	require.Equal(t, map[string]string{"2/-": "5"}, s.levels(t))
}

func TestASerialNumberIsThereOncePerProduct(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const serials = "/serial-numbers"
	s.must(t, 201, "POST", "/equipment", `[{"name": "Forno"}, {"name": "Frigo"}]`)
	s.must(t, 201, "POST", serials, `[{"serial": "A", "equipment": 1}, {"serial": "B", "equipment": 1}, {"serial": "A", "equipment": 2}]`)
	const rule = "must be there once per product: /serial-numbers/1 has it"
	s.refused(t, 422, "POST", serials, `{"serial": "A", "equipment": 1}`, "serial", "A", rule)
	s.refused(t, 422, "PATCH", serials+"/2", `{"serial": "A"}`, "serial", "A", rule)
	s.refused(t, 422, "PATCH", serials+"/3", `{"equipment": 1}`, "serial", "A", rule)
	s.refused(t, 422, "POST", serials, `[{"serial": "C", "equipment": 1}, {"serial": "C", "equipment": 1}]`, "[1].serial", "C", "/serial-numbers/4 has it")
	s.refused(t, 422, "POST", serials, `{"serial": "C"}`, "equipment", "", "is required")

	s.must(t, 200, "PATCH", serials+"/1", `{"purchaseDate": "2026-01-02"}`)
	s.must(t, 200, "PATCH", serials+"/1", `{"serial": "D"}`)
	s.must(t, 200, "PATCH", serials+"/2", `{"serial": "A"}`)
	s.must(t, 204, "DELETE", serials+"/2", "")
	s.must(t, 201, "POST", serials, `{"serial": "A", "equipment": 1}`)
	require.Contains(t, s.must(t, 200, "GET", serials+"?serial=A&equipment=2", ""), `"id":3`)
}

// Of forty tills that sell one each of what is there twenty times, twenty do.
func TestConcurrentSalesTakeNoMoreThanThereIs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.must(t, 201, "POST", "/equipment", `{"name": "Vino"}`)
	s.must(t, 201, "POST", movements, `{"type": "load", "quantity": 20, "equipment": 1, "store": "7"}`)
	var sold, refused atomic.Int32
	var tills sync.WaitGroup
	for range 40 {
		tills.Go(func() {
			switch s.do("POST", movements, `{"type": "unload", "quantity": 1, "equipment": 1, "store": "7"}`).Code {
			case http.StatusCreated:
				sold.Add(1)
			case http.StatusUnprocessableEntity:
				refused.Add(1)
			}
		})
	}
	tills.Wait()
	require.Equal(t, []int32{20, 20}, []int32{sold.Load(), refused.Load()})
	require.Equal(t, map[string]string{"1/7": "0"}, s.levels(t))
}

// Transfers to and fro at the same time, of several products at once, neither stop
// one another nor lose anything.
func TestConcurrentTransfersKeepTheSum(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.must(t, 201, "POST", "/equipment", `[{"name": "Vino"}, {"name": "Pane"}]`)
	for product := 1; product <= 2; product++ {
		for _, store := range []string{"7", "9"} {
			s.must(t, 201, "POST", movements, fmt.Sprintf(`{"type": "load", "quantity": 10, "equipment": %d, "store": %q}`, product, store))
		}
	}
	const each = `{"type": "transfer", "quantity": 1, "equipment": %d, "store": %q, "toStore": %q}`
	var failed atomic.Int32
	var vans sync.WaitGroup
	for i := range 20 {
		vans.Go(func() {
			body := fmt.Sprintf("["+each+","+each+"]", 1, "7", "9", 2, "9", "7")
			if i%2 == 1 {
				body = fmt.Sprintf("["+each+","+each+"]", 2, "7", "9", 1, "9", "7")
			}
			if w := s.do("POST", movements, body); w.Code != http.StatusCreated {
				failed.Add(1)
			}
		})
	}
	vans.Wait()
	require.Zero(t, failed.Load())
	require.Equal(t, map[string]string{"1/7": "10", "1/9": "10", "2/7": "10", "2/9": "10"}, s.levels(t))
}
