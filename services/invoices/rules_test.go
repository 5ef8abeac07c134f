package invoices_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
	"github.com/staffetta/staffetta/services/invoices"
)

func open(t *testing.T) *upstreamtest.Site {
	t.Helper()
	t.Parallel()
	return upstreamtest.Open(t, "invoices", os.Getenv("STAFFETTA_TEST_DATABASE"), invoices.New, invoices.Migrate)
}

const lines = `"lines": [{"description": "Vino", "quantity": 6, "price": 10, "discount": 10, "vat": 22}, {"description": "Pane", "price": 1.5, "vat": 4}]`

func TestADocumentAddsUpItsLines(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `{"date": "2026-11-23", `+lines+`}`).Is(http.StatusCreated,
		`"number":"2026/1","sequence":1,`).Is(http.StatusCreated,
		`"net":55.50,"tax":11.94,"vat":[{"rate":22,"net":54.00,"tax":11.88},{"rate":4,"net":1.50,"tax":0.06}],"total":67.44`)
	s.Do("POST", "/invoices", `{"total": 67.44, `+lines+`}`).Is(http.StatusCreated, `"total":67.44`)
	s.Do("POST", "/invoices", `{"total": 67.43, `+lines+`}`).Refused("total: must be 67.44, what the lines add up to with VAT, or be left out")
	s.Do("PATCH", "/invoices/1", `{"total": 60}`).Refused("total: must be 67.44, what the lines add up to with VAT, or be left out")
	s.Do("PATCH", "/invoices/1", `{"lines": [{"description": "Vino", "price": 10, "vat": 0, "nature": "N4"}]}`).Is(http.StatusOK, `"total":10.00`)
	s.Do("PATCH", "/invoices/1", `{"lines": null, "total": 12}`).Is(http.StatusOK, `"total":12`)
	require.NotContains(t, s.Do("GET", "/invoices/1", "").Body.String(), `"net"`)

	s.Do("POST", "/invoices", `{}`).Refused("total: is required where there are no lines")
	s.Do("POST", "/invoices", `{"total": 1e3}`).Refused("total: must be a number, 0 or more, of at most 12 digits before its point and 2 after it")
	s.Do("POST", "/invoices", `{"lines": [{"description": "a", "price": 1, "vat": 0}, {"description": "b", "price": 1, "vat": 4, "nature": "N1"}, {"description": "c", "price": 1, "vat": 0, "nature": "N8"}]}`).
		Refused("lines[2].nature: must be one of N1, N2, N2.1, N2.2, N3, N3.1, N3.2, N3.3, N3.4, N3.5, N3.6, N4, N5, N6, N6.1, N6.2, N6.3, N6.4, N6.5, N6.6, N6.7, N6.8, N6.9, N7")
	s.Do("POST", "/invoices", `[{"total": 1}, {"lines": [{"description": "a", "price": 1, "vat": 0}, {"description": "b", "price": 1, "vat": 4, "nature": "N1"}]}]`).
		Refused("[1].lines[0].nature: is required where vat is 0", "[1].lines[1].nature: must be left out where vat is not 0")
	s.Do("POST", "/invoices", `{"lines": [{"description": "a", "price": -1, "vat": 22}]}`).Refused("lines: must not add up to less than 0: they make -1.22")
	s.Do("POST", "/orders", `{"lines": [{"description": "a"}]}`).Refused("lines[0].price: is required", "lines[0].vat: is required")
	s.Do("POST", "/delivery-notes", `{"lines": [{"description": "a", "quantity": 2}]}`).Is(http.StatusCreated, `"number":`)
	s.Do("POST", "/delivery-notes", `{`+lines+`}`).Is(http.StatusCreated, `"total":67.44`)
}

// A field of another case is one that no rule judges, and counts for nothing.
func TestLinesAddUpByTheExactNamesOfTheirFields(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `{"lines": [{"description": "a", "price": 1, "vat": 22, "PRICE": 1e9, "Vat": 99, "Discount": 300, "NATURE": 5}]}`).
		Is(http.StatusCreated, `"net":1.00,"tax":0.22,"vat":[{"rate":22,"net":1.00,"tax":0.22}],"total":1.22`)
}

