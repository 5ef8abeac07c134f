package invoices_test

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
)

func TestEachKindStoreAndYearHasItsOwnNumbers(t *testing.T) {
	s := open(t)
	for _, c := range []struct{ path, body, number string }{
		{"/invoices", `{"total": 1, "date": "2026-05-01"}`, "2026/1"},
		{"/invoices", `{"total": 1, "date": "2026-04-01"}`, "2026/2"},
		{"/invoices", `{"total": 1, "date": "2025-12-31"}`, "2025/1"},
		{"/invoices", `{"total": 1, "date": "2026-05-01", "store": "7"}`, "2026/7/1"},
		{"/orders", `{"total": 1, "date": "2026-05-01"}`, "2026/1"},
		{"/delivery-notes", `{"date": "2026-05-01"}`, "2026/1"},
		{"/quotes", `{"total": 1, "date": "2026-05-01"}`, "2026/1"},
		{"/credit-notes", `{"total": 1, "date": "2026-05-01", "invoice": 1}`, "2026/1"},
		{"/credit-notes", `{"total": 1, "date": "2026-05-01", "invoice": 2}`, "2026/2"},
	} {
		s.Do("POST", c.path, c.body).Is(http.StatusCreated, `"number":"`+c.number+`"`)
	}
	s.Do("POST", "/invoices", `{"total": 1, "number": "2026/9"}`).Refused("number: is set by the service and must be left out")
	s.Do("PATCH", "/invoices/1", `{"date": "2027-01-01", "store": "7"}`).Refused(
		`store: must stay "": the number 2026/1 is of its series`, "date: must stay in 2026: the number 2026/1 is of its series")
	s.Do("PATCH", "/invoices/1", `{"date": null}`).Refused("date: must stay in 2026: the number 2026/1 is of its series")
	s.Do("PATCH", "/invoices/1", `{"date": "2026-12-31"}`).Is(http.StatusOK, `"number":"2026/1"`)
}

func TestARefusedDocumentTakesNoNumber(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `{"total": 1, "date": "2026-05-01"}`)
	s.Do("POST", "/invoices", `[{"total": 1, "date": "2026-05-01"}, {"date": "2026-05-01"}]`).Refused("[1].total: is required where there are no lines")
	s.Do("POST", "/credit-notes", `{"total": 2, "invoice": 1, "date": "2026-05-01"}`).Is(http.StatusUnprocessableEntity, "")
	s.Do("POST", "/invoices", `{"total": 1, "date": "2026-05-01"}`).Is(http.StatusCreated, `"number":"2026/2"`)
	s.Do("POST", "/credit-notes", `{"total": 1, "invoice": 1, "date": "2026-05-01"}`).Is(http.StatusCreated, `"number":"2026/1"`)
}

// numbers of a store's invoices, in order, as a list of n of 2026/store/n.
func numbers(t require.TestingT, s *upstreamtest.Site, store string) []int {
	var all []int
	cursor := ""
	for {
		var page struct {
			Items []struct {
				Number   string
				Sequence int
			}
			Next *string
		}
		s.Do("GET", "/invoices?limit=500&store="+store+cursor, "").Into(&page)
		for _, it := range page.Items {
			require.Equal(t, fmt.Sprintf("2026/%s/%d", store, it.Sequence), it.Number)
			all = append(all, it.Sequence)
		}
		if page.Next == nil {
			slices.Sort(all)
			return all
		}
		cursor = "&cursor=" + *page.Next
	}
}

func withoutGaps(t require.TestingT, numbers []int) {
	for i, n := range numbers {
		require.Equal(t, i+1, n, "%v", numbers)
	}
}

// The model of the numbering asks a database at every step: fewer than rapid makes by
// default, and as many as one likes by -rapid.checks and -rapid.steps.
func init() {
	for name, value := range map[string]string{"rapid.checks": "40", "rapid.steps": "6"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// Whatever is created, refused, deleted and annulled, one by one and in bulk: the
// documents that are there bear the numbers from 1 without gaps.
func TestNumbersHaveNoGaps(t *testing.T) {
	s := open(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++ // each run has a series of its own
		store := fmt.Sprint("p", run)
		var live []int // ids, by their numbers
		one := fmt.Sprintf(`{"total": 1, "date": "2026-05-01", "store": %q}`, store)
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				n := rapid.IntRange(1, 3).Draw(t, "n")
				var made struct{ Items []struct{ ID int } }
				s.Do("POST", "/invoices", "["+strings.Repeat(one+",", n-1)+one+"]").Into(&made)
				for _, it := range made.Items {
					live = append(live, it.ID)
				}
			},
			"refuse": func(t *rapid.T) {
				require.Equal(t, http.StatusUnprocessableEntity, s.Do("POST", "/invoices", "["+one+`,{"store": "`+store+`"}]`).Code)
			},
			"delete": func(t *rapid.T) {
				if len(live) == 0 {
					t.Skip("nothing to delete")
				}
				chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(live), 1, 3, rapid.ID[int]).Draw(t, "chosen")
				rest := slices.DeleteFunc(slices.Clone(live), func(id int) bool { return slices.Contains(chosen, id) })
				query := ""
				for _, id := range chosen {
					query += fmt.Sprintf("&id=%d", id)
				}
				code := s.Do("DELETE", "/invoices?"+query[1:], "").Code
				if slices.Equal(rest, live[:len(rest)]) {
					require.Equal(t, http.StatusNoContent, code, "the last ones")
					live = rest
				} else {
					require.Equal(t, http.StatusConflict, code, "not the last ones")
				}
			},
			"": func(t *rapid.T) {
				all := numbers(t, s, store)
				require.Len(t, all, len(live))
				withoutGaps(t, all)
			},
		})
	})
}

func TestConcurrentDocumentsHaveNoGaps(t *testing.T) {
	s := open(t)
	s.Do("POST", "/invoices", `{"total": 1000}`)
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for n := range 10 {
				body := `{"total": 1, "store": "7", "date": "2026-05-01"}`
				switch n % 3 {
				case 1:
					body = "[" + body + "," + body + "]"
				case 2:
					body = "[" + body + `,{"store": "7"}]` // refused
				}
				made := s.Do("POST", "/invoices", body)
				if n%3 == 0 && w%2 == 0 && made.Code == http.StatusCreated {
					s.Do("DELETE", made.Header().Get("Location"), "") // refused if another one was quicker
				}
				if made.Code >= http.StatusInternalServerError {
					t.Errorf("POST: %d %s", made.Code, made.Body)
				}
			}
		})
	}
	wg.Wait()
	all := numbers(t, s, "7")
	require.GreaterOrEqual(t, len(all), 6*6)
	withoutGaps(t, all)
}
