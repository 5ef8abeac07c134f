package quarantine_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestTheListSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	on := b.Visit(hook.RoleViewer)
	b.contains(on.Get("/portal/quarantine"), "Nothing is in quarantine")
	id := b.bad()
	two := made + `; itemType must be 1 to 100 printable characters`
	b.put(portaltest.Account, "invalid_field", two, hook.Record{Value: []byte(broken)})
	b.contains(on.Get("/portal/quarantine"), `<a href="/portal/quarantine/`+id+`"><strong>Invalid field</strong>`,
		`<code>eventType</code> must be create, update or delete`, `<code class="wrong">made</code>`, "and one more", "events.contacts", "3:71")
	italian := b.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian)
	b.contains(italian.Get("/portal/quarantine"), "Quarantena", "Campo non valido", "deve essere create, update o delete")
}

func TestTheListIsFiltered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.bad()
	b.put(portaltest.Account, "tombstone", "value must be there: a tombstone does not say what changed", hook.Record{}, func(q *hook.Quarantined) { q.Source.Topic = "own" })
	b.put(portaltest.Account, "newer", "of a newer router", hook.Record{Value: []byte("x")})
	on := b.Visit(hook.RoleOwner)
	for query, count := range map[string]int{
		"": 3, "?reason=tombstone": 1, "?topic=own": 1, "?topic=none": 0, "?state=redriven": 0, "?state=nonsense": 3, "?reason=newer": 1,
		"?from=2026-03-01T12:01": 0, "?to=2026-03-01T12:01": 3, "?from=2026-03-01T12:00:02&to=2026-03-01T12:00:03Z": 1, "?from=2026-03-01": 3,
	} {
		answer := on.Get("/portal/quarantine" + query)
		require.Equal(t, http.StatusOK, answer.Status, query)
		require.Equal(t, count, strings.Count(answer.Body, `data-label="Came from"`), query)
	}
	for query, fault := range map[string]string{
		"?from=" + script:                "must be a day and a time",
		"?to=soon":                       "must be a day and a time",
		"?from=2026-03-02&to=2026-03-01": "must be later than the beginning",
		"?cursor=nonsense":               "cursor",
	} {
		answer := on.Get("/portal/quarantine" + query)
		require.Equal(t, http.StatusUnprocessableEntity, answer.Status, query)
		require.Contains(t, answer.Body, fault)
		require.NotContains(t, answer.Body, script)
	}
	require.NotContains(t, on.Get("/portal/quarantine").Body, "Discard all", "only of a filter")
	b.contains(on.Get("/portal/quarantine?reason=tombstone"), "Send all again", "Discard all")
	require.NotContains(t, b.Visit(hook.RoleViewer).Get("/portal/quarantine?reason=tombstone").Body, "Discard all")
}

func TestTheListHasSeveralPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 51 {
		b.bad()
	}
	on := b.Visit(hook.RoleViewer)
	first := on.Get("/portal/quarantine?reason=invalid_field")
	require.Equal(t, 50, strings.Count(first.Body, `data-label="Came from"`))
	_, link, _ := strings.Cut(first.Body, `<nav class="pager">`)
	_, link, _ = strings.Cut(link, `href="`)
	link, _, _ = strings.Cut(link, `"`)
	second := on.Get(strings.ReplaceAll(link, "&amp;", "&"))
	require.Equal(t, 1, strings.Count(second.Body, `data-label="Came from"`))
	require.Contains(t, second.Body, "Newest")
}

func TestARecordIsShownAsItCame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	on := b.Visit(hook.RoleOwner)
	b.contains(on.Get("/portal/quarantine/"+b.bad()), "acme/Contact", "traceparent", "00-1", "JSON, indented", "&#34;total&#34;: 12.50",
		`<dd class="mono">events.contacts</dd>`, `<dd class="mono">71</dd>`, "A field is missing or breaks its rule.")

	const cut = `value must be JSON: at byte 14 there must be a comma or }`
	b.contains(on.Get("/portal/quarantine/"+b.put(portaltest.Account, "not_json", cut, hook.Record{Value: []byte("{\n  \"a\": \"è\" \"b\": 1\n}")})),
		"Line 2, column 12:", `<mark>&#34;</mark>b&#34;: 1`, "there must be a comma or }", "text</small>")

	b.contains(on.Get("/portal/quarantine/"+b.put(portaltest.Account, "not_protobuf", "value must be a staffetta.event.v1.EntityChange: proto: x",
		hook.Record{Key: []byte{0xff, 0}, Value: []byte("\x0a\x04acme\xff")})),
		"binary, in hexadecimal", "00000000  0a 04 61 63 6d 65 ff", "|..acme.|", "00000000  ff 00", "cannot be edited here")

	b.contains(on.Get("/portal/quarantine/"+b.put(portaltest.Account, "tombstone", "value must be there: x", hook.Record{})), "None.", "cannot be edited here")
	b.contains(on.Get("/portal/quarantine/"+b.put(portaltest.Account, "not_json", "value must be JSON: x", hook.Record{Value: []byte{}})), "Empty.")
	b.contains(on.Get("/portal/quarantine/"+b.put(portaltest.Account, "too_large", "value must have at most 900000 bytes, not \"2 bytes\"",
		hook.Record{Value: make([]byte, 2<<20)})), "only its beginning", "more bytes are not shown")
	expired := b.bad()
	delete(b.Kafka.Records, expired)
	b.contains(on.Get("/portal/quarantine/"+expired), "Kafka no longer has the record")
}

