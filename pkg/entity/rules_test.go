package entity_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

const tally = `-- +goose Up
CREATE TABLE {{prefix}}_tally (account TEXT PRIMARY KEY, n BIGINT NOT NULL);
-- +goose Down
DROP TABLE {{prefix}}_tally;
`

// tables have rooms with a number of seats, and bookings of some of them: together never
// more than there are. Bookings are numbered without gaps, in a table of their own.
var tables = entity.Domain{
	Tables: fstest.MapFS{"sqlite/00001_tally.sql": {Data: []byte(tally)}, "postgres/00001_tally.sql": {Data: []byte(tally)}},
	Collections: []entity.Collection{
		{
			Path: "rooms", ItemType: "Room",
			Fields: []entity.Field{
				{Name: "seats", Required: true, Rule: entity.Integer(0, 1000)},
				{Name: "taken", Derived: true},
			},
			Rules: func(_ context.Context, _ *entity.Tx, c *entity.Change) error {
				if c.Before == nil {
					c.After.Set("taken", 0)
				}
				if c.After == nil && c.Before.Int("taken") > 0 {
					return entity.Conflict("%s has bookings", c.Before.Ref())
				}
				return nil
			},
			Actions: []entity.Action{{Name: "book", Do: func(ctx context.Context, tx *entity.Tx, it *entity.Item, fields entity.Fields) (*entity.Item, error) {
				return tx.Create(ctx, "bookings", entity.Fields{"room": it.ID(), "seats": fields["seats"]})
			}}},
		},
		{
			Path: "bookings", ItemType: "Booking",
			Fields: []entity.Field{
				{Name: "seats", Required: true, Rule: entity.Integer(1, 1000)},
				{Name: "number", Derived: true, Filter: entity.Exactly},
				{Name: "day", Rule: entity.Date(), Filter: entity.Days},
				{Name: "at", Rule: entity.Time(), Filter: entity.Moments},
			},
			Parent: &entity.Parent{Field: "room", Collection: "rooms"},
			Rules:  book,
		},
	},
}

func book(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	it := c.After
	if it == nil {
		it = c.Before
	}
	room, err := tx.Find(ctx, "rooms", it.Parent())
	if err != nil {
		return err
	}
	if room == nil {
		return hook.Invalid{{Field: "room", Rule: "is required"}}
	}
	others, err := tx.List(ctx, "bookings", entity.Equal("room", strconv.FormatInt(room.ID(), 10)))
	if err != nil {
		return err
	}
	var taken int64
	for _, other := range others {
		if other.ID() != it.ID() {
			taken += other.Int("seats")
		}
	}
	if c.After != nil {
		taken += it.Int("seats")
	}
	if taken > room.Int("seats") {
		return hook.Invalid{{Field: "seats", Value: strconv.FormatInt(it.Int("seats"), 10), Rule: "must not exceed what is free"}}
	}
	if c.Before == nil {
		var n int64
		err := tx.SQL().QueryRowContext(ctx, `INSERT INTO `+tx.Table("tally")+` (account, n) VALUES ($1, 1)
			ON CONFLICT (account) DO UPDATE SET n = `+tx.Table("tally")+`.n + 1 RETURNING n`, tx.Account()).Scan(&n)
		if err != nil {
			return err
		}
		it.Set("number", n)
	}
	room.Set("taken", taken)
	return tx.Update(ctx, room)
}

func TestRulesSetDerivedFieldsAndChangeOtherItemsInOneTransaction(t *testing.T) {
	backendsOf(t, tables, func(t *testing.T, r *rig) {
		r.do("POST", "/rooms", `{"seats": 5}`)
		r.events()
		created := r.do("POST", "/bookings", `[{"seats": 2, "room": 1}, {"seats": 3, "room": 1}]`, "Staffetta-User: 33")
		require.Equal(t, http.StatusCreated, created.Code, created.Body)
		require.Regexp(t, `"seats":2,"room":1,"number":1.*"seats":3,"room":1,"number":2`, created.Body.String())
		require.Contains(t, r.do("GET", "/rooms/1", "").Body.String(), `"version":2,"seats":5,"taken":5`)

		all := r.events()
		require.Len(t, all, 2, "the room is told of once, as the last rule left it")
		require.Equal(t, []string{"acme/Booking", "acme/Room"}, []string{all[0].Key, all[1].Key})
		require.Regexp(t, `"id":1,.*"number":1.*"id":2,.*"number":2`, all[0].Value)
		require.Regexp(t, `"version":2,.*"taken":5`, all[1].Value)
		for _, e := range all {
			require.Contains(t, e.Value, `"/crew/33"`, "whoever asked for it acts")
		}

		r.do("POST", "/bookings", `[{"seats": 1, "room": 1}]`).refused(http.StatusUnprocessableEntity, "[0].seats: must not exceed what is free")
		r.do("DELETE", "/rooms/1", "").refused(http.StatusConflict)
		r.do("DELETE", "/bookings?id=1&id=2", "")
		require.Contains(t, r.do("GET", "/rooms/1", "").Body.String(), `"taken":0`)
		require.Equal(t, http.StatusNoContent, r.do("DELETE", "/rooms/1", "").Code)
	})
}