func TestCreditNotesStayWithinTheirInvoice(t *testing.T) {
	s := open(t)
	s.Do("POST", "/credit-notes", `{"total": 1}`).Refused("invoice: is required")
	s.Do("POST", "/invoices", `[{"total": 100, "currency": "EUR"}, {"total": 1}]`)
	s.Events()
	s.Do("POST", "/credit-notes", `{"total": 60, "invoice": 1}`, "Staffetta-User", "33").Is(http.StatusCreated, `"currency":"EUR"`)
	all := s.Events()
	require.Len(t, all, 2)
	require.Equal(t, []string{"CreditNote", "Invoice"}, []string{all[0].ItemType, all[1].ItemType})
	require.Equal(t, "/invoices/1", all[0].Items[0].Parent.Ref)
	require.Contains(t, string(all[1].Items[0].Data), `"credited":60.00`)
	require.Equal(t, "/crew/33", all[1].User.Ref, "the user's request acts, also where it changes other items")

	const rule = "must be at most 40.00, what is left of /invoices/1 with its total of 100.00"
	s.Do("POST", "/credit-notes", `{"total": 40.01, "invoice": 1}`).Refused("total: " + rule)
	s.Do("POST", "/credit-notes", `[{"total": 30, "invoice": 1}, {"total": 10.01, "invoice": 1}]`).
		Refused("[1].total: must be at most 10.00, what is left of /invoices/1 with its total of 100.00")
	s.Do("POST", "/credit-notes", `{"total": 1, "invoice": 1, "currency": "USD"}`).Refused("currency: must be that of the invoice, EUR")
	s.Do("PATCH", "/credit-notes/1", `{"invoice": 2}`).Refused("invoice: must not change: the document was made for its parent")
	s.Do("PATCH", "/credit-notes/1", `{"total": 100.01}`).Refused("total: must be at most 100.00, what is left of /invoices/1 with its total of 100.00")
	s.Do("PATCH", "/credit-notes/1", `{"total": 70}`).Is(http.StatusOK, "")
	s.Do("PATCH", "/invoices/1", `{"total": 69.99}`).Refused("total: must be at least 70.00, the sum of its credit notes")
	s.Do("PATCH", "/invoices/1", `{"annulled": true}`).Is(http.StatusConflict, "it has credit notes of 70.00")
	s.Do("DELETE", "/invoices?id=1&id=2", "").Is(http.StatusConflict, "it is the parent of /credit-notes/1")

	s.Do("PATCH", "/credit-notes/1", `{"annulled": true}`).Is(http.StatusOK, "")
	s.Do("GET", "/invoices/1", "").Is(http.StatusOK, `"credited":0.00`)
	s.Do("POST", "/credit-notes", `{"total": 100, "invoice": 1}`).Is(http.StatusCreated, "")
	s.Do("DELETE", "/credit-notes/2", "").Is(http.StatusNoContent, "")
	s.Do("GET", "/invoices/1", "").Is(http.StatusOK, `"credited":0.00`)
	s.Do("PATCH", "/invoices/2", `{"annulled": true}`).Is(http.StatusOK, "")
	s.Do("POST", "/credit-notes", `{"total": 1, "invoice": 2}`).Is(http.StatusConflict, "/invoices/2 is annulled")
}

