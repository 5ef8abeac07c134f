package entity_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/entity"
)

const acme1 = `{"id": 1, "ref": "/companies/1", "version": 1, "name": "Bar Sport",
	"createdAt": "2023-02-02T12:07:01Z", "updatedAt": "2023-02-02T12:07:01Z"}`

func TestAnItemIsCreatedReadChangedAndDeleted(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		created := r.do("POST", "/companies", `{"name": "Bar Sport"}`)
		created.is(http.StatusCreated, acme1)
		require.Equal(t, "/companies/1", created.Header().Get("Location"))
		require.Equal(t, `"1"`, created.Header().Get("ETag"))
		r.do("GET", "/companies/1", "").is(http.StatusOK, acme1)

		changed := r.do("PATCH", "/companies/1", `{"seats": 4, "name": "Bar Centrale"}`)
		changed.is(http.StatusOK, strings.NewReplacer(`"version": 1`, `"version": 2, "seats": 4`, "Sport", "Centrale").Replace(acme1))
		require.Equal(t, `"2"`, changed.Header().Get("ETag"))

		require.Equal(t, http.StatusNoContent, r.do("DELETE", "/companies/1", "").Code)
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			r.do(method, "/companies/1", "").refused(http.StatusGone)
		}
		r.do("POST", "/companies", `{"name": "Bar Due"}`).is(http.StatusCreated,
			strings.NewReplacer(`"id": 1`, `"id": 2`, "/companies/1", "/companies/2", "Sport", "Due").Replace(acme1))
	})
}

func TestEachAccountHasItsOwnItemsAndIDs(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "Bar Sport"}`)
		r.do("GET", "/companies/1", "", "Authorization: Bearer sk_other").refused(http.StatusNotFound)
		r.do("PATCH", "/companies/1", `{"name": "x"}`, "Authorization: Bearer sk_other").refused(http.StatusNotFound)
		r.do("DELETE", "/companies/1", "", "Authorization: Bearer sk_other").refused(http.StatusNotFound)
		r.do("POST", "/companies", `{"name": "Bar Sport"}`, "Authorization: Bearer sk_other").is(http.StatusCreated, acme1)
	})
}

func TestChecksComeInOrderKeyScopeExistenceBody(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		bad := `not JSON`
		noKey := r.do("PATCH", "/companies/7", bad, "Authorization: Bearer sk_unknown")
		noKey.refused(http.StatusUnauthorized)
		require.NotEmpty(t, noKey.Header().Get("WWW-Authenticate"))
		r.do("GET", "/companies/7", "", "Authorization: ").refused(http.StatusUnauthorized)
		r.do("PATCH", "/companies/7", bad, "Authorization: Bearer sk_acme_read").refused(http.StatusForbidden)
		r.do("GET", "/companies/7", "", "Authorization: Bearer sk_acme_read").refused(http.StatusNotFound)
		r.do("PATCH", "/companies/7", bad).refused(http.StatusNotFound)
		r.do("POST", "/companies", `{"name": "Bar"}`)
		r.do("PATCH", "/companies/1", bad).refused(http.StatusBadRequest)
		r.do("GET", "/companies", "", "Authorization: Bearer the-admin-key-of-the-test-is-long").refused(http.StatusBadRequest)
		require.Len(t, r.events(), 1, "what is refused makes no event")
	})
}

func TestInvalidFieldsAreNamedWithTheirRules(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		for name, c := range map[string]struct {
			body   string
			faults []string
		}{
			"absent": {`{}`, []string{"name: is required"}},
			"null":   {`{"name": null}`, []string{"name: is required"}},
			"every fault": {
				`{"name": 7, "email": "me", "size": "medium", "founded": "2023-13-01", "seats": 1.5, "active": "yes", "lines": [{"price": -1}, {}]}`,
				[]string{
					"name: must be a string of 1 to 20 characters",
					"email: must be an e-mail address",
					"size: must be one of small, large",
					"founded: must be a date as YYYY-MM-DD",
					"seats: must be an integer from 0 to 100",
					"active: must be true or false",
					"lines[0].price: must be a number, 0 or more, of at most 9 digits before its point and 2 after it",
					"lines[1].price: is required",
				},
			},
			"list too long": {`{"name": "x", "lines": [1, 2, 3]}`, []string{"lines: must be an array of at most 2 values"}},
			"read-only":     {`{"name": "x", "id": 9}`, []string{"id: is set by the service and must be left out"}},
			"store":         {`{"name": "x", "store": 7}`, []string{"store: must be a string of 1 to 64 characters"}},
			"no object":     {`"x"`, []string{"body: must be a JSON object"}},
			"twice":         {`{"name": "x", "name": "y"}`, []string{`body: must not have a field twice: field "name" is there twice`}},
			"empty array":   {`[]`, []string{"body: must have 1 to 1000 items"}},
			"in an array":   {`[{"name": "x"}, {"seats": true}]`, []string{"[1].name: is required", "[1].seats: must be an integer from 0 to 100"}},
		} {
			t.Run(name, func(t *testing.T) {
				r.do("POST", "/companies", c.body).refused(http.StatusUnprocessableEntity, c.faults...)
			})
		}
		require.Empty(t, r.events())
	})
}

func TestBodiesThatCannotBeReadAreRefused(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "x"`).refused(http.StatusBadRequest)
		r.do("POST", "/companies", "{\"name\": \"\xff\"}").refused(http.StatusBadRequest)
		r.do("POST", "/companies", `{"a": `+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`).refused(http.StatusBadRequest)
		long := strings.Repeat("x", 256<<10)
		r.do("POST", "/companies", `{"name": "x", "notes": "`+long+`"}`).refused(http.StatusUnprocessableEntity,
			"body: must have at most 262144 bytes")
		r.do("POST", "/companies", `["`+strings.Repeat(long, 4)+`"]`).refused(http.StatusRequestEntityTooLarge)
		r.do("POST", "/companies", `{"name": "x"}`, "Staffetta-User: Mario").refused(http.StatusUnprocessableEntity,
			"header.Staffetta-User: must be the id of a crew member, an integer from 1")
	})
}

func TestNumbersAndUnknownFieldsComeBackAsTheyWereWritten(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "A & B <è>", "x": {"vat": 12345678901234567890, "rate": 1.10, "e": 1E3}}`)
		const kept = `"name":"A & B <è>","x":{"vat":12345678901234567890,"rate":1.10,"e":1E3}`
		require.Contains(t, r.do("GET", "/companies/1", "").Body.String(), kept)
		all := r.events()
		require.Len(t, all, 1)
		require.Contains(t, all[0].Value, kept)
	})
}