// What nests deeply would grow a thousandfold with its lines indented.
func TestJSONThatNestsDeeplyIsShownAsItCame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	answer := b.Visit(hook.RoleViewer).Get("/portal/quarantine/" + b.put(portaltest.Account, "not_json", "x", hook.Record{Value: []byte(deep)}))
	b.contains(answer, strings.Repeat("[", 9000))
	require.Less(t, len(answer.Body), 100_000)
}

func TestHostileRecordsAreText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hostile := hook.Record{Key: []byte(script), Headers: []hook.Header{{Name: script, Value: script}}}
	for _, value := range []string{script, `{"a": "` + script + `"}`, "</textarea>" + script, "</pre></code>" + script} {
		hostile.Value = []byte(value)
		for _, detail := range []string{script, "eventType must be create, not " + strconv.Quote(script), "value must be JSON: at byte 1 there must be a value", script + " must be x"} {
			id := b.put(portaltest.Account, script, detail, hostile, func(q *hook.Quarantined) { q.Source.Topic = script })
			for _, role := range []hook.Role{hook.RoleOwner, hook.RoleViewer} {
				answer := b.Visit(role).Get("/portal/quarantine/" + id)
				b.contains(answer, escaped)
				require.NotContains(t, answer.Body, "<script>")
			}
		}
	}
	on := b.Visit(hook.RoleOwner)
	for _, path := range []string{"", "?reason=" + script, "?topic=" + script, "/send?reason=" + script + "&topic=" + script, "/discard?topic=" + script} {
		answer := on.Get("/portal/quarantine" + path)
		b.contains(answer, escaped)
		require.NotContains(t, answer.Body, "<script>")
	}
}

func TestAnothersRecordsAreNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.Store.CreateAccount(t.Context(), hook.Account{ID: "other", Name: "Other"})
	require.NoError(t, err)
	theirs := b.put("other", "not_json", "secret", hook.Record{Value: []byte("secret")})
	on := b.Visit(hook.RoleOwner)
	require.NotContains(t, on.Get("/portal/quarantine").Body, "secret")
	for _, id := range []string{theirs, "qrn_none", "redrives/qrd_none"} {
		require.Equal(t, http.StatusNotFound, on.Get("/portal/quarantine/"+id).Status, id)
	}
	for _, path := range []string{theirs + "/redrive", theirs + "/discard", "redrives/qrd_none/cancel"} {
		require.Equal(t, http.StatusNotFound, on.Post("/portal/quarantine/"+path, nil).Status, path)
	}
	require.Empty(t, b.Kafka.Redriven)
}

func TestWhoOnlySeesChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.bad()
	viewer, owner := b.Visit(hook.RoleViewer), b.Visit(hook.RoleOwner)
	seen := viewer.Get("/portal/quarantine/" + id)
	b.contains(seen, "Invalid field")
	require.NotContains(t, seen.Body, "/redrive")
	require.NotContains(t, seen.Body, "/discard")
	require.Equal(t, http.StatusForbidden, viewer.Get("/portal/quarantine/send?reason=not_json").Status)
	for _, path := range []string{id + "/redrive", id + "/discard", "discard", "redrives", "redrives/qrd_1/cancel"} {
		sent := form("reason", "invalid_field", "value", event)
		require.Equal(t, http.StatusForbidden, viewer.Post("/portal/quarantine/"+path, sent).Status, path)
		sent.Set("token", "none")
		require.Equal(t, http.StatusForbidden, owner.Post("/portal/quarantine/"+path, sent).Status, path)
	}
	require.Equal(t, hook.Open, b.state(id))
	require.Empty(t, b.Kafka.Redriven)
	require.NotContains(t, b.Stranger().Get("/portal/quarantine/"+id).Body, "Invalid field")
}

func TestThePagesAskTheAPIABoundedNumberOfTimes(t *testing.T) {
	t.Parallel()
	asked := 0
	b := &bench{t: t, Installation: portaltest.New(t, func(c *portal.Config) {
		api := c.API
		c.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			api.ServeHTTP(w, r)
		})
	})}
	id := ""
	for range 60 {
		id = b.bad()
	}
	on := b.Visit(hook.RoleOwner)
	for path, most := range map[string]int{"": 2, "/" + id: 1, "/send?reason=invalid_field": 1, "/discard?reason=invalid_field": 1, "/redrives": 1} {
		asked = 0
		require.Equal(t, http.StatusOK, on.Get("/portal/quarantine"+path).Status, path)
		require.Equal(t, most, asked, path)
	}
}
