package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// domainItems are one of every collection, parents before their children; a field that is
// the name of a path is set to the id that was made there.
var domainItems = []struct {
	path   string
	item   object
	parent string // field of the parent
	of     string // its path
}{
	{path: "/crew", item: object{"name": "Giulia Ferri"}},
	{path: "/companies", item: object{"name": "Ortofrutta Brera"}},
	{path: "/contact-persons", item: object{"name": "Luca Moretti"}, parent: "company", of: "/companies"},
	{path: "/customers", item: object{"name": "Elena Longo"}},
	{path: "/contacts", item: object{"name": "Paolo Gatti"}},
	{path: "/equipment", item: object{"name": "Affettatrice"}},
	{path: "/serial-numbers", item: object{"serial": "SN1"}, parent: "equipment", of: "/equipment"},
	{path: "/stock-movements", item: object{"quantity": 2}, parent: "equipment", of: "/equipment"},
	{path: "/closed-bills", item: object{"total": 12.5}},
	{path: "/receipts", item: object{"total": 12.5}, parent: "closedBill", of: "/closed-bills"},
	{path: "/cash-closings", item: object{"date": "2026-11-23"}},
	{path: "/quotes", item: object{"total": 90}},
	{path: "/orders", item: object{"total": 90}, parent: "quote", of: "/quotes"},
	{path: "/delivery-notes", item: object{}, parent: "order", of: "/orders"},
	{path: "/invoices", item: object{"total": 90}, parent: "order", of: "/orders"},
	{path: "/credit-notes", item: object{"total": 10}, parent: "invoice", of: "/invoices"},
}

// resolvesRefs follows every ref of what is delivered of every collection: the items',
// the user's and the parents'. Base URL + ref answers with that item.
func resolvesRefs(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	forms := []object{{"payload": "full"}, {"format": "cloudevents"}, {"format": "rentman"}, {"format": "rentman", "language": "it"}}
	for _, settings := range forms {
		settings["itemTypes"], settings["url"] = []string{"*"}, r.URL
		a.webhook(t, settings)
	}
	in.awaitLive(t)

	made := map[string]float64{}
	for _, d := range domainItems {
		item := object{}
		for name, value := range d.item {
			item[name] = value
		}
		if d.parent != "" {
			item[d.parent] = made[d.of]
		}
		made[d.path] = a.as(t, made["/crew"], http.MethodPost, d.path, item)
	}
	refs := map[string]float64{}
	eventually(t, func() error {
		refs = map[string]float64{}
		users, parents := 0, 0
		for _, request := range r.all() {
			collectRefs(request.json(t), refs)
			if strings.Contains(string(request.body), `"/crew/1"`) {
				users++
			}
			if strings.Contains(string(request.body), `"/invoices/1"`) {
				parents++
			}
		}
		for path, id := range made {
			if _, ok := refs[fmt.Sprint(path, "/", id)]; !ok {
				return fmt.Errorf("%s/%v has not been delivered", path, id)
			}
		}
		// Each form names them, and no webhook is waited for by the others.
		if want := 4 * len(forms); users < want {
			return fmt.Errorf("%d of at least %d deliveries name the user", users, want)
		}
		if want := 2 * len(forms); parents < want {
			return fmt.Errorf("%d of at least %d deliveries are of the invoice or of its credit note", parents, want)
		}
		return nil
	})
	for ref, id := range refs {
		answer := in.call(t, "api", http.MethodGet, ref, a.key, "", nil, http.StatusOK)
		require.Equal(t, ref, answer["ref"])
		require.InDelta(t, id, answer["id"], 0, ref)
	}
}

// collectRefs finds every object with a ref, at every depth, and its id.
func collectRefs(value any, refs map[string]float64) {
	switch v := value.(type) {
	case map[string]any:
		if ref, ok := v["ref"].(string); ok {
			id, _ := v["id"].(float64)
			refs[ref] = id
		}
		for _, inner := range v {
			collectRefs(inner, refs)
		}
	case []any:
		for _, inner := range v {
			collectRefs(inner, refs)
		}
	}
}

// as makes a change in the name of somebody of the crew, if there is an id, and returns
// the id of what it makes.
func (a *tenant) as(t *testing.T, crew float64, method, path string, item object) float64 {
	t.Helper()
	body, err := json.Marshal(item)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, a.in.url("api")+path, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+a.key)
	if crew != 0 {
		request.Header.Set("Staffetta-User", fmt.Sprint(crew))
	}
	answer, err := client.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusCreated, answer.StatusCode, path)
	var it struct{ ID float64 }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&it))
	return it.ID
}
