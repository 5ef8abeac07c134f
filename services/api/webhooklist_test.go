package api_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWebhooksAreFoundAndOrdered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	acme := b.acme()
	names := map[string]string{}
	for name, body := range map[string]string{
		"tills": `{"itemTypes": ["Receipt"], "url": "https://b.example.com", "description": "Tills", "stores": ["7"]}`,
		"crm":   `{"itemTypes": ["Contact"], "url": "https://a.example.com", "description": "CRM", "eventTypes": ["create"]}`,
		"all":   `{"itemTypes": ["*"], "url": "https://c.example.com", "description": "warehouse"}`,
	} {
		names[acme.post("/v1/webhooks", body).requires(201).text("id")] = name
	}
	found := func(query string) string {
		var list struct{ Items []struct{ ID string } }
		require.NoError(t, json.Unmarshal(acme.get("/v1/webhooks?"+query).requires(200).body, &list))
		var found []string
		for _, w := range list.Items {
			found = append(found, names[w.ID])
		}
		return strings.Join(found, " ")
	}
	for query, want := range map[string]string{
		"sort=description":                           "crm tills all",
		"sort=-description":                          "all tills crm",
		"sort=url":                                   "crm tills all",
		"sort=url&search=EXAMPLE":                    "crm tills all",
		"search=ware":                                "all",
		"search=contatt":                             "crm", // its Italian name
		"sort=url&itemType=Contatto":                 "crm all",
		"itemType=*":                                 "all",
		"sort=url&eventType=delete":                  "tills all",
		"sort=url&store=8":                           "crm all",
		"sort=url&store=7&search=s&itemType=Receipt": "tills all",
		"search=nothing":                             "",
	} {
		require.Equal(t, want, found(query), query)
	}

	first := acme.get("/v1/webhooks?sort=url&limit=1").requires(200)
	next := url.QueryEscape(first.text("next"))
	require.Equal(t, "tills", found("sort=url&limit=1&cursor="+next))
	require.Contains(t, string(acme.get("/v1/webhooks?sort=-url&cursor="+next).requires(422).body), `"field":"cursor"`)
}

func TestAListOfWebhooksRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	acme := newBench(t).acme()
	for query, field := range map[string]string{
		"sort=age": "sort", "eventType=read": "eventType", "status=gone": "status", "search=%00": "search", "itemType=%20x": "itemType", "order=url": "order", "limit=0": "limit", "cursor=x": "cursor",
	} {
		fault := string(acme.get("/v1/webhooks?" + query).requires(422).body)
		require.Contains(t, fault, `"field":"`+field+`"`)
		require.Contains(t, fault, `"rule":"`)
		if field != "search" && field != "order" { // which may not be shown
			require.Contains(t, fault, `"value":`)
		}
	}
}
