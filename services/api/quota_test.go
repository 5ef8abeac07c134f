package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAQuotaIsSetShownChangedAndRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	operator := b.as(adminKey)
	require.Contains(t, operator.get("/v1/accounts/acme").requires(200).object(), "quota")
	require.Nil(t, operator.get("/v1/accounts/acme").object()["quota"], "none by default")

	made := operator.post("/v1/accounts", `{"id": "bar", "quota": {"calls": 1000, "period": "10m"}}`).requires(201).object()
	require.Equal(t, map[string]any{"calls": 1000.0, "period": "10m"}, made["quota"])
	for _, step := range []struct {
		patch string
		want  any
	}{
		{`{}`, map[string]any{"calls": 1000.0, "period": "10m"}},
		{`{"name": "Bar Sport"}`, map[string]any{"calls": 1000.0, "period": "10m"}},
		{`{"quota": {"calls": 1, "period": "1s"}}`, map[string]any{"calls": 1.0, "period": "1s"}},
		{`{"quota": {"calls": 9007199254740991, "period": "744h"}}`, map[string]any{"calls": 9007199254740991.0, "period": "744h"}},
		{`{"quota": {"calls": 60, "period": "90s"}}`, map[string]any{"calls": 60.0, "period": "1m30s"}},
		{`{"quota": null}`, nil},
		{`{"quota": null, "name": "Bar"}`, nil},
	} {
		require.Equal(t, step.want, operator.patch("/v1/accounts/bar", step.patch).requires(200).object()["quota"], step.patch)
		require.Equal(t, step.want, operator.get("/v1/accounts/bar").requires(200).object()["quota"], step.patch)
	}
	require.Equal(t, "Bar", operator.get("/v1/accounts/bar").text("name"))
	require.Nil(t, operator.post("/v1/accounts", `{"id": "caf", "quota": null}`).requires(201).object()["quota"])
	b.acme().patch("/v1/accounts/acme", `{"quota": null}`).requires(403) // an account's own key may not
}

func TestRulesOfQuotas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const (
		whole  = `quota: must be an object such as {"calls": 1000, "period": "10m"}, or null`
		calls  = "quota.calls: must be an integer from 1 to 9007199254740991"
		period = "quota.period: must be a duration of whole seconds from 1s to 744h"
	)
	for quota, want := range map[string][]string{
		`7`:                                {whole + " (7)"},
		`"10m"`:                            {whole + " (10m)"},
		`[]`:                               {whole + " ([])"},
		`{}`:                               {"quota.calls: is required", "quota.period: is required"},
		`{"calls": 5}`:                     {"quota.period: is required"},
		`{"period": "10m"}`:                {"quota.calls: is required"},
		`{"calls": 0, "period": "10m"}`:    {calls + " (0)"},
		`{"calls": -1, "period": "10m"}`:   {calls + " (-1)"},
		`{"calls": 1.5, "period": "10m"}`:  {calls + " (1.5)"},
		`{"calls": "5", "period": "10m"}`:  {calls + " (5)"},
		`{"calls": null, "period": "10m"}`: {calls + " (null)"},
		`{"calls": 9007199254740992, "period": "10m"}`:     {calls + " (9007199254740992)"},
		`{"calls": 99999999999999999999, "period": "10m"}`: {calls + " (99999999999999999999)"},
		`{"calls": 5, "period": "999ms"}`:                  {period + " (999ms)"},
		`{"calls": 5, "period": "1500ms"}`:                 {period + " (1500ms)"},
		`{"calls": 5, "period": "0s"}`:                     {period + " (0s)"},
		`{"calls": 5, "period": "-10m"}`:                   {period + " (-10m)"},
		`{"calls": 5, "period": "744h0m1s"}`:               {period + " (744h0m1s)"},
		`{"calls": 5, "period": "a day"}`:                  {period + " (a day)"},
		`{"calls": 5, "period": 600}`:                      {period + " (600)"},
		`{"calls": 5, "period": null}`:                     {period + " (null)"},
		`{"calls": 5, "period": "1m", "x": 1}`:             {"quota.x: is not a known field; known are calls, period"},
		`{"calls": 0, "period": "1ms"}`:                    {calls + " (0)", period + " (1ms)"},
	} {
		body := `{"quota": ` + quota + `}`
		require.Equal(t, want, b.as(adminKey).patch("/v1/accounts/acme", body).requires(422).faults(), quota)
		body = `{"id": "bar", "quota": ` + quota + `}`
		require.Equal(t, want, b.as(adminKey).post("/v1/accounts", body).requires(422).faults(), quota)
	}
	require.Nil(t, b.as(adminKey).get("/v1/accounts/acme").object()["quota"], "nothing was changed")
	b.as(adminKey).get("/v1/accounts/bar").requires(404)
}

// Senders learn of a limit as they learn of everything else.
func TestAChangedQuotaReachesTheCache(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	mirror := b.mirror()
	requireQuota := func(want *hook.Quota) {
		t.Helper()
		require.Eventually(t, func() bool {
			state, ok := mirror.Account("acme")
			return ok && (want == nil) == (state.Account.Quota == nil) && (want == nil || *want == *state.Account.Quota)
		}, patience, glance)
	}
	operator := b.as(adminKey)
	operator.patch("/v1/accounts/acme", `{"quota": {"calls": 100, "period": "1h"}}`).requires(200)
	requireQuota(&hook.Quota{Calls: 100, Period: time.Hour})
	operator.patch("/v1/accounts/acme", `{"quota": {"calls": 200, "period": "1h"}}`).requires(200)
	requireQuota(&hook.Quota{Calls: 200, Period: time.Hour})
	operator.patch("/v1/accounts/acme", `{"quota": null}`).requires(200)
	requireQuota(nil)

	id := b.webhook()
	b.acme().patch("/v1/webhooks/"+id, `{"rateLimit": 50, "onQuota": "drop", "ordering": "item", "coalesce": "item"}`).requires(200)
	require.Eventually(t, func() bool {
		state, ok := mirror.Account("acme")
		if !ok || len(state.Webhooks) != 1 {
			return false
		}
		w := state.Webhooks[0]
		return w.RateLimit == 50 && w.OnQuota == hook.DropOverQuota && w.Ordering == hook.OrderedByItem && w.Coalesce == hook.CoalesceByItem
	}, patience, glance)
}