func TestAnInvoiceAndItsCreditNotesStayInOneCurrency(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `[{"total": 100, "currency": "EUR"}, {"total": 100}]`)
	s.Do("POST", "/credit-notes", `[{"total": 60, "invoice": 1}, {"total": 60, "invoice": 2}]`).Is(http.StatusCreated, "")
	s.Do("PATCH", "/invoices/1", `{"currency": "USD"}`).Refused(`currency: must stay "EUR", that of its credit notes`)
	s.Do("PATCH", "/invoices/1", `{"currency": null}`).Refused(`currency: must stay "EUR", that of its credit notes`)
	s.Do("PATCH", "/invoices/2", `{"currency": "USD"}`).Refused(`currency: must stay "", that of its credit notes`)
	s.Do("POST", "/credit-notes", `{"total": 1, "invoice": 2, "currency": "USD"}`).Refused("currency: must be left out, as the invoice names none")
	s.Do("PATCH", "/credit-notes?id=1", `[{"id": 1, "annulled": true}]`).Is(http.StatusOK, "")
	s.Do("PATCH", "/invoices/1", `{"currency": "USD"}`).Is(http.StatusOK, `"currency":"USD"`)
}

// Only the last invoice of a series can be deleted, and a wrong one would else stand in
// the way of the right one for ever.
func TestAnOrderWhoseInvoiceIsAnnulledGetsAnother(t *testing.T) {
	s := open(t)
	s.Do("POST", "/orders", `{"total": 100}`)
	s.Do("POST", "/orders/1/invoice", "").Is(http.StatusCreated, `/invoices/1`)
	s.Do("POST", "/orders/1/invoice", "").Is(http.StatusConflict, "/orders/1 has become /invoices/1 already")
	s.Do("PATCH", "/invoices/1", `{"annulled": true}`).Is(http.StatusOK, "")
	s.Do("POST", "/orders/1/invoice", "").Is(http.StatusCreated, `/invoices/2`)
	s.Do("GET", "/orders/1", "").Is(http.StatusOK, `"invoice":2`)
	s.Do("POST", "/orders/1/invoice", "").Is(http.StatusConflict, "/orders/1 has become /invoices/2 already")
	s.Do("DELETE", "/invoices?id=1&id=2", "").Is(http.StatusNoContent, "")
	require.NotContains(t, s.Do("GET", "/orders/1", "").Body.String(), `"invoice"`)
}

func TestABulkOfCreditNotesTellsOfTheirInvoiceOnce(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `[{"total": 1000, "currency": "EUR"}, {"total": 1}]`)
	s.Events()
	notes := strings.Repeat(`{"total": 10, "invoice": 1},`, 99)
	s.Do("POST", "/credit-notes", `[`+notes+`{"total": 1, "invoice": 2}]`).Is(http.StatusCreated, "")
	all := s.Events()
	require.Len(t, all, 3)
	require.Len(t, all[0].Items, 100)
	require.Contains(t, string(all[1].Items[0].Data), `"version":2,"total":1000,"currency":"EUR"`)
	require.Contains(t, string(all[1].Items[0].Data), `"credited":990.00`)
	require.Contains(t, string(all[2].Items[0].Data), `"credited":1.00`)
	s.Do("GET", "/invoices/1", "").Is(http.StatusOK, `"credited":990.00`)
	s.Do("POST", "/credit-notes", `[`+notes+`{"total": 10, "invoice": 1}]`).
		Refused("[1].total: must be at most 0.00, what is left of /invoices/1 with its total of 1000.00")
	s.Do("DELETE", "/credit-notes?id=98&id=99&id=100", "").Is(http.StatusNoContent, "")
	s.Do("GET", "/invoices/1", "").Is(http.StatusOK, `"version":3,"total":1000,"currency":"EUR"`).Is(http.StatusOK, `"credited":970.00`)
}

func TestConcurrentCreditNotesStayWithinTheirInvoice(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `{"total": 100}`)
	var made, refused atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				switch code := s.Do("POST", "/credit-notes", `{"total": 7, "invoice": 1}`).Code; code {
				case http.StatusCreated:
					made.Add(1)
				case http.StatusUnprocessableEntity:
					refused.Add(1)
				default:
					t.Errorf("POST: %d", code)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 14, made.Load())
	require.EqualValues(t, 26, refused.Load())
	s.Do("GET", "/invoices/1", "").Is(http.StatusOK, `"credited":98.00`)
}

