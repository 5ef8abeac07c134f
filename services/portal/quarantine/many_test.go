package quarantine_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestAllOfAReasonAreSentAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 3 {
		b.bad()
	}
	on := b.Visit(hook.RoleOwner)
	b.contains(on.Get("/portal/quarantine/send?reason=invalid_field"), "Send all again", "Open records", "<dd>3</dd>", `name="patch"`)
	sent := form("once", "k1", "reason", "invalid_field", "rate", "5", "patch", `{"eventType": "create", "n": 12345678901234567890.10}`)
	begun := on.Post("/portal/quarantine/redrives", sent)
	b.contains(begun, "The records are being sent again.", "Running", "0 of 3 tried", "Invalid field", `hx-trigger="every 2s"`)
	require.Regexp(t, "^/portal/quarantine/redrives/qrd_", begun.URL.Path)
	require.Equal(t, begun.URL, on.Post("/portal/quarantine/redrives", sent).URL, "sent twice, it is one")
	id := strings.TrimPrefix(begun.URL.Path, "/portal/quarantine/redrives/")
	r, err := b.Store.Redrive(t.Context(), portaltest.Account, id)
	require.NoError(t, err)
	require.JSONEq(t, `{"eventType": "create", "n": 12345678901234567890.10}`, r.Patch)
	require.Contains(t, r.Patch, "12345678901234567890.10")
	require.Equal(t, 5, r.Rate)

	again := on.Post("/portal/quarantine/redrives", form("reason", "invalid_field", "rate", "100"))
	require.Equal(t, http.StatusUnprocessableEntity, again.Status)
	require.Contains(t, again.Body, "another redrive of the account is running")
	b.contains(on.Get("/portal/quarantine"), "Records are being sent again: 0 of 3.", id)
	b.contains(on.Get("/portal/quarantine/redrives"), id, "Running", "Invalid field")
	part := on.Get("/portal/quarantine/redrives/"+id, "HX-Request", "true")
	b.contains(part, "0 of 3 tried")
	require.NotContains(t, part.Body, "<html")

	viewer := b.Visit(hook.RoleViewer).Get("/portal/quarantine/redrives/" + id)
	b.contains(viewer, "0 of 3 tried")
	require.NotContains(t, viewer.Body, "/cancel")
	on.Get("/portal/quarantine")
	ended := on.Post("/portal/quarantine/redrives/"+id+"/cancel", nil)
	b.contains(ended, "Sending was cancelled.", "Cancelled")
	require.NotContains(t, ended.Body, "hx-trigger")
	require.NotContains(t, on.Get("/portal/quarantine").Body, "are being sent")
}

func TestAPatchThatNestsDeeplyIsShownAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.bad()
	deep := strings.Repeat("[", 400) + strings.Repeat("1,", 15_000) + "1" + strings.Repeat("]", 400)
	on := b.Visit(hook.RoleOwner)
	on.Get("/portal/quarantine")
	begun := on.Post("/portal/quarantine/redrives", form("reason", "invalid_field", "rate", "5", "patch", `{"n":`+deep+`}`))
	b.contains(begun, "The records are being sent again.", deep)
	require.Less(t, len(begun.Body), 100_000)
}

func TestWhatCouldNotBeSentIsToldByReason(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.bad()
	r, err := b.Store.CreateRedrive(t.Context(), hook.Redrive{ID: "qrd_1", Account: portaltest.Account, Reason: "invalid_field", Rate: 100})
	require.NoError(t, err)
	r.Progress.Done, r.Progress.Failed = 4, map[string]int64{"record_expired": 2, "not_json": 1, script: 1}
	r.State = hook.RedriveDone
	_, err = b.Store.AdvanceRedrive(t.Context(), r, nil)
	require.NoError(t, err)
	answer := b.Visit(hook.RoleViewer).Get("/portal/quarantine/redrives/qrd_1")
	b.contains(answer, "Done", "Not sent: 4", "Kafka no longer has the record", "Not JSON", escaped, "still open")
	require.NotContains(t, answer.Body, "<script>")
	b.contains(b.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian).Get("/portal/quarantine/redrives/qrd_1"), "Kafka non ha più il record", "Non inviati: 4")
}

func TestAPatchIsRefusedAtItsField(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.bad()
	on := b.Visit(hook.RoleOwner)
	on.Get("/portal/quarantine")
	for patch, want := range map[string]string{
		`{"a": }`: "Line 1, column 7:", `[1]`: "must be a JSON object, the merge patch", script: "<mark>&lt;</mark>",
		`{"a": "` + strings.Repeat("x", 65<<10) + `"}`: "must have at most 65536 bytes",
	} {
		answer := on.Post("/portal/quarantine/redrives", form("reason", "invalid_field", "rate", "100", "patch", patch))
		require.Equal(t, http.StatusUnprocessableEntity, answer.Status)
		require.Contains(t, answer.Body, want)
		require.NotContains(t, answer.Body, "<script>")
	}
	for _, rate := range []string{"0", "1001", "many", "1e9"} {
		answer := on.Post("/portal/quarantine/redrives", form("reason", "invalid_field", "rate", rate))
		require.Equal(t, http.StatusUnprocessableEntity, answer.Status, rate)
		require.Contains(t, answer.Body, `class="fault"`, rate)
	}
	settings := b.Visit(hook.RoleSettings)
	require.NotContains(t, settings.Get("/portal/quarantine/send?reason=invalid_field").Body, `name="patch"`)
	require.Equal(t, http.StatusForbidden, settings.Post("/portal/quarantine/redrives", form("reason", "invalid_field", "patch", "{}")).Status)
	b.contains(on.Get("/portal/quarantine/redrives"), "Nothing was sent in bulk yet")
}

func TestAllOfAFilterAreDiscardedAfterAQuestion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, other := b.bad(), b.put(portaltest.Account, "tombstone", "value must be there: x", hook.Record{})
	on := b.Visit(hook.RoleSettings)
	b.contains(on.Get("/portal/quarantine/discard?reason=invalid_field"), "Discard all?", "This is final", "<dd>1</dd>")
	later := b.bad()
	b.contains(on.Post("/portal/quarantine/discard", form("reason", "invalid_field", "until", "2026-03-01T12:00:02.5Z")), "All of them were discarded.")
	require.Equal(t, hook.Discarded, b.state(first))
	require.Equal(t, hook.Open, b.state(later), "it came after the question")
	b.contains(on.Post("/portal/quarantine/discard", form("reason", "invalid_field", "to", "2099-01-01T00:00", "until", "2026-03-01T12:00:02.5Z")), "All of them were discarded.")
	require.Equal(t, hook.Open, b.state(later), "nor is more meant if the filter ends later")
	require.Equal(t, hook.Open, b.state(other))
	require.Equal(t, "/portal/quarantine", on.Get("/portal/quarantine/discard").URL.Path, "not everything is meant by nothing")
	require.Equal(t, "/portal/quarantine", on.Post("/portal/quarantine/discard", nil).URL.Path)
	require.Equal(t, hook.Open, b.state(other))
	b.contains(on.Get("/portal/quarantine/discard?topic=none"), "No record is open any more.")
}
