package entity_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/entity"
)

func apiauthNone() entity.Authorizer { return apiauth.New(apiauth.Config{Keys: keys{}}) }

const frame = `"account": "acme", "eventDate": "2023-02-02T12:07:01Z"`

func TestEveryChangeMakesItsEvent(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "Bar Sport"}`)
		r.event(`{` + frame + `, "eventType": "create", "itemType": "Company",
			"items": [{"id": 1, "ref": "/companies/1", "version": 1, "data": ` + acme1 + `}]}`)

		second := strings.NewReplacer(`"version": 1`, `"version": 2`, "Sport", "Due").Replace(acme1)
		r.do("PATCH", "/companies/1", `{"name": "Bar Due"}`)
		r.event(`{` + frame + `, "eventType": "update", "itemType": "Company",
			"items": [{"id": 1, "ref": "/companies/1", "version": 2, "data": ` + second + `}]}`)

		r.do("DELETE", "/companies/1", "")
		r.event(`{` + frame + `, "eventType": "delete", "itemType": "Company",
			"items": [{"id": 1, "ref": "/companies/1", "version": 3, "data": ` + second + `}]}`)
	})
}

func TestTheEventNamesUserStoreAndParent(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "Bar"}`)
		r.events()
		r.do("POST", "/contact-persons", `{"name": "Ugo", "company": 1, "store": "7"}`, "Staffetta-User: 33",
			"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		all := r.events()
		require.Len(t, all, 1)
		require.Equal(t, "events.test", all[0].Topic)
		require.Equal(t, "acme/ContactPerson", all[0].Key)
		require.Contains(t, all[0].Trace, "0af7651916cd43dd8448eb211c80319c")
		require.JSONEq(t, `{"account": "acme", "store": "7", "user": {"id": 33, "itemType": "Crew", "ref": "/crew/33"},
			"eventType": "create", "itemType": "ContactPerson", "eventDate": "2023-02-02T12:07:01Z",
			"items": [{"id": 1, "ref": "/contact-persons/1", "version": 1,
				"parent": {"id": 1, "itemType": "Company", "ref": "/companies/1"},
				"data": {"id": 1, "ref": "/contact-persons/1", "version": 1, "name": "Ugo", "company": 1, "store": "7",
					"createdAt": "2023-02-02T12:07:01Z", "updatedAt": "2023-02-02T12:07:01Z"}}]}`, withoutID(t, all[0].Value))
	})
}

func TestABulkChangeIsOneEventPerStore(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `[{"name": "a", "store": "7"}, {"name": "b", "store": "8"}, {"name": "c", "store": "7"}]`)
		all := r.events()
		require.Len(t, all, 2)
		require.Contains(t, all[0].Value, `"store":"7"`)
		require.Regexp(t, `"name":"a".*"name":"c"`, all[0].Value)
		require.Contains(t, all[1].Value, `"name":"b"`)
		require.NotContains(t, all[1].Value, `"store":"7"`)
	})
}

func TestAPatchThatChangesNothingMakesNoEvent(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `[{"name": "a"}, {"name": "b"}]`)
		r.events()
		same := r.do("PATCH", "/companies/1", `{"name": "a"}`)
		require.Equal(t, http.StatusOK, same.Code)
		require.Equal(t, `"1"`, same.Header().Get("ETag"))
		require.Empty(t, r.events())
		r.do("PATCH", "/companies", `[{"id": 1, "name": "a"}, {"id": 2, "name": "x"}]`)
		all := r.events()
		require.Len(t, all, 1)
		require.NotContains(t, all[0].Value, `"/companies/1"`)
	})
}

func TestAChangeTooLargeForOneEventChangesNothing(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		item := `{"name": "x", "notes": "` + strings.Repeat("x", 250_000) + `"}`
		for range 4 {
			require.Equal(t, http.StatusCreated, r.do("POST", "/companies", item).Code)
		}
		r.do("PATCH", "/companies", `[{"id":1,"seats":1},{"id":2,"seats":1},{"id":3,"seats":1},{"id":4,"seats":1}]`).
			refused(http.StatusRequestEntityTooLarge)
		require.NotContains(t, r.do("GET", "/companies/1", "").Body.String(), "seats")
		require.Len(t, r.events(), 4)
	})
}

func TestConcurrentChangesOfOneItemKeepTheirOrderInTheOutbox(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "x", "n": 0}`)
		r.events()
		const writers, each = 4, 10
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					body := `{"n": ` + strconv.Itoa(100*(w+1)+i) + `}`
					if code := r.do("PATCH", "/companies/1", body).Code; code != http.StatusOK {
						t.Errorf("PATCH: %d", code)
					}
				}
			})
		}
		wg.Wait()
		all := r.events()
		require.Len(t, all, writers*each)
		for i, e := range all {
			require.Contains(t, e.Value, `"version":`+strconv.Itoa(i+2)+`,`)
		}
	})
}