func TestConcurrentChangesKeepCreditNotesWithinTheirInvoice(t *testing.T) {
	s := open(t)
	for invoice := 1; invoice <= 10; invoice++ {
		s.Do("POST", "/invoices", `{"total": 100}`)
		s.Do("POST", "/credit-notes", fmt.Sprintf(`[{"total": 10, "invoice": %d}, {"total": 10, "invoice": %d}]`, invoice, invoice))
		var changed atomic.Int64
		var wg sync.WaitGroup
		start := make(chan struct{})
		for _, change := range [][2]string{ // of which any one can be
			{fmt.Sprintf("/credit-notes/%d", 2*invoice-1), `{"total": 60}`},
			{fmt.Sprintf("/credit-notes/%d", 2*invoice), `{"total": 60}`},
			{fmt.Sprintf("/invoices/%d", invoice), `{"total": 30}`},
		} {
			wg.Go(func() {
				<-start
				switch code := s.Do("PATCH", change[0], change[1]).Code; code {
				case http.StatusOK:
					changed.Add(1)
				case http.StatusUnprocessableEntity:
				default:
					t.Errorf("PATCH: %d", code)
				}
			})
		}
		close(start)
		wg.Wait()
		var it struct{ Total, Credited float64 }
		s.Do("GET", fmt.Sprintf("/invoices/%d", invoice), "").Into(&it)
		require.LessOrEqual(t, it.Credited, it.Total)
		require.EqualValues(t, 1, changed.Load())
	}
}

func TestAQuoteBecomesAnOrderAndAnOrderAnInvoiceOnce(t *testing.T) {
	s := open(t)
	s.Do("POST", "/quotes", `{"store": "7", "customer": 3, "currency": "EUR", "date": "2026-11-01", `+lines+`}`)
	s.Events()
	ordered := s.Do("POST", "/quotes/1/order", `{"date": "2026-11-23", "status": "open"}`, "Staffetta-User", "33")
	ordered.Is(http.StatusCreated, `"quote":1`).Is(http.StatusCreated, `"number":"2026/7/1"`).Is(http.StatusCreated, `"total":67.44`)
	require.Equal(t, "/orders/1", ordered.Header().Get("Location"))
	all := s.Events()
	require.Len(t, all, 2)
	require.Equal(t, []string{"Order", "Quote"}, []string{all[0].ItemType, all[1].ItemType})
	require.Equal(t, "/quotes/1", all[0].Items[0].Parent.Ref)
	require.Equal(t, "7", all[0].Store)
	require.Contains(t, string(all[1].Items[0].Data), `"order":1`)

	s.Do("POST", "/quotes/1/order", "").Is(http.StatusConflict, "/quotes/1 has become /orders/1 already")
	s.Do("POST", "/orders", `{"total": 1, "quote": 1}`).Is(http.StatusConflict, "/quotes/1 has become /orders/1 already")
	s.Do("POST", "/orders/1/invoice", `{"order": 2}`).Refused("order: is set by the action and must be left out")
	s.Do("POST", "/orders/1/invoice", `{"dueDate": "soon"}`).Refused("dueDate: must be a date as YYYY-MM-DD")
	s.Do("POST", "/orders/1/invoice", `{"dueDate": "2026-12-23"}`).Is(http.StatusCreated, `"order":1`).Is(http.StatusCreated, `"customer":3`)
	s.Do("POST", "/orders/1/invoice", "").Is(http.StatusConflict, "/orders/1 has become /invoices/1 already")
	s.Do("POST", "/delivery-notes", `[{"order": 1}, {"order": 1}]`).Is(http.StatusCreated, "")
	s.Do("GET", "/orders?quote=1", "").Is(http.StatusOK, `"invoice":1`)

	s.Do("DELETE", "/quotes/1", "").Is(http.StatusConflict, "it is the parent of /orders/1")
	s.Do("DELETE", "/orders/1", "").Is(http.StatusConflict, "it is the parent of /delivery-notes/1")
	s.Do("DELETE", "/invoices/1", "").Is(http.StatusNoContent, "")
	s.Do("POST", "/orders/1/invoice", "").Is(http.StatusCreated, `"number":"`)

	s.Do("POST", "/quotes", `{"total": 5}`)
	s.Do("POST", "/quotes/2/order", "").Is(http.StatusCreated, `"total":5`)
	s.Do("POST", "/quotes", `{"total": 5, "annulled": true}`)
	s.Do("POST", "/quotes/3/order", "").Is(http.StatusConflict, "/quotes/3 is annulled")
	s.Do("POST", "/quotes/4/order", "").Is(http.StatusNotFound, "")

	s.Do("PATCH", "/orders/2", `{"status": "cancelled"}`).Is(http.StatusOK, "")
	s.Do("POST", "/orders/2/invoice", "").Is(http.StatusConflict, "/orders/2 is cancelled")
	s.Do("POST", "/delivery-notes", `{"order": 2}`).Is(http.StatusConflict, "/orders/2 is cancelled")
	s.Do("PATCH", "/orders/2", `{"status": "open"}`).Is(http.StatusOK, "")
	s.Do("POST", "/orders/2/invoice", "").Is(http.StatusCreated, "")
}

