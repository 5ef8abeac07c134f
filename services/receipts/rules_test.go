package receipts_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
	"github.com/staffetta/staffetta/services/receipts"
)

func open(t *testing.T) *upstreamtest.Site {
	t.Helper()
	t.Parallel()
	return upstreamtest.Open(t, "receipts", os.Getenv("STAFFETTA_TEST_DATABASE"), receipts.New, receipts.Migrate)
}

// at is a receipt of store 7.
func at(issued string, total float64, payment string) string {
	return fmt.Sprintf(`{"store": "7", "issuedAt": %q, "total": %v, "payment": %q}`, issued, total, payment)
}

func TestAClosingSumsTheReceiptsOfItsStoreAndDay(t *testing.T) {
	s := open(t)
	for _, body := range []string{
		at("2026-11-23T23:30:00+01:00", 10.10, "cash"),
		at("2026-11-23T09:00:00+01:00", 0.20, "cash"),
		at("2026-11-23T09:00:00Z", 20, "card"),
		at("2026-11-24T00:30:00+01:00", 99, "cash"), // the 23rd in UTC, but not on the till's clock
		`{"store": "8", "issuedAt": "2026-11-23T09:00:00+01:00", "total": 99}`,
		`{"issuedAt": "2026-11-23T09:00:00+01:00", "total": 5}`,
	} {
		s.Do("POST", "/receipts", body).Is(http.StatusCreated, `"day":"2026-11-2`)
	}
	s.Do("DELETE", "/receipts/3", "").Is(http.StatusNoContent, "")
	s.Do("POST", "/receipts", at("2026-11-23T09:00:00Z", 7.7, "voucher"))
	s.Events()
	s.Do("POST", "/cash-closings", `{"store": "7", "date": "2026-11-23"}`, "Staffetta-User", "33").
		Is(http.StatusCreated, `"receipts":3,"payments":{"cash":10.30,"voucher":7.70},"total":18.00`)
	all := s.Events()
	require.Len(t, all, 1)
	require.Equal(t, "CashClosing", all[0].ItemType)
	require.Equal(t, "/crew/33", all[0].User.Ref)
	s.Do("POST", "/cash-closings", `{"date": "2026-11-23"}`).Is(http.StatusCreated, `"receipts":1,"payments":{"other":5.00},"total":5.00`)
	s.Do("POST", "/cash-closings", `{"store": "9", "date": "2026-11-23"}`).Is(http.StatusCreated, `"receipts":0,"payments":{},"total":0.00`)
	s.Do("POST", "/cash-closings", `{"store": "7"}`).Is(http.StatusCreated, `"date":"20`)
	s.Do("POST", "/cash-closings", `{"total": 1, "receipts": 1, "payments": {}}`).Refused(
		"receipts: is set by the service and must be left out", "payments: is set by the service and must be left out",
		"total: is set by the service and must be left out")
}

func TestATotalIsThatOfTheExactNamesOfItsLines(t *testing.T) {
	s := open(t)
	s.Do("POST", "/receipts", `{"lines": [{"description": "a", "price": 1, "PRICE": 900, "Quantity": 7}]}`).Is(http.StatusCreated, `"total":1.00`)
	s.Do("POST", "/receipts", `{"lines": [{"description": "a", "price": 999999999, "quantity": 999999999}]}`).
		Refused("lines: must not add up to more than 999999999999.99 or less than -999999999999.99")
}

func TestAClosingSumsOneCurrency(t *testing.T) {
	s := open(t)
	s.Do("POST", "/receipts", `[{"issuedAt": "2026-11-23T09:00:00Z", "total": 1}, {"issuedAt": "2026-11-23T09:00:00Z", "total": 2, "currency": "EUR"},
		{"issuedAt": "2026-11-23T09:00:00Z", "total": 4, "currency": "CHF"}]`).Is(http.StatusCreated, "")
	s.Do("POST", "/cash-closings", `{"date": "2026-11-23"}`).
		Is(http.StatusConflict, "the receipts cannot be summed: /receipts/2 is in EUR, and /receipts/3 in CHF")
	s.Do("PATCH", "/receipts/3", `{"currency": "EUR"}`)
	s.Do("POST", "/cash-closings", `{"date": "2026-11-23"}`).Is(http.StatusCreated, `"total":7.00`)
}