func TestDerivedFieldsMustBeLeftOut(t *testing.T) {
	backendsOf(t, tables, func(t *testing.T, r *rig) {
		const rule = "taken: is set by the service and must be left out"
		r.do("POST", "/rooms", `{"seats": 5, "taken": 0}`).refused(http.StatusUnprocessableEntity, rule)
		r.do("POST", "/rooms", `{"seats": 5}`)
		r.do("PATCH", "/rooms/1", `{"taken": null}`).refused(http.StatusUnprocessableEntity, rule)
		r.do("PATCH", "/rooms", `[{"id": 1, "taken": 0}]`).refused(http.StatusUnprocessableEntity, "[0]."+rule)
		require.Equal(t, http.StatusOK, r.do("PATCH", "/rooms/1", `{"seats": 6}`).Code)
	})
}

func TestAnActionAnswersWhatItMakes(t *testing.T) {
	backendsOf(t, tables, func(t *testing.T, r *rig) {
		r.do("POST", "/rooms/1/book", `{"seats": 2}`).refused(http.StatusNotFound)
		r.do("POST", "/rooms", `{"seats": 2}`)
		r.events()
		r.do("POST", "/rooms/1/book", "").refused(http.StatusUnprocessableEntity, "seats: is required")
		chunked := httptest.NewRequest("POST", "/rooms/1/book", io.NopCloser(strings.NewReader(""))) // says nothing of its length
		chunked.Header.Set("Authorization", "Bearer sk_acme")
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, chunked)
		answer{w, t}.refused(http.StatusUnprocessableEntity, "seats: is required")
		r.do("POST", "/rooms/1/book", `[]`).refused(http.StatusUnprocessableEntity, "body: must be a JSON object")
		r.do("POST", "/rooms/1/book", `{"seats": 2}`, `If-Match: "7"`).refused(http.StatusPreconditionFailed)
		r.do("GET", "/rooms/1/book", "").refused(http.StatusMethodNotAllowed)
		r.do("POST", "/rooms/1/book", `{"seats": 2}`, "Authorization: Bearer sk_acme_read").refused(http.StatusForbidden)
		booked := r.do("POST", "/rooms/1/book", `{"seats": 2}`)
		require.Equal(t, http.StatusCreated, booked.Code, booked.Body)
		require.Equal(t, "/bookings/1", booked.Header().Get("Location"))
		require.Contains(t, booked.Body.String(), `"number":1`)
		require.Len(t, r.events(), 2)
		r.do("POST", "/rooms/1/book", `{"seats": 1}`).refused(http.StatusUnprocessableEntity, "seats: must not exceed what is free")
	})
}

func TestListsAreFiltered(t *testing.T) {
	backendsOf(t, tables, func(t *testing.T, r *rig) {
		r.do("POST", "/rooms", `[{"seats": 100}, {"seats": 100}]`)
		r.do("POST", "/bookings", `[
			{"seats": 1, "room": 1, "day": "2026-11-01", "store": "7", "at": "2026-11-01T00:30:00+01:00"},
			{"seats": 1, "room": 2, "day": "2026-11-02", "store": "7", "at": "2026-11-01T00:30:00Z"},
			{"seats": 1, "room": 1, "day": "2026-12-01", "store": "8", "at": "2026-12-01T10:00:00.5Z"},
			{"seats": 1, "room": 1}]`)
		ids := func(query string) (ids string) {
			t.Helper()
			answer := r.do("GET", "/bookings?"+query, "")
			require.Equal(t, http.StatusOK, answer.Code, answer.Body)
			for _, part := range strings.Split(answer.Body.String(), `{"id":`)[1:] {
				ids += part[:1]
			}
			return ids
		}
		for query, want := range map[string]string{
			"":                   "4321",
			"store=7":            "21",
			"room=1":             "431",
			"room=1&store=7":     "1",
			"room=1&store=9":     "",
			"day=2026-11-02":     "2",
			"dayFrom=2026-11-02": "32",
			"dayTo=2026-12-01":   "21",
			"dayFrom=2026-11-02&dayTo=2026-12-01&store=7":                    "2",
			"atFrom=2026-11-01":                                              "32", // the first is of October in UTC
			"atFrom=2026-11-01T00:00:00%2B01:00&atTo=2026-12-01T10:00:00.5Z": "21",
			"number=3":               "3",
			"createdAtTo=2023-02-02": "",
			"createdAtFrom=2023-02-02&createdAtTo=2023-02-03&limit=2": "43",
			"room=1&limit=2&cursor=4":                                 "31",
		} {
			require.Equal(t, want, ids(query), query)
		}
		r.do("PATCH", "/bookings/1", `{"store": "8", "day": null}`)
		r.do("DELETE", "/bookings/3", "")
		require.Equal(t, "1", ids("store=8"))
		require.Equal(t, "2", ids("dayFrom=2000-01-01"))

		r.do("GET", "/bookings?colour=red&day=today&atTo=soon&store=7&store=8", "").refused(http.StatusUnprocessableEntity,
			"query.day: must be a date as YYYY-MM-DD",
			"query.atTo: must be a time as RFC 3339 writes it, or a date as YYYY-MM-DD",
			"query.colour: is no parameter of /bookings: those are limit, cursor, room, number, day, dayFrom, dayTo, atFrom, atTo, store, createdAtFrom, createdAtTo",
			"query.store: must not occur twice")
		require.NotContains(t, r.do("GET", "/bookings?colour=red", "").Body.String(), "red", "no value would be better")
	})
}

