package api_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAReplayIsShownAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	to, from := b.webhook(), b.webhook()
	made := b.acme().post("/v1/replays", `{"webhook": "`+to+`", "source": "`+from+`", "status": "failed", "itemTypes": ["Contatto"],
		"from": "2026-03-01T12:00:00+01:00", "to": "2026-03-02T00:00:00Z", "rate": 500}`).requires(http.StatusCreated)
	o := made.object()
	require.Regexp(t, `^rpl_[0-9a-v]{26}$`, o["id"])
	for field, want := range map[string]any{
		"webhook": to, "source": from, "status": "failed", "itemTypes": []any{"Contact"}, "from": "2026-03-01T11:00:00Z",
		"to": "2026-03-02T00:00:00Z", "rate": 500.0, "state": "running", "detail": "", "endedAt": nil,
		"progress": map[string]any{"total": nil, "done": 0.0, "replayed": 0.0, "failed": map[string]any{}, "position": nil, "reachesBackTo": nil},
	} {
		require.Equal(t, want, o[field], field)
	}
	id := made.text("id")
	require.Equal(t, o, b.acme().get("/v1/replays/"+id).requires(200).object())
	require.Equal(t, []string{id}, b.acme().get("/v1/replays").ids())

	refused := b.acme().post("/v1/replays", `{"webhook": "`+to+`", "from": "2026-03-01T12:00:00Z"}`).requires(http.StatusConflict)
	require.Contains(t, refused.text("detail"), to, "one at a time")
	r, err := b.store.Replay(t.Context(), "acme", id)
	require.NoError(t, err)
	r.Progress = hook.ReplayProgress{
		Begun: true, Total: 5, Done: 3, Replayed: 2, Failed: map[hook.Reason]int64{hook.ReasonPayloadGone: 1}, At: published, ReachesBackTo: published,
	}
	_, err = b.store.AdvanceReplay(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"total": 5.0, "done": 3.0, "replayed": 2.0, "failed": map[string]any{"payload_expired": 1.0},
		"position": "2026-03-01T12:00:00Z", "reachesBackTo": "2026-03-01T12:00:00Z",
	}, b.acme().get("/v1/replays/" + id).object()["progress"])

	b.acme().delete("/v1/replays/" + id).requires(http.StatusNoContent)
	require.Equal(t, "cancelled", b.acme().get("/v1/replays/"+id).text("state"))
	b.acme().delete("/v1/replays/" + id).requires(http.StatusNoContent)
	require.Equal(t, "running", b.acme().post("/v1/replays/"+id+"/resume", "").requires(http.StatusAccepted).text("state"))
	r, err = b.store.Replay(t.Context(), "acme", id)
	require.NoError(t, err)
	r.State = hook.ReplayDone
	_, err = b.store.AdvanceReplay(t.Context(), r)
	require.NoError(t, err)
	b.acme().post("/v1/replays/"+id+"/resume", "").requires(http.StatusConflict)
}

func TestAReplayHasDefaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.webhook()
	before := time.Now().Add(-time.Second)
	o := b.acme().post("/v1/replays", `{"webhook": "`+w+`", "source": null, "status": null, "itemTypes": ["*"],
		"from": "2026-03-01T12:00:00Z", "to": "2126-03-01T12:00:00Z"}`).requires(http.StatusCreated).object()
	require.Nil(t, o["source"])
	require.Nil(t, o["status"])
	require.Empty(t, o["itemTypes"], "all")
	require.EqualValues(t, 100, o["rate"])
	text, ok := o["to"].(string)
	require.True(t, ok)
	to, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	require.WithinRange(t, to, before, time.Now(), "capped at now")
}

func TestAReplayThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.webhook()
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	foreign := b.as(b.newKey("other", "write")).post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com/hook"}`).requires(201).text("id")
	for body, want := range map[string][]string{
		`{}`: {"webhook: is required", "from: is required"},
		`{"webhook": "` + foreign + `", "from": "2026-03-01T12:00:00Z"}`:                                    {"webhook: must be the id of a webhook of this account (" + foreign + ")"},
		`{"webhook": "` + w + `", "source": "wh_0", "from": "2026-03-01T12:00:00Z"}`:                        {"source: must be the id of a webhook of this account (wh_0)"},
		`{"webhook": "` + w + `", "source": 7, "from": "2026-03-01T12:00:00Z"}`:                             {"source: must be the id of a webhook (7)"},
		`{"webhook": "` + w + `", "from": "2126-03-01T12:00:00Z"}`:                                          {"from: must be before now, and before to (2126-03-01T12:00:00Z)"},
		`{"webhook": "` + w + `", "from": "2026-03-01T12:00:00Z", "to": "2026-03-01T12:00:00Z"}`:            {"from: must be before now, and before to (2026-03-01T12:00:00Z)"},
		`{"webhook": "` + w + `", "from": "yesterday"}`:                                                     {"from: must be a time as in RFC 3339, such as 2023-02-02T12:07:01Z (yesterday)"},
		`{"webhook": "` + w + `", "from": "2026-03-01T12:00:00Z", "status": "failed"}`:                      {"status: needs a source: events have no status (failed)"},
		`{"webhook": "` + w + `", "from": "2026-03-01T12:00:00Z", "source": null, "status": "failed"}`:      {"status: needs a source: events have no status (failed)"},
		`{"webhook": "` + w + `", "from": "2026-03-01T12:00:00Z", "source": "` + w + `", "status": "lost"}`: {"status: must be pending, retrying, delivered, exhausted, held, superseded, dropped, cancelled or failed (lost)"},
		`{"webhook": "` + w + `", "from": "2026-03-01T12:00:00Z", "rate": 1001}`:                            {"rate: must be an integer from 1 to 1000 (1001)"},
		`{"webhook": "` + w + `", "from": "2026-03-01T12:00:00Z", "itemTypes": []}`:                         {"itemTypes: must be a list of 1 to 100 strings (0 strings)"},
		`{"webhook": "` + w + `", "from": "2026-03-01T12:00:00Z", "state": "done"}`:                         {"state: is read-only"},
	} {
		require.Equal(t, want, b.acme().post("/v1/replays", body).requires(422).faults(), body)
	}
	require.Empty(t, b.acme().get("/v1/replays").ids())
	b.acme().post("/v1/webhooks/"+w+"/recover", `{}`).requires(422)
	require.Len(t, b.acme().post("/v1/webhooks/"+w+"/recover", `{"from": "2026-03-01T12:00:00Z", "to": "2026-03-02T12:00:00Z"}`).requires(422).faults(), 1)
	b.acme().post("/v1/webhooks/none/recover", `{}`).requires(404)
	b.acme().post("/v1/replays/none/resume", "").requires(404)
	b.acme().delete("/v1/replays/none").requires(404)

	b.acme().delete("/v1/webhooks/" + w).requires(204)
	b.acme().post("/v1/replays", `{"webhook": "`+w+`", "from": "2026-03-01T12:00:00Z"}`).requires(409)
	b.acme().post("/v1/webhooks/"+w+"/recover", `{"from": "2026-03-01T12:00:00Z"}`).requires(409)
}

func TestFewReplaysOfAnAccountRunAtATime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var ids []string
	create := func() answer {
		return b.acme().post("/v1/replays", `{"webhook": "`+b.webhook()+`", "from": "2026-03-01T12:00:00Z"}`)
	}
	for range hook.MaxRunningReplays {
		ids = append(ids, create().requires(http.StatusCreated).text("id"))
	}
	require.Contains(t, create().requires(http.StatusConflict).text("detail"), "5 replays of the account are running")
	b.acme().post("/v1/webhooks/"+b.webhook()+"/recover", `{"from": "2026-03-01T12:00:00Z"}`).requires(http.StatusConflict)
	b.acme().delete("/v1/replays/" + ids[0]).requires(http.StatusNoContent)
	create().requires(http.StatusCreated)
	refused := b.acme().post("/v1/replays/"+ids[0]+"/resume", "").requires(http.StatusConflict)
	require.Contains(t, refused.text("detail"), "5 replays of the account are running")
}

