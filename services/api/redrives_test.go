package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestARedriveIsShownAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.quarantined("acme", "not_json")
	b.quarantined("acme", "invalid_field")
	b.quarantined("acme", "invalid_field")
	made := b.acme().post("/v1/quarantine-redrives", `{"reason": "invalid_field", "topic": "events.contacts", "from": "2026-03-01T12:00:00+01:00",
		"to": "2026-03-02T00:00:00Z", "patch": {"n": 1.50, "store": null}, "rate": 500}`).requires(http.StatusAccepted)
	o := made.object()
	require.Regexp(t, `^qrd_[0-9a-v]{26}$`, o["id"])
	require.Equal(t, "/v1/quarantine-redrives/"+made.text("id"), made.header.Get("Location"))
	for field, want := range map[string]any{
		"account": "acme", "reason": "invalid_field", "topic": "events.contacts", "from": "2026-03-01T11:00:00Z", "to": "2026-03-01T12:02:00.000001Z",
		"patch": map[string]any{"n": 1.5, "store": nil}, "rate": 500.0, "state": "running", "endedAt": nil,
		"progress": map[string]any{"total": 2.0, "done": 0.0, "sent": 0.0, "failed": map[string]any{}},
	} {
		require.Equal(t, want, o[field], field)
	}
	require.Contains(t, string(made.body), "1.50")
	path := "/v1/quarantine-redrives/" + made.text("id")
	require.Equal(t, o, b.acme().get(path).requires(200).object())
	require.Equal(t, []string{made.text("id")}, b.acme().get("/v1/quarantine-redrives").ids())

	b.acme().post("/v1/quarantine-redrives", `{"reason": "not_json"}`).requires(http.StatusConflict).faults()
	r, err := b.store.Redrive(t.Context(), "acme", made.text("id"))
	require.NoError(t, err)
	r.Progress.Done, r.Progress.Sent, r.Progress.Failed = 2, 1, map[string]int64{"invalid_field": 1}
	_, err = b.store.AdvanceRedrive(t.Context(), r, nil)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"total": 2.0, "done": 2.0, "sent": 1.0, "failed": map[string]any{"invalid_field": 1.0}}, b.acme().get(path).object()["progress"])
	for range 2 {
		b.acme().delete(path).requires(http.StatusNoContent)
	}
	ended := b.acme().get(path)
	require.Equal(t, "cancelled", ended.text("state"))
	require.NotNil(t, ended.object()["endedAt"])

	defaults := b.acme().post("/v1/quarantine-redrives", `{"to": "2126-03-02T00:00:00Z"}`).requires(http.StatusAccepted).object()
	require.EqualValues(t, 100, defaults["rate"])
	require.Equal(t, "2026-03-01T12:02:00.000001Z", defaults["to"], "what comes later is not meant")
	for _, field := range []string{"reason", "topic", "from", "patch"} {
		require.Nil(t, defaults[field], field)
	}
}

func TestARedriveThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const rule = "reason: is required, or one of topic, from and to: not everything is meant by nothing"
	for body, want := range map[string][]string{
		`{}`:                                 {rule},
		`{"rate": 5, "patch": {}}`:           {rule},
		`{"reason": ""}`:                     {"reason: must be a string of 1 to 100 characters without control characters", rule},
		`{"reason": "x", "patch": []}`:       {"patch: must be a JSON object, the merge patch ([])"},
		`{"reason": "x", "patch": null}`:     {"patch: must be a JSON object, the merge patch (null)"},
		`{"reason": "x", "patch": "{}"}`:     {"patch: must be a JSON object, the merge patch ({})"},
		`{"reason": "x", "rate": 0}`:         {"rate: must be an integer from 1 to 1000 (0)"},
		`{"reason": "x", "state": "open"}`:   {"state: is read-only"},
		`{"reason": "x", "from": "morning"}`: {"from: must be a time as in RFC 3339, such as 2023-02-02T12:07:01Z (morning)"},
		`{"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T12:00:00Z"}`:         {"from: must be before to (2026-03-01T12:00:00Z)"},
		`{"reason": "x", "patch": {"a": 1, "a": 2}}`:                             {"patch.a: must be there once"},
		`{"reason": "x", "patch": {"a": "` + strings.Repeat("a", 64<<10) + `"}}`: {"patch: must have at most 65536 bytes (65545 bytes)"},
	} {
		require.Equal(t, want, b.acme().post("/v1/quarantine-redrives", body).requires(422).faults(), "%.100s", body)
	}
	require.Empty(t, b.acme().get("/v1/quarantine-redrives").ids())
}

