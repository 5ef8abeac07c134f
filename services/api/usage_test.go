package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// executed, deferred and dropped are the nth task of a webhook at a moment.
func executed(webhook string, n int, at time.Time) hook.Attempt {
	a := attempt(webhook, n, hook.FateDelivered)
	a.At = at
	return a
}

func deferred(webhook string, n int, at time.Time) hook.Attempt {
	return overQuota(webhook, n, at, hook.FatePending)
}

func dropped(webhook string, n int, at time.Time) hook.Attempt {
	return overQuota(webhook, n, at, hook.FateDropped)
}

func overQuota(webhook string, n int, at time.Time, fate hook.Fate) hook.Attempt {
	a := attempt(webhook, n, fate)
	a.At, a.Number, a.StatusCode, a.Reason = at, 0, 0, hook.ReasonQuota
	return a
}

// quota sets acme's as the operator; "null" is none.
func (b *bench) quota(quota string) {
	b.t.Helper()
	b.as(adminKey).patch("/v1/accounts/acme", `{"quota": `+quota+`}`).requires(200)
}

// hour is the nth after noon.
func hour(n int) time.Time { return published.Add(time.Duration(n) * time.Hour) }

func TestUsageIsShownAsTheContractSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.record(executed("wh_1", 1, hour(-48)))
	b.quota(`{"calls": 4, "period": "1h"}`)
	b.record(executed("wh_1", 2, hour(0)), executed("wh_2", 3, hour(0)), executed("wh_1", 4, hour(0).Add(59*time.Minute)),
		executed("wh_2", 5, hour(1)), executed("wh_2", 6, hour(1)), executed("wh_2", 7, hour(1)), executed("wh_2", 8, hour(1)),
		deferred("wh_2", 9, hour(1)), deferred("wh_2", 10, hour(1)), dropped("wh_3", 11, hour(1)))

	require.JSONEq(t, `{"items": [
		{"webhook": "wh_2", "period": {"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T14:00:00Z"},
		 "executed": 4, "executable": 0, "deferred": 2, "dropped": 0, "exceeded": true},
		{"webhook": "wh_3", "period": {"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T14:00:00Z"},
		 "executed": 0, "executable": 0, "deferred": 0, "dropped": 1, "exceeded": true},
		{"webhook": "wh_1", "period": {"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T13:00:00Z"},
		 "executed": 2, "executable": 1, "deferred": 0, "dropped": 0, "exceeded": false},
		{"webhook": "wh_2", "period": {"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T13:00:00Z"},
		 "executed": 1, "executable": 1, "deferred": 0, "dropped": 0, "exceeded": false},
		{"webhook": "wh_1", "period": {"from": "2026-02-27T00:00:00Z", "to": "2026-02-28T00:00:00Z"},
		 "executed": 1, "executable": null, "deferred": 0, "dropped": 0, "exceeded": false}
	], "next": null}`, string(b.acme().get("/v1/usage").requires(200).body))

	require.JSONEq(t, `{"items": [
		{"webhook": null, "period": {"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T14:00:00Z"},
		 "executed": 4, "executable": 0, "deferred": 2, "dropped": 1, "exceeded": true},
		{"webhook": null, "period": {"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T13:00:00Z"},
		 "executed": 3, "executable": 1, "deferred": 0, "dropped": 0, "exceeded": false},
		{"webhook": null, "period": {"from": "2026-02-27T00:00:00Z", "to": "2026-02-28T00:00:00Z"},
		 "executed": 1, "executable": null, "deferred": 0, "dropped": 0, "exceeded": false}
	], "next": null}`, string(b.acme().get("/v1/usage?by=account").requires(200).body))
}

func TestUsageIsSeenByItsAccountOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.record(executed("wh_1", 1, hour(0)))
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	none := b.as(b.newKey("other", "read")).get("/v1/usage").requires(200)
	require.JSONEq(t, `{"items": [], "next": null}`, string(none.body))
	require.Len(t, b.as(adminKey).with("Staffetta-Account", "acme").get("/v1/usage").requires(200).object()["items"], 1)
	b.as(b.newKey("acme", "write", "publish", "settings")).get("/v1/usage").requires(403)
	b.as("").get("/v1/usage").requires(401)
	b.as(adminKey).get("/v1/usage").requires(400)
}

func TestEveryFilterOfUsage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.quota(`{"calls": 4, "period": "1h"}`)
	b.record(executed("wh_0", 0, hour(0)), executed("wh_1", 1, hour(1)), executed("wh_0", 2, hour(2)), executed("wh_1", 3, hour(3)),
		deferred("wh_1", 4, hour(1)), dropped("wh_0", 5, hour(2)))
	const noon, one, two, three = "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z", "2026-03-01T14:00:00Z", "2026-03-01T15:00:00Z"
	for query, want := range map[string][]string{
		"":                               {three, two, one, noon},
		"limit=1":                        {three, two, one, noon},
		"limit=3":                        {three, two, one, noon},
		"exceeded=true":                  {two, one},
		"exceeded=true&limit=1":          {two, one},
		"exceeded=false":                 {three, two, one, noon},
		"webhook=wh_1":                   {three, one},
		"webhook=wh_9":                   {},
		"from=" + two:                    {three, two},
		"to=" + two:                      {one, noon},
		"from=" + one + "&to=" + three:   {two, one},
		"from=2026-03-01T14:30:00Z":      {three},
		"to=2026-03-01T15:00:00%2B01:00": {one, noon},
		"exceeded=true&webhook=wh_1":     {one},
		"by=account":                     {three, two, one, noon},
		"by=account&limit=1":             {three, two, one, noon},
		"by=account&exceeded=true":       {two, one},
		"by=account&from=" + two:         {three, two},
	} {
		require.Equal(t, want, b.acme().periods("/v1/usage?"+query), query)
	}
}

// periods walks a list of usage to its end: the starts of its rows.
func (c caller) periods(path string) []string {
	c.b.t.Helper()
	starts, at := []string{}, path
	for {
		page := c.get(at).requires(200).object()
		items, ok := page["items"].([]any)
		require.True(c.b.t, ok)
		for _, item := range items {
			row, ok := item.(map[string]any)
			require.True(c.b.t, ok)
			period, ok := row["period"].(map[string]any)
			require.True(c.b.t, ok)
			from, ok := period["from"].(string)
			require.True(c.b.t, ok)
			starts = append(starts, from)
		}
		next, more := page["next"].(string)
		if !more {
			return starts
		}
		at = path + "&cursor=" + next
	}
}

func TestRulesOfUsage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const moment = "must be a time as in RFC 3339, such as 2023-02-02T12:07:01Z"
	for query, want := range map[string]string{
		"exceeded=maybe":          "exceeded: must be true or false (maybe)",
		"from=yesterday":          "from: " + moment + " (yesterday)",
		"to=2026-03-01":           "to: " + moment + " (2026-03-01)",
		"limit=501":               "limit: must be a number <= 500 (501)",
		"limit=0":                 "limit: must be a number >= 1 (0)",
		"cursor=none":             "cursor: must be one that the page before returned (none)",
		"by=store":                `by: must be one of webhook, account (store)`,
		"by=account&webhook=wh_1": "by: must be webhook if a webhook is named (account)",
		"webhook=%00":             "webhook: must be UTF-8 without control characters",
	} {
		require.Equal(t, []string{want}, b.acme().get("/v1/usage?"+query).requires(422).faults(), query)
	}
	b.acme().get("/v1/usage?account=other").requires(422)
	b.acme().post("/v1/usage", "{}").requires(405)
}