// Requests that touch the same items in opposite orders, and number what they make.
func TestNoTwoRequestsDeadlockAndNoNumberIsLost(t *testing.T) {
	backendsOf(t, tables, func(t *testing.T, r *rig) {
		r.do("POST", "/rooms", `[{"seats": 30}, {"seats": 30}]`)
		const workers, each = 6, 10
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				first, second := 1+w%2, 2-w%2
				for range each {
					body := fmt.Sprintf(`[{"seats": 1, "room": %d}, {"seats": 1, "room": %d}]`, first, second)
					if code := r.do("POST", "/bookings", body).Code; code != http.StatusCreated && code != http.StatusUnprocessableEntity {
						t.Errorf("POST: %d", code)
					}
					body = fmt.Sprintf(`[{"id": %d, "note": "%d"}, {"id": %d, "note": "%d"}]`, first, w, second, w)
					if code := r.do("PATCH", "/rooms", body).Code; code != http.StatusOK {
						t.Errorf("PATCH: %d", code)
					}
				}
			})
		}
		wg.Wait()
		for room := 1; room <= 2; room++ {
			require.Contains(t, r.do("GET", "/rooms/"+strconv.Itoa(room), "").Body.String(), `"taken":30`)
		}
		for n := 1; n <= 60; n++ {
			require.Contains(t, r.do("GET", "/bookings?number="+strconv.Itoa(n), "").Body.String(), `"number":`+strconv.Itoa(n)+`,`)
		}
		require.NotContains(t, r.do("GET", "/bookings?number=61", "").Body.String(), `"number"`)
	})
}

func TestAMigrationIndexesWhatIsThereForNewFilters(t *testing.T) {
	backends(t, func(t *testing.T, r *rig) {
		r.do("POST", "/companies", `[{"name": "a", "size": "small"}, {"name": "b", "size": "large"}, {"name": "c", "size": "small"}]`)
		r.do("POST", "/companies", `{"name": "d", "size": "small"}`, "Authorization: Bearer sk_other")
		r.do("DELETE", "/companies/1", "")
		changed := slices.Clone(collections)
		changed[0].Fields = slices.Clone(changed[0].Fields)
		size := slices.IndexFunc(changed[0].Fields, func(f entity.Field) bool { return f.Name == "size" })
		changed[0].Fields[size].Filter = entity.Exactly
		domain := entity.Domain{Prefix: r.prefix, Collections: changed}
		require.ErrorIs(t, domain.CheckMigrated(t.Context(), r.db), entity.ErrUnmigrated)
		require.NoError(t, domain.Migrate(t.Context(), r.db))
		require.NoError(t, domain.CheckMigrated(t.Context(), r.db))
		changed[0].Fields[size].Absent = `"unknown"`
		require.ErrorIs(t, domain.CheckMigrated(t.Context(), r.db), entity.ErrUnmigrated)
		r.do("POST", "/companies", `[{"name": "e"}, {"name": "f", "size": null}]`)
		require.NoError(t, domain.Migrate(t.Context(), r.db))
		slices.Reverse(changed[0].Fields)
		require.NoError(t, domain.CheckMigrated(t.Context(), r.db), "another order is the same index")
		r.handler = serve(t, r.db, domain)
		require.Regexp(t, `^{"items":\[{"id":3,[^{]*}\]`, r.do("GET", "/companies?size=small", "").Body.String())
		require.Regexp(t, `^{"items":\[{"id":1,[^{]*}\]`, r.do("GET", "/companies?size=small", "", "Authorization: Bearer sk_other").Body.String())
		require.Regexp(t, `^{"items":\[{"id":5,[^{]*},{"id":4,[^{]*}\]`, r.do("GET", "/companies?size=unknown", "").Body.String())
	})
}