func TestWhoMayRedriveAndDiscardMany(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read", "write", "publish"))
	own, nobodys, others := b.quarantined("acme", "not_json"), b.quarantined("", "not_json"), b.quarantined("other", "not_json")

	const plain, patched = `{"reason": "not_json"}`, `{"reason": "not_json", "patch": {"eventType": "create"}}`
	writer := b.as(b.newKey("acme", "read", "write"))
	writer.post("/v1/quarantine-redrives", patched).requires(http.StatusForbidden)
	b.as(b.newKey("acme", "publish")).post("/v1/quarantine-redrives", patched).requires(http.StatusForbidden)
	mine := writer.post("/v1/quarantine-redrives", plain).requires(http.StatusAccepted)
	theirs := other.post("/v1/quarantine-redrives", patched).requires(http.StatusAccepted)
	all := b.as(adminKey).post("/v1/quarantine-redrives", patched).requires(http.StatusAccepted)
	require.Nil(t, all.object()["account"])
	for a, want := range map[*answer]float64{&mine: 1, &theirs: 1, &all: 3} {
		progress, ok := a.object()["progress"].(map[string]any)
		require.True(t, ok)
		require.Equal(t, want, progress["total"])
	}
	require.Equal(t, []string{all.text("id"), theirs.text("id"), mine.text("id")}, b.as(adminKey).get("/v1/quarantine-redrives").ids())
	admin := b.as(adminKey).with("Staffetta-Account", "acme")
	require.Equal(t, []string{mine.text("id")}, admin.get("/v1/quarantine-redrives").ids())
	for _, id := range []string{theirs.text("id"), all.text("id"), "qrd_0"} {
		admin.get("/v1/quarantine-redrives/" + id).requires(404)
		admin.delete("/v1/quarantine-redrives/" + id).requires(404)
	}
	b.as(adminKey).delete("/v1/quarantine-redrives/" + theirs.text("id")).requires(204)
	require.Equal(t, "cancelled", other.get("/v1/quarantine-redrives/"+theirs.text("id")).text("state"))

	require.JSONEq(t, `{"discarded": 1, "more": false}`, string(writer.delete("/v1/quarantine?reason=not_json").requires(200).body))
	require.Equal(t, "discarded", b.acme().get("/v1/quarantine/"+own).text("state"))
	require.Equal(t, []string{others, nobodys}, b.as(adminKey).get("/v1/quarantine").ids())
	require.JSONEq(t, `{"discarded": 2, "more": false}`, string(b.as(adminKey).delete("/v1/quarantine?reason=not_json").requires(200).body))
}

func TestDiscardingManyNeedsAFilter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second := b.quarantined("acme", "not_json"), b.quarantined("acme", "tombstone")
	sent := b.quarantined("acme", "not_json")
	_, err := b.store.SetQuarantined(t.Context(), "acme", sent, hook.Redriven)
	require.NoError(t, err)
	for query, want := range map[string]string{
		"":                   "reason: is required, or one of topic, from and to: not everything is meant by nothing",
		"?state=open":        "reason: is required, or one of topic, from and to: not everything is meant by nothing",
		"?reason=x&state=no": "state: must be one of open, redriven (no)",
		"?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z": "from: must be before to (2026-03-02T00:00:00Z)",
	} {
		require.Equal(t, []string{want}, b.acme().delete("/v1/quarantine"+query).requires(422).faults(), query)
	}
	discards := func(query string, n int) {
		require.EqualValues(t, n, b.acme().delete("/v1/quarantine" + query).requires(200).object()["discarded"], query)
	}
	discards("?to=2026-03-01T12:00:00Z", 0)
	discards("?topic=events.contacts&to=2026-03-01T12:01:00Z", 1)
	require.Equal(t, []string{sent, second}, b.acme().get("/v1/quarantine").ids())
	discards("?reason=not_json", 0)
	discards("?reason=not_json&state=redriven", 1)
	require.Equal(t, "discarded", b.acme().get("/v1/quarantine/"+first).text("state"))
	require.Equal(t, []string{second}, b.acme().get("/v1/quarantine").ids())
}