func TestTextThatPostgreSQLCannotHaveIsRefused(t *testing.T) {
	s := open(t)
	s.Do("POST", "/closed-bills", `{"total": 1, "table": "a\u0000b"}`).Refused("table: must not have the character U+0000")
	s.Do("GET", "/closed-bills?table=a%00b", "").Refused("query.table: must be UTF-8 without the character U+0000")
	s.Do("GET", "/closed-bills?table=%ff", "").Refused("query.table: must be UTF-8 without the character U+0000")
	s.Do("POST", "/closed-bills", `{"total": 1, "closedAt": "2026-11-29T1:00:00,5Z"}`).Refused("closedAt: must be a time as RFC 3339 writes it")
}

func TestTheReceiptsOfAClosedDayAreFrozen(t *testing.T) {
	s := open(t)
	s.Do("POST", "/receipts", "["+at("2026-11-23T09:00:00+01:00", 10, "cash")+","+at("2026-11-24T09:00:00+01:00", 20, "cash")+"]")
	s.Do("POST", "/cash-closings", `{"store": "7", "date": "2026-11-23"}`).Is(http.StatusCreated, "")
	s.Events()
	const closed = "/cash-closings/1 closes the day 2026-11-23 of store 7: its receipts can be neither added nor changed nor deleted"
	s.Do("POST", "/receipts", at("2026-11-23T22:00:00+01:00", 1, "cash")).Is(http.StatusConflict, closed)
	s.Do("POST", "/receipts", "["+at("2026-11-24T22:00:00+01:00", 1, "cash")+","+at("2026-11-23T22:00:00+01:00", 1, "cash")+"]").Is(http.StatusConflict, closed)
	s.Do("PATCH", "/receipts/1", `{"note": "x"}`).Is(http.StatusConflict, closed)
	s.Do("PATCH", "/receipts/1", `{"issuedAt": "2026-11-24T09:00:00+01:00"}`).Is(http.StatusConflict, closed)
	s.Do("PATCH", "/receipts/1", `{"store": "8"}`).Is(http.StatusConflict, closed)
	s.Do("PATCH", "/receipts/2", `{"issuedAt": "2026-11-23T09:00:00+01:00"}`).Is(http.StatusConflict, closed)
	s.Do("DELETE", "/receipts/1", "").Is(http.StatusConflict, closed)
	s.Do("DELETE", "/receipts?id=2&id=1", "").Is(http.StatusConflict, closed)
	require.Empty(t, s.Events())
	s.Do("PATCH", "/receipts/2", `{"total": 21}`).Is(http.StatusOK, "")
	s.Do("POST", "/receipts", `{"store": "8", "issuedAt": "2026-11-23T22:00:00+01:00", "total": 1}`).Is(http.StatusCreated, "")
}

func TestADayIsClosedOnceAndOnlyTheLastIsOpenedAgain(t *testing.T) {
	s := open(t)
	s.Do("POST", "/cash-closings", `[{"store": "7", "date": "2026-11-23"}, {"store": "7", "date": "2026-11-24"}]`).Is(http.StatusCreated, "")
	s.Do("POST", "/cash-closings", `{"store": "7", "date": "2026-11-23"}`).Is(http.StatusConflict, "/cash-closings/1 closes the day 2026-11-23 of store 7 already")
	s.Do("POST", "/cash-closings", `[{"date": "2026-11-25"}, {"date": "2026-11-25"}]`).Is(http.StatusConflict, "closes the day 2026-11-25 without a store already")
	s.Do("PATCH", "/cash-closings/1", `{"date": "2026-11-25", "store": "8"}`).Refused(
		"store: must not change: the closing is of its store and day", "date: must not change: the closing is of its store and day")
	s.Do("PATCH", "/cash-closings/1", `{"note": "ok"}`).Is(http.StatusOK, `"note":"ok"`)
	s.Do("DELETE", "/cash-closings/1", "").Is(http.StatusConflict, "/cash-closings/2 closes a later day, 2026-11-24")
	s.Do("DELETE", "/cash-closings?id=1&id=2", "").Is(http.StatusNoContent, "")
	s.Do("POST", "/receipts", at("2026-11-23T09:00:00+01:00", 10, "cash")).Is(http.StatusCreated, "")
	s.Do("POST", "/cash-closings", `{"store": "7", "date": "2026-11-23"}`).Is(http.StatusCreated, `"total":10.00`)
}