func TestRecoverReplaysWhatFailed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.webhook()
	o := b.acme().post("/v1/webhooks/"+w+"/recover", `{"from": "2026-03-01T12:00:00Z"}`).requires(http.StatusAccepted).object()
	require.Equal(t, w, o["webhook"])
	require.Equal(t, w, o["source"])
	require.Equal(t, "failed", o["status"])
	require.Equal(t, "2026-03-01T12:00:00Z", o["from"])
}

func TestARetryIsANewRunOfTheSameDelivery(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.webhook()
	failed, ahead, gone := attempt(w, 1, hook.FateExhausted), attempt(w, 2, hook.FateRetrying), attempt(w, 3, hook.FateExhausted)
	ahead.Run = time.Now().AddDate(1, 0, 0).UnixMicro()
	b.record(failed, ahead, gone)
	for _, a := range []hook.Attempt{failed, ahead} {
		b.kafka.payloads[a.Bundle] = hook.Event{ID: a.Event, Account: "acme"}
	}
	before := time.Now().UnixMicro()
	retried := b.acme().post("/v1/deliveries/"+failed.Delivery+"/retry", "").requires(http.StatusAccepted)
	require.Equal(t, failed.Delivery, retried.text("id"))
	require.Equal(t, "retrying", retried.text("status"))
	require.EqualValues(t, 0, retried.object()["attemptCount"])
	b.acme().post("/v1/deliveries/"+ahead.Delivery+"/retry", "").requires(http.StatusAccepted)
	require.Equal(t, failed.Delivery, b.kafka.reruns[0].delivery)
	require.GreaterOrEqual(t, b.kafka.reruns[0].run, before)
	require.Greater(t, b.kafka.reruns[1].run, ahead.Run, "newer than that of a clock that was ahead")

	answer := b.acme().post("/v1/deliveries/"+gone.Delivery+"/retry", "").requires(http.StatusGone)
	require.Contains(t, answer.text("detail"), "payload_expired")
	require.Contains(t, answer.text("detail"), gone.Delivery)
	require.Equal(t, "exhausted", b.acme().get("/v1/deliveries/"+gone.Delivery).text("status"))

	b.kafka.down = errors.New("no brokers")
	b.acme().post("/v1/deliveries/"+failed.Delivery+"/retry", "").requires(http.StatusServiceUnavailable)
	b.acme().post("/v1/deliveries/none/retry", "").requires(http.StatusNotFound)
	b.acme().delete("/v1/webhooks/" + w).requires(204)
	b.acme().post("/v1/deliveries/"+failed.Delivery+"/retry", "").requires(http.StatusConflict)
}

// What a webhook with an order holds is sent when those before it are.
func TestWhatIsHeldInItsOrderIsNotRetriedAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ordered := b.acme().post("/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook", "ordering": "item"}`).
		requires(http.StatusCreated).text("id")
	held, free := attempt(ordered, 1, hook.FateHeld), attempt(b.webhook(), 2, hook.FateHeld)
	b.record(held, free)
	for _, a := range []hook.Attempt{held, free} {
		b.kafka.payloads[a.Bundle] = hook.Event{ID: a.Event, Account: "acme"}
	}
	answer := b.acme().post("/v1/deliveries/"+held.Delivery+"/retry", "").requires(http.StatusConflict)
	require.Contains(t, answer.text("detail"), held.Delivery)
	require.Contains(t, answer.text("detail"), "ordering")
	b.acme().post("/v1/deliveries/"+free.Delivery+"/retry", "").requires(http.StatusAccepted)
	require.Len(t, b.kafka.reruns, 1)
}