func TestAQuoteBecomesOneOrderHoweverManyAskAtOnce(t *testing.T) {
	s := open(t)
	s.Do("POST", "/quotes", `{"total": 5}`)
	var made atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			switch code := s.Do("POST", "/quotes/1/order", "").Code; code {
			case http.StatusCreated:
				made.Add(1)
			case http.StatusConflict:
			default:
				t.Errorf("POST: %d", code)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, made.Load())
	require.Len(t, s.Events(), 3)
}

func TestDocumentsAreFiltered(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `[{"total": 1, "date": "2026-01-31", "customer": 3}, {"total": 1, "date": "2026-02-01", "store": "7"}]`)
	for query, want := range map[string]int{
		"customer=3": 1, "dateTo=2026-02-01": 1, "number=2026/7/1": 1, "store=7&dateFrom=2026-01-01": 1, "dateFrom=2026-01-01": 2, "paid=true": 0,
		"paid=false": 2, "annulled=false": 2,
	} {
		var page struct{ Items []any }
		s.Do("GET", "/invoices?"+query, "").Into(&page)
		require.Len(t, page.Items, want, query)
	}
	s.Do("GET", "/invoices?total=1", "").Refused("query.total: is no parameter of /invoices: those are limit, cursor, order, number, customer, date, dateFrom, dateTo, " +
		"dueDate, dueDateFrom, dueDateTo, paid, annulled, store, createdAtFrom, createdAtTo")
}

func TestAnAnnulledDocumentStaysAsItIs(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `[{"total": 1}, {"total": 2}]`)
	s.Do("DELETE", "/invoices/1", "").Is(http.StatusConflict, "annul it with")
	s.Do("PATCH", "/invoices/1", `{"annulled": true}`).Is(http.StatusOK, `"annulled":true`)
	for _, body := range []string{`{"annulled": false}`, `{"note": "x"}`} {
		s.Do("PATCH", "/invoices/1", body).Is(http.StatusConflict, "/invoices/1 is annulled: it cannot be changed any more")
	}
	s.Do("DELETE", "/invoices/1", "").Is(http.StatusConflict, "")
	s.Do("GET", "/invoices?annulled=true", "").Is(http.StatusOK, fmt.Sprintf(`"number":"%s"`, numberOf(s, 1)))
	s.Do("GET", "/invoices?annulled=false", "").Is(http.StatusOK, fmt.Sprintf(`"number":"%s"`, numberOf(s, 2)))
}

func numberOf(s *upstreamtest.Site, id int) string {
	var it struct{ Number string }
	s.Do("GET", fmt.Sprintf("/invoices/%d", id), "").Into(&it)
	return it.Number
}