func TestPatchIsAMergePatch(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "x", "a": {"b": 1, "c": {"d": 2}}, "tags": [1, 2], "gone": true}`)
		r.do("PATCH", "/companies/1", `{"a": {"b": null, "c": {"e": 3}}, "tags": [3], "gone": null, "new": {"n": null, "m": 1}}`,
			"Content-Type: application/merge-patch+json")
		require.Contains(t, r.do("GET", "/companies/1", "").Body.String(),
			`"name":"x","a":{"c":{"d":2,"e":3}},"tags":[3],"new":{"m":1}`)
		r.do("PATCH", "/companies/1", `{"name": null}`).refused(http.StatusUnprocessableEntity, "name: is required")
		r.do("PATCH", "/companies/1", `[{"name": "y"}]`).refused(http.StatusUnprocessableEntity, "body: must be a JSON object")
		r.do("PATCH", "/companies/1", `{"id": 2}`).refused(http.StatusUnprocessableEntity, "id: must be that of the path, or be left out")
		require.Equal(t, http.StatusOK, r.do("PATCH", "/companies/1", `{"id": 1, "name": "y"}`).Code)
	})
}

func TestIfMatchRefusesAStaleVersion(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `{"name": "x"}`)
		require.Equal(t, http.StatusOK, r.do("PATCH", "/companies/1", `{"name": "y"}`, `If-Match: "1"`).Code)
		r.do("PATCH", "/companies/1", `{"name": "z"}`, `If-Match: "1"`).refused(http.StatusPreconditionFailed)
		r.do("PATCH", "/companies/1", `{"name": "z"}`, `If-Match: `).refused(http.StatusPreconditionFailed)
		r.do("DELETE", "/companies/1", "", `If-Match: "1"`).refused(http.StatusPreconditionFailed)
		require.Equal(t, http.StatusOK, r.do("PATCH", "/companies/1", `{"name": "z"}`, `If-Match: "1", "2"`).Code)
		require.Equal(t, http.StatusNoContent, r.do("DELETE", "/companies/1", "", "If-Match: *").Code)
		require.Len(t, r.events(), 4)
	})
}

func TestListsPageNewestFirst(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("GET", "/companies", "").is(http.StatusOK, `{"items": [], "next": null}`)
		for i := range 5 {
			r.do("POST", "/companies", fmt.Sprintf(`{"name": "n%d"}`, i+1))
		}
		r.do("DELETE", "/companies/4", "")
		first := r.do("GET", "/companies?limit=2", "")
		require.Regexp(t, `^{"items":\[{"id":5,.*},{"id":3,.*}\],"next":"3"}`, first.Body.String())
		last := r.do("GET", "/companies?limit=2&cursor=3", "")
		require.Regexp(t, `^{"items":\[{"id":2,.*},{"id":1,.*}\],"next":null}`, last.Body.String())
		r.do("GET", "/companies?limit=501&cursor=x", "").refused(http.StatusUnprocessableEntity,
			"query.limit: must be an integer from 1 to 500", "query.cursor: must be the next of a page")
	})
}

func TestParentsMustExist(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		const missing = "company: must be the id of an item of /companies"
		r.do("POST", "/contact-persons", `{"name": "Ugo", "company": 1}`).refused(http.StatusUnprocessableEntity, missing)
		r.do("POST", "/contact-persons", `{"name": "Ugo", "company": "1"}`).refused(http.StatusUnprocessableEntity,
			"company: must be the id of an item, an integer from 1")
		r.do("POST", "/companies", `{"name": "Bar"}`)
		require.Equal(t, http.StatusCreated, r.do("POST", "/contact-persons", `{"name": "Ugo", "company": 1}`).Code)
		require.Equal(t, http.StatusCreated, r.do("POST", "/contact-persons", `{"name": "Ada"}`).Code)
		r.do("DELETE", "/companies/1", "")
		r.do("PATCH", "/contact-persons/2", `{"company": 1}`).refused(http.StatusUnprocessableEntity, missing)
		require.Equal(t, http.StatusOK, r.do("PATCH", "/contact-persons/1", `{"name": "Ugo Due"}`).Code, "whose company is gone")
	})
}

func TestBulkChangesAreAllOrNothing(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		bulk := r.do("POST", "/companies", `[{"name": "a"}, {"name": "b"}, {"name": "c"}]`)
		require.Equal(t, http.StatusCreated, bulk.Code)
		require.Regexp(t, `^{"items":\[{"id":1,.*"a",.*{"id":2,.*"b",.*{"id":3,.*"c".*\]}`, bulk.Body.String())

		r.do("PATCH", "/companies", `[{"id": 1, "name": "x"}, {"id": 9}]`).refused(http.StatusUnprocessableEntity,
			"[1].id: must be the id of an item that exists")
		r.do("PATCH", "/companies", `[{"id": 1}, {"id": 1}, {"name": "x"}, {"id": "2"}]`).refused(http.StatusUnprocessableEntity,
			"[1].id: must not occur twice", "[2].id: is required", "[3].id: must be the id of an item, an integer from 1")
		r.do("PATCH", "/companies", `[{"id": 1, "name": "x"}, {"id": 2, "name": 5}]`).refused(http.StatusUnprocessableEntity,
			"[1].name: must be a string of 1 to 20 characters")
		require.Contains(t, r.do("GET", "/companies/1", "").Body.String(), `"version":1,"name":"a"`)

		changed := r.do("PATCH", "/companies", `[{"id": 3, "name": "z"}, {"id": 1, "name": "x"}]`)
		require.Equal(t, http.StatusOK, changed.Code)
		require.Regexp(t, `^{"items":\[{"id":3,.*"z",.*{"id":1,.*"x".*\]}`, changed.Body.String())

		r.do("DELETE", "/companies?id=1&id=9", "").refused(http.StatusNotFound, "id: must be the id of an item of /companies")
		r.do("DELETE", "/companies", "").refused(http.StatusUnprocessableEntity, "query.id: is required, once per item")
		r.do("DELETE", "/companies?id=1&id=x&id=1", "").refused(http.StatusUnprocessableEntity,
			"query.id: must be the id of an item, an integer from 1", "query.id: must not occur twice")
		require.Equal(t, http.StatusNoContent, r.do("DELETE", "/companies?id=1&id=3", "").Code)
		r.do("DELETE", "/companies?id=1&id=3", "").refused(http.StatusGone,
			"id: must be the id of an item that is not deleted", "id: must be the id of an item that is not deleted")
		require.Equal(t, http.StatusOK, r.do("GET", "/companies/2", "").Code)
		require.Len(t, r.events(), 3)
	})
}

func TestUnknownPathsAndMethodsAreProblems(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		for _, path := range []string{"/nothing", "/companies/", "/companies/x", "/companies/01", "/companies/1/2"} {
			r.do("GET", path, "").refused(http.StatusNotFound)
		}
		wrong := r.do("PUT", "/companies/1", "")
		wrong.refused(http.StatusMethodNotAllowed)
		require.Equal(t, "GET, HEAD, PATCH, DELETE", wrong.Header().Get("Allow"))
	})
}

func TestDeclarationsAreChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sqlite:"+t.TempDir()+"/test.db", "test")
	for name, c := range map[string][]entity.Collection{
		"no item type":   {{Path: "x"}},
		"twice":          {{Path: "x", ItemType: "X"}, {Path: "x", ItemType: "X"}},
		"own field":      {{Path: "x", ItemType: "X", Fields: []entity.Field{{Name: "id", Rule: entity.ID()}}}},
		"foreign parent": {{Path: "x", ItemType: "X", Parent: &entity.Parent{Field: "y", Collection: "y"}}},
	} {
		_, err := entity.New(entity.Config{
			Domain: entity.Domain{Prefix: "x", Collections: c}, Topic: "t", DB: r.db, Authorizer: apiauthNone(),
		})
		require.ErrorIs(t, err, entity.ErrDeclaration, name)
	}
}
