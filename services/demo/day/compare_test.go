package day

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// world is a small day on which all agree: two contacts, one of which is changed and
// then deleted, told to the first webhook and to another one.
type world struct {
	book          *book
	first, second *inbox
}

func data(id, version int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"id":%d,"ref":"/contacts/%d","version":%d}`, id, id, version))
}

func newWorld(format string) *world {
	w := &world{book: &book{}}
	contact := func(id, version int) told {
		return told{id: fmt.Sprint(id), ref: fmt.Sprintf("/contacts/%d", id), version: int64(version), data: data(id, version)}
	}
	deleted := contact(1, 3)
	deleted.data = data(1, 2)
	events := []event{
		{id: "e1", kind: "contact.create", date: "d1", user: "/crew/1", items: []told{contact(1, 1), contact(2, 1)}},
		{id: "e2", kind: "contact.update", date: "d2", items: []told{contact(1, 2)}},
		{id: "e3", kind: "contact.delete", date: "d3", items: []told{deleted}},
	}
	w.book.note(change{"/contacts/1", "create", 1, data(1, 1), "/crew/1"}, change{"/contacts/2", "create", 1, data(2, 1), "/crew/1"},
		change{"/contacts/1", "update", 2, data(1, 2), ""}, change{"/contacts/1", "delete", 3, nil, ""})
	make := func(format string) *inbox {
		b := &inbox{
			subscription: subscription{body: fields{"format": format, "payload": "full"}, ordered: true, perItem: format == "cassa-in-cloud"},
			seen:         map[string]int{}, identified: true,
		}
		for _, e := range events {
			each := []event{e}
			if b.perItem {
				each = nil
				for _, it := range e.items {
					it.version = int64(strings.Count(string(it.data), `"version":1`)) + 2*int64(strings.Count(string(it.data), `"version":2`))
					each = append(each, event{kind: e.kind, items: []told{it}})
				}
			}
			for _, one := range each {
				itemType, kind, _ := strings.Cut(e.kind, ".")
				r := row{ID: fmt.Sprintf("%s-%d", format, len(b.rows)), EventID: e.id, EventType: kind, ItemType: strings.ToUpper(itemType[:1]) + itemType[1:], Status: "delivered"}
				for _, it := range one.items {
					r.ItemIDs = append(r.ItemIDs, it.id)
				}
				b.events, b.rows = append(b.events, one), append(b.rows, r)
				b.seen[r.ID] = 1
			}
		}
		return b
	}
	w.first, w.second = make("standard"), make(format)
	return w
}

func (w *world) findings() []string {
	s := &Summary{}
	s.compareAnswers(w.book, s.compareVersions(w.first.all()))
	s.compareEvents(w.second, w.first.all())
	for _, b := range []*inbox{w.first, w.second} {
		s.compareOrder(b)
		s.compareLog(b, w.first.all())
	}
	return s.Findings
}

func TestADayOnWhichAllAgreeHasNoFindings(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"standard", "cloudevents", "rentman", "cassa-in-cloud"} {
		require.Empty(t, newWorld(format).findings(), format)
	}
}

func TestWhatDoesNotAgreeIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(w *world)
		want  string
	}{
		"an event that the first webhook did not get": {
			func(w *world) { w.first.events = slices.Delete(w.first.events, 1, 2) }, "version 3 was delivered where version 2 was due",
		},
		"the last one": {
			func(w *world) { w.first.events = w.first.events[:2] }, "/contacts/1: version 3 was answered and not delivered",
		},
		"an event that came twice under two ids": {
			func(w *world) { w.first.events = append(w.first.events, w.first.events[1]) }, "/contacts/1: version 2 was delivered where version 4 was due",
		},
		"another content": {
			func(w *world) { w.book.changes[1].document = data(2, 7) }, "/contacts/2: version 1 was answered as",
		},
		"another user": {
			func(w *world) { w.book.changes[2].user = "/crew/9" }, `was a update by "/crew/9"`,
		},
		"an event that another webhook did not get": {
			func(w *world) { w.second.events = w.second.events[:2] }, "was not told: contact.delete",
		},
		"an event that another webhook got twice": {
			func(w *world) { w.second.events = append(w.second.events, w.second.events[0]) }, "or told it twice: contact.create",
		},
		"an order that is not kept": {
			func(w *world) { slices.Reverse(w.second.events) }, "was told of version 2 of /contacts/1 after version 3",
		},
		"a row that is missing": {
			func(w *world) { w.second.rows = w.second.rows[1:] }, "lacks 1 rows of e1 contact.create 1,2",
		},
		"a row too many": {
			func(w *world) { w.second.rows = append(w.second.rows, w.second.rows[0]) }, "nothing of that was to be delivered: e1",
		},
		"a row of what failed": {
			func(w *world) { w.first.rows[0].Status = "exhausted" }, "as exhausted",
		},
		"a row of what never came": {
			func(w *world) { w.first.rows[0].ID = "dlv_other" }, "the log has dlv_other of standard full, which did not arrive",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld("cloudevents")
			c.spoil(w)
			require.Contains(t, strings.Join(w.findings(), "\n"), c.want)
		})
	}
}

func TestADeliveryThatComesAgainCountsOnce(t *testing.T) {
	t.Parallel()
	for _, s := range subscriptions() {
		s.verify = func(http.Header, []byte, string) error { return nil }
		s.parse = func(http.Header, []byte) (event, error) { return event{kind: "contact.update"}, nil }
		b := &inbox{subscription: s, seen: map[string]int{}}
		for _, id := range []string{"dlv_1", "dlv_2", "dlv_1"} {
			h, body := http.Header{}, id
			if !b.perItem && s.body["format"] != "rentman" {
				h, body = http.Header{"Webhook-Id": {id}}, "the same"
			}
			require.NoError(t, b.take(h, []byte(body)))
		}
		require.Len(t, b.all(), 2, b.name())
		require.Equal(t, 1, b.repeated, b.name())
	}
}

func TestAFormatIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	const italian = `{"account":"Acme","utente":{"tipoElemento":"Equipaggio","id":33,"ref":"/crew/33"},"tipoEvento":"aggiorna","tipoElemento":"NumeroSeriale",` +
		`"elementi":[{"id":7,"ref":"/serial-numbers/7","genitore":{"id":1,"tipoElemento":"Attrezzatura","ref":"/equipment/1"}}],"dataEvento":"d"}`
	e, err := parseRentmanItalian(nil, []byte(italian))
	require.NoError(t, err)
	require.Equal(t, event{kind: "serial_number.update", date: "d", user: "/crew/33", items: []told{{id: "7", ref: "/serial-numbers/7", parent: "/equipment/1"}}}, e)

	e, err = parseRentman(nil, []byte(`{"user":null,"eventType":"delete","itemType":"Contact","items":[10,31],"eventDate":"d"}`))
	require.NoError(t, err)
	require.Equal(t, event{kind: "contact.delete", date: "d", items: []told{{id: "10"}, {id: "31"}}}, e)

	h := http.Header{"X-Cn-Operation": {"CLOSED_BILL/EDIT"}}
	e, err = parseCassa(h, []byte(`{"id":7,"ref":"/closed-bills/7","version":2}`))
	require.NoError(t, err)
	require.Equal(t, "closed_bill.update", e.kind)
	require.Equal(t, int64(2), e.items[0].version)
	for _, operation := range []string{"", "CLOSED_BILL", "CLOSED_BILL/PATCH"} {
		_, err := parseCassa(http.Header{"X-Cn-Operation": {operation}}, []byte(`{}`))
		require.Error(t, err)
	}
}