func TestATotalIsTheTillsOrThatOfItsLines(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/closed-bills", "/receipts"} {
		s.Do("POST", path, `{"lines": [{"description": "Risotto", "quantity": 2, "price": 13}, {"description": "Acqua", "price": 0.335}]}`).Is(http.StatusCreated, `"total":26.34`)
		s.Do("POST", path, `{"total": 30, "lines": [{"description": "Risotto", "quantity": 2, "price": 13}]}`).Is(http.StatusCreated, `"total":30,`)
		s.Do("PATCH", path+"/1", `{"lines": [{"description": "Caffè", "price": 1.3}]}`).Is(http.StatusOK, `"total":1.30`)
		s.Do("PATCH", path+"/1", `{"payment": "card"}`).Is(http.StatusOK, `"total":1.30`)
		s.Do("POST", path, `{"lines": [{"description": "Risotto"}]}`).Refused("total: is required where there are no lines with prices")
		s.Do("PATCH", path+"/1", `{"total": null}`).Refused("total: is required where there are no lines with prices")
		s.Do("POST", path, `{"total": 1.005}`).Refused("total: must be a number of at most 12 digits before its point and 2 after it")
	}
}

// However receipts and closings overlap: what a closing says is what is there.
func TestConcurrentReceiptsAreInTheClosingOrRefused(t *testing.T) {
	s := open(t)
	const rounds, tills = 10, 4
	for day := 1; day <= rounds; day++ {
		date := fmt.Sprintf("2026-11-%02d", day)
		var made, closings atomic.Int64
		var wg sync.WaitGroup
		start := make(chan struct{})
		for till := range tills + 2 {
			wg.Go(func() {
				<-start
				if till >= tills {
					if s.Do("POST", "/cash-closings", fmt.Sprintf(`{"store": "7", "date": %q}`, date)).Code == http.StatusCreated {
						closings.Add(1)
					}
					return
				}
				for range 2 {
					switch code := s.Do("POST", "/receipts", at(date+"T09:00:00+01:00", 1.1, "cash")).Code; code {
					case http.StatusCreated:
						made.Add(1)
					case http.StatusConflict:
					default:
						t.Errorf("POST: %d", code)
					}
				}
			})
		}
		close(start)
		wg.Wait()
		require.EqualValues(t, 1, closings.Load())
		sum := decimal.RequireFromString("1.1").Mul(decimal.NewFromInt(made.Load()))
		s.Do("GET", "/cash-closings?date="+date, "").Is(http.StatusOK, fmt.Sprintf(`"receipts":%d,`, made.Load())).
			Is(http.StatusOK, `"total":`+sum.StringFixed(2))
	}
}

// Each check asks a database: fewer than rapid makes by default, and as many as one likes
// by -rapid.checks.
func init() {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
}

func TestClosingsAddUpWhateverTheReceipts(t *testing.T) {
	s := open(t)
	store := 0
	rapid.Check(t, func(t *rapid.T) {
		store++ // each run has a store of its own
		type sold struct {
			cents   int
			payment string
			day     int
		}
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sold {
			return sold{
				cents:   rapid.IntRange(-10_000, 1_000_000).Draw(t, "cents"),
				payment: rapid.SampledFrom([]string{"cash", "card", "voucher", "transfer", "other"}).Draw(t, "payment"),
				day:     rapid.IntRange(1, 2).Draw(t, "day"),
			}
		}), 1, 8).Draw(t, "receipts")
		body, want, byPayment, n := "", 0, map[string]int{}, 0
		for i, r := range all {
			if i > 0 {
				body += ","
			}
			amount := decimal.New(int64(r.cents), -2).String()
			body += fmt.Sprintf(`{"store": "%d", "total": %s, "payment": %q, "issuedAt": "2026-11-0%dT10:00:00+01:00"}`, store, amount, r.payment, r.day)
			if r.day == 1 {
				want, n = want+r.cents, n+1
				byPayment[r.payment] += r.cents
			}
		}
		require.Equal(t, http.StatusCreated, s.Do("POST", "/receipts", "["+body+"]").Code)
		var closing struct {
			Receipts int
			Total    decimal.Decimal
			Payments map[string]decimal.Decimal
		}
		s.Do("POST", "/cash-closings", fmt.Sprintf(`{"store": "%d", "date": "2026-11-01"}`, store)).Into(&closing)
		require.Equal(t, n, closing.Receipts)
		require.Equal(t, decimal.New(int64(want), -2).StringFixed(2), closing.Total.StringFixed(2))
		require.Len(t, closing.Payments, len(byPayment))
		for payment, cents := range byPayment {
			require.Equal(t, decimal.New(int64(cents), -2).StringFixed(2), closing.Payments[payment].StringFixed(2))
		}
	})
}
