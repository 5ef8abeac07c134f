package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// failures are those of a webhook's deliveries from one number to before another.
func failures(from, to int, webhook string) []hook.Attempt {
	var all []hook.Attempt
	for n := from; n < to; n++ {
		a := attempt(webhook, n, hook.FateRetrying)
		a.Reason, a.StatusCode = hook.ReasonStatus, 500
		all = append(all, a)
	}
	return all
}

func TestAWebhookShowsHowOftenItFailedInARow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`).requires(201)
	require.EqualValues(t, 0, made.object()["failures"])
	require.Nil(t, made.object()["failingSince"])
	id := made.text("id")
	failing := func(answer map[string]any) []any {
		return []any{answer["status"], answer["failures"], answer["failingSince"]}
	}

	b.record(failures(1, 4, id)...)
	want := []any{"active", 3.0, "2026-03-01T12:00:01.001Z"}
	require.Equal(t, want, failing(b.acme().get("/v1/webhooks/"+id).object()))
	listed, _ := b.acme().get("/v1/webhooks").object()["items"].([]any)[0].(map[string]any)
	require.Equal(t, want, failing(listed))
	require.Equal(t, want, failing(b.acme().patch("/v1/webhooks/"+id, `{"description": "till"}`).requires(200).object()))

	b.record(failures(4, 60, id)...)
	require.Equal(t, []any{"disabled", 59.0, "2026-03-01T12:00:01.001Z"}, failing(b.acme().get("/v1/webhooks/"+id).object()))
	for _, again := range []func() answer{
		func() answer { return b.acme().patch("/v1/webhooks/"+id, `{"url": "https://example.com/hook"}`) },
		func() answer {
			b.acme().post("/v1/webhooks/"+id+"/pause", "").requires(200)
			return b.acme().post("/v1/webhooks/"+id+"/resume", "")
		},
	} {
		require.Equal(t, []any{"resuming", 0.0, nil}, failing(again().requires(200).object()))
	}
	b.acme().patch("/v1/webhooks/"+id, `{"failures": 0}`).requires(422)
}

func TestNotificationsAreShownAsTheContractSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second := b.webhook(), b.webhook()
	b.quota(`{"calls": 4, "period": "1h"}`)
	b.record(failures(1, 51, first)...)
	b.record(failures(101, 111, second)...)
	b.record(attempt(second, 111, hook.FateDelivered), deferred(second, 112, hour(1)))

	type notification struct {
		Kind    string
		Webhook any
		Count   float64
		Detail  string
	}
	read := func(query string) (all []notification) {
		t.Helper()
		for path := "/v1/notifications?limit=2&" + query; path != ""; {
			answer := b.acme().get(path).requires(200)
			var page struct {
				Items []struct {
					notification
					ID, CreatedAt string
				}
			}
			require.NoError(t, json.Unmarshal(answer.body, &page))
			for _, n := range page.Items {
				require.Regexp(t, `^ntf_`, n.ID)
				require.Regexp(t, `Z$`, n.CreatedAt)
				all = append(all, n.notification)
			}
			next, _ := answer.object()["next"].(string)
			if path = ""; next != "" {
				path = "/v1/notifications?limit=2&" + query + "&cursor=" + next
			}
		}
		return all
	}
	const failed, works = "the last answer was 500", "the last answer was 200"
	all := []notification{
		{"quota.exceeded", nil, 0, "the quota is 4 calls in 1h"},
		{"webhook.recovered", second, 10, works}, {"webhook.failing", second, 10, failed},
		{"webhook.disabled", first, 50, failed}, {"webhook.failing", first, 40, failed}, {"webhook.failing", first, 30, failed},
		{"webhook.failing", first, 20, failed}, {"webhook.failing", first, 10, failed},
	}
	require.Equal(t, all, read(""))
	require.Equal(t, all[1:3], read("webhook="+second))
	require.Equal(t, all[3:4], read("kind=webhook.disabled"))
	require.Empty(t, read("kind=payloads.expiring"))
	b.acme().get("/v1/notifications?kind=other").requires(422)

	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	require.Empty(t, b.as(b.newKey("other", "settings")).get("/v1/notifications").ids())
	b.as(b.newKey("acme", "read", "write", "publish")).get("/v1/notifications").requires(403)
}

func TestTheRuleOfAnAccountForFailuresInARow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	operator := b.as(adminKey)
	installation := map[string]any{"notify": []any{10.0, 20.0, 30.0, 40.0}, "disable": 50.0}
	require.Equal(t, installation, operator.get("/v1/accounts/acme").requires(200).object()["streak"])
	made := operator.post("/v1/accounts", `{"id": "bar", "streak": {"notify": [1], "disable": 5}}`).requires(201).object()
	require.Equal(t, map[string]any{"notify": []any{1.0}, "disable": 5.0}, made["streak"])
	for _, step := range []struct {
		patch string
		want  any
	}{
		{`{"streak": {"notify": [], "disable": null}}`, map[string]any{"notify": []any{}, "disable": nil}},
		{`{"name": "Bar"}`, map[string]any{"notify": []any{}, "disable": nil}},
		{`{"streak": {"notify": [3, 9999], "disable": 10000}}`, map[string]any{"notify": []any{3.0, 9999.0}, "disable": 10000.0}},
		{`{"streak": null}`, installation},
	} {
		require.Equal(t, step.want, operator.patch("/v1/accounts/bar", step.patch).requires(200).object()["streak"], step.patch)
		require.Equal(t, step.want, operator.get("/v1/accounts/bar").object()["streak"], step.patch)
	}
	const rising = "streak.notify: must be at most 20 counts from 1 to 10000 that rise"
	for streak, want := range map[string][]string{
		`5`:                                    {`streak: must be an object such as {"notify": [10, 20], "disable": 50}, or null (5)`},
		`{}`:                                   {"streak.notify: is required", "streak.disable: is required"},
		`{"notify": [2, 1], "disable": 5}`:     {rising + " (2, 1)"},
		`{"notify": [0], "disable": null}`:     {rising + " (0)"},
		`{"notify": [5], "disable": 5}`:        {"streak.notify: must be below disable, at which members are told anyway (5)"},
		`{"notify": [], "disable": 0}`:         {"streak.disable: must be an integer from 1 to 10000 (0)"},
		`{"notify": [], "disable": 10001}`:     {"streak.disable: must be an integer from 1 to 10000 (10001)"},
		`{"notify": null, "disable": 5}`:       {"streak.notify: must be a list of integers (null)"},
		`{"notify": ["a"], "disable": 5}`:      {`streak.notify: must be a list of integers (["a"])`},
		`{"notify": [], "disable": 5, "x": 1}`: {"streak.x: is not a known field; known are notify, disable"},
	} {
		body := fmt.Sprintf(`{"streak": %s}`, streak)
		require.Equal(t, want, operator.patch("/v1/accounts/bar", body).requires(http.StatusUnprocessableEntity).faults(), streak)
	}
}
