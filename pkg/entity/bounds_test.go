package entity_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fields is n fields of an object, f1 to fn.
func fields(n int) string {
	each := make([]string, n)
	for i := range each {
		each[i] = fmt.Sprintf(`"f%d":0`, i+1)
	}
	return strings.Join(each, ",")
}

func TestAnObjectThatIsTooLargeIsRefusedUnparsed(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		const rule = "must have at most 262144 bytes"
		// Parsed, it would be refused for its name or for the number of its fields.
		large := `{"name":"x","name":"x",` + fields(60_000) + `}`
		require.Less(t, len(large), 900_000)
		r.do("POST", "/companies", large).refused(http.StatusUnprocessableEntity, "body: "+rule)
		r.do("POST", "/companies", `[{"name":"x"},`+large+`]`).refused(http.StatusUnprocessableEntity, "[1]: "+rule)
		r.do("POST", "/companies", `{"name":"x"}`)
		r.do("PATCH", "/companies/1", large).refused(http.StatusUnprocessableEntity, "body: "+rule)
	})
}

func TestAnObjectHasAtMostAThousandFields(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		const rule = "must have at most 1000 fields"
		for name, c := range map[string]struct{ body, fault string }{
			"item":          {`{"name":"x",` + fields(1000) + `}`, "body: " + rule},
			"item of many":  {`[{"name":"x"},{"name":"x",` + fields(1000) + `}]`, "[1]: " + rule},
			"field":         {`{"name":"x","a":{"b":{` + fields(1001) + `}}}`, `body: in "a": in "b": ` + rule},
			"item of lines": {`{"name":"x","lines":[{"price":1,` + fields(1000) + `}]}`, "lines[0]: " + rule},
		} {
			t.Run(name, func(t *testing.T) {
				r.do("POST", "/companies", c.body).refused(http.StatusUnprocessableEntity, c.fault)
			})
		}

		most := `{"name":"x","a":{` + fields(1000) + `},` + fields(998) + `}`
		require.Equal(t, http.StatusCreated, r.do("POST", "/companies", most).Code)
		r.do("PATCH", "/companies/1", `{"more":1}`).refused(http.StatusUnprocessableEntity, "body: "+rule+" when merged")
		r.do("PATCH", "/companies/1", `{"a":{"more":1}}`).refused(http.StatusUnprocessableEntity, `body: in "a": `+rule+" when merged")
		require.Equal(t, http.StatusOK, r.do("PATCH", "/companies/1", `{"more":1,"f7":null,"a":{"more":1,"f7":null}}`).Code)
	})
}

func TestAnAnswerNamesTwentyFaults(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		var first []string
		for i := range 20 {
			first = append(first, fmt.Sprintf("[%d].name: is required", i))
		}
		refused := r.do("POST", "/companies", `[{}`+strings.Repeat(`,{}`, 99)+`]`)
		refused.refused(http.StatusUnprocessableEntity, first...)
		require.NotContains(t, refused.Body.String(), "[20]", "nor does the detail name more")

		query := "id=1"
		for id := 2; id <= 100; id++ {
			query += fmt.Sprintf("&id=%d", id)
		}
		missing := make([]string, 20)
		for i := range missing {
			missing[i] = "id: must be the id of an item of /companies"
		}
		r.do("DELETE", "/companies?"+query, "").refused(http.StatusNotFound, missing...)
	})
}

func TestAPageOfLargeItemsEndsEarly(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		const items = 20 // of a quarter of a megabyte
		notes := strings.Repeat("x", 250_000)
		for range items {
			require.Equal(t, http.StatusCreated, r.do("POST", "/companies", `{"name":"x","notes":"`+notes+`"}`).Code)
		}
		var pages, found []int
		for cursor := ""; ; {
			answer := r.do("GET", "/companies?limit=500"+cursor, "")
			require.Equal(t, http.StatusOK, answer.Code)
			var page struct {
				Items []struct{ ID int }
				Next  *string
			}
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
			pages = append(pages, len(page.Items))
			for _, it := range page.Items {
				found = append(found, it.ID)
			}
			if page.Next == nil {
				break
			}
			require.NotEmpty(t, page.Items, "each page gets on")
			cursor = "&cursor=" + *page.Next
		}
		require.Equal(t, []int{16, 4}, pages, "4 MiB have room for 16")
		for i, id := range found {
			require.Equal(t, items-i, id, "every item once, newest first")
		}
	})
}
