package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

const newWebhook = `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`

func (c caller) once(key string) caller { return c.with("Idempotency-Key", key) }

// again requires that two answers are one.
func (a answer) again(first answer) {
	a.t.Helper()
	require.Equal(a.t, "true", a.header.Get("Idempotent-Replayed"))
	require.Equal(a.t, first.code, a.code)
	require.Equal(a.t, string(first.body), string(a.body))
	for _, name := range []string{"Content-Type", "ETag", "Location", "Cache-Control"} {
		require.Equal(a.t, first.header.Get(name), a.header.Get(name), name)
	}
}

func TestARequestWithAKeyIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().once("a").post("/v1/webhooks", newWebhook).requires(201)
	require.NotEmpty(t, made.text("secret"))
	require.Equal(t, "/v1/webhooks/"+made.text("id"), made.header.Get("Location"))
	require.Empty(t, made.header.Get("Idempotent-Replayed"))
	b.acme().once("a").post("/v1/webhooks", newWebhook).again(made)
	require.Equal(t, []string{made.text("id")}, b.acme().get("/v1/webhooks").ids())

	path := "/v1/webhooks/" + made.text("id")
	for _, change := range []func(caller) answer{
		func(c caller) answer {
			return c.once("b").with("If-Match", `"1"`).patch(path, `{"description": "x"}`)
		},
		func(c caller) answer { return c.once("c").post(path+"/rotate-secret", `{}`) },
		func(c caller) answer { return c.once("d").post(path+"/pause", "") },
		func(c caller) answer { return c.once("e").put("/v1/item-types/Contact/schema", `{}`) },
		func(c caller) answer { return c.once("f").delete(path) },
	} {
		first := change(b.acme())
		require.Equal(t, 2, first.code/100, string(first.body))
		change(b.acme()).again(first)
	}
}

// It answers so however often, and whatever has become of the thing.
func TestAnAnswerIsKeptAlsoWhenTheThingIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.acme().once("a").post("/v1/api-keys", `{"name": "shop", "scopes": ["read"]}`).requires(201)
	b.acme().delete("/v1/api-keys/" + key.text("id")).requires(204)
	b.acme().once("a").post("/v1/api-keys", `{"name": "shop", "scopes": ["read"]}`).again(key)
}

func TestAKeyStandsForOneRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().once("a").post("/v1/webhooks", newWebhook).requires(201)
	path := "/v1/webhooks/" + made.text("id")
	for _, other := range []answer{
		b.acme().once("a").post("/v1/webhooks", newWebhook+" "),
		b.acme().once("a").post("/v1/replays", newWebhook),
		b.acme().once("a").delete(path),
		b.acme().once("a").patch(path, newWebhook),
	} {
		other.requires(409).faults()
	}
	require.Equal(t, "active", b.acme().get(path).text("status"))
}

// Another API key's, another account's.
func TestKeysBelongToWhoChoseThem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	ids := map[string]bool{}
	for _, who := range []caller{
		b.acme(), b.as(b.newKey("acme", "write")), b.as(b.newKey("other", "write")),
		b.as(adminKey).with("Staffetta-Account", "acme"), b.as(adminKey).with("Staffetta-Account", "other"),
	} {
		made := who.once("a").post("/v1/webhooks", newWebhook).requires(201)
		require.Empty(t, made.header.Get("Idempotent-Replayed"))
		ids[made.text("id")] = true
	}
	require.Len(t, ids, 5)
}

func TestARefusedRequestLeavesItsKeyFree(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme().once("a").post("/v1/webhooks", `{}`).requires(422)
	b.acme().once("a").post("/v1/webhooks", `{`).requires(400)
	b.acme().once("a").post("/v1/webhooks", "").requires(400)
	b.acme().once("a").post("/v1/webhooks", strings.Repeat(" ", 1<<20)).requires(413)
	b.acme().once("a").delete("/v1/webhooks/none").requires(404)
	b.as(b.newKey("acme", "read")).once("a").post("/v1/webhooks", newWebhook).requires(403)
	b.acme().once("a").post("/v1/events", `{"eventType": "lost"}`).requires(422)
	b.acme().once("a").post("/v1/webhooks", newWebhook).requires(201)
}

// One that takes no body would not look at what there is of it.
func TestARequestWithAKeyIsNotCarriedOutIfItsBodyIsNotWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := "/v1/webhooks/" + b.webhook()
	b.acme().once("a").post(path+"/pause", strings.Repeat(" ", 1<<20+1)).requires(400)
	r := httptest.NewRequest(http.MethodPost, path+"/pause", iotest.ErrReader(io.ErrUnexpectedEOF))
	r.Header = b.acme().once("a").header
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Equal(t, "active", b.acme().get(path).text("status"))
	b.acme().once("a").post(path+"/pause", "").requires(200)
}

func TestABadKeyIsAFault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const rule = "Idempotency-Key: must be one line of 1 to 255 visible ASCII characters"
	for _, key := range []string{"", "two words", "zażółć", "\x00", strings.Repeat("x", 256)} {
		require.Contains(t, b.acme().once(key).post("/v1/webhooks", newWebhook).requires(422).faults()[0], rule, key)
	}
	twice := b.acme().once("a")
	twice.header.Add("Idempotency-Key", "b")
	require.Equal(t, []string{rule + " (a, b)"}, twice.post("/v1/webhooks", newWebhook).requires(422).faults())
	require.Empty(t, b.acme().get("/v1/webhooks").ids())
	b.acme().once(strings.Repeat("~", 255)).post("/v1/webhooks", newWebhook).requires(201)
	b.acme().once("two words").get("/v1/webhooks").requires(200) // reading takes none
}

// Of those that come together one is carried out, and all get its answer.
func TestTwinsGetOneAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const twins = 8
	answers := make([]answer, twins)
	var sending sync.WaitGroup
	for n := range twins {
		sending.Go(func() { answers[n] = b.acme().once("a").post("/v1/webhooks", newWebhook) })
	}
	sending.Wait()
	for _, a := range answers {
		require.Equal(t, string(answers[0].requires(201).body), string(a.body))
	}
	require.Len(t, b.acme().get("/v1/webhooks").ids(), 1)
}

func TestAKeptAnswerShowsNoSecretInTheDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().once("a").post("/v1/webhooks", newWebhook).requires(201)
	var kept []byte
	require.NoError(t, b.db.QueryRowContext(t.Context(), `SELECT answer FROM idempotency_keys`).Scan(&kept))
	require.NotEmpty(t, kept)
	require.NotContains(t, string(kept), made.text("secret"))
	require.NotContains(t, string(kept), made.text("id"))
}

func TestEventsWithAKeyAreTakenOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const body = `[{"eventType": "create", "itemType": "Contact", "items": [{"id": 7}]}, {"eventType": "create", "itemType": "Contact", "items": [{"id": 8}]}]`
	taken := b.acme().once("a").post("/v1/events", body).requires(202)
	b.acme().once("a").post("/v1/events", body).again(taken)
	require.Len(t, b.kafka.taken, 2)
	b.acme().once("a").post("/v1/events", strings.ReplaceAll(body, "8", "9")).requires(409)
	require.Len(t, b.kafka.taken, 2)
}

// Some of what was answered 503 may have been taken: the same request gives the same
// ids, so that nothing is delivered twice; and no other request can have the key.
func TestEventsThatAreSentAgainAfter503HaveTheSameIDs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const body = `{"eventType": "create", "itemType": "Contact", "items": [{"id": 7}]}`
	b.kafka.down = errors.New("away")
	given := func(a answer) string {
		var l struct{ Items []struct{ ID string } }
		require.NoError(t, json.Unmarshal(a.body, &l))
		require.Len(t, l.Items, 1)
		return l.Items[0].ID
	}
	first := given(b.acme().once("a").post("/v1/events", body).requires(503))
	require.Regexp(t, `^evt_[0-9a-v]{26}$`, first)
	require.Equal(t, first, given(b.acme().once("a").post("/v1/events", body).requires(503)))
	b.acme().once("a").post("/v1/events", body+" ").requires(409)
	require.NotEqual(t, first, given(b.acme().once("b").post("/v1/events", body).requires(503)))
	b.kafka.down = nil
	taken := b.acme().once("a").post("/v1/events", body).requires(202)
	require.Equal(t, first, given(taken))
	b.acme().once("a").post("/v1/events", body).again(taken)
}

// Every write takes the header, and a change of a webhook If-Match as well.
func TestEveryWriteTakesAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	changes := map[string]bool{}
	for _, op := range every(t) {
		headers := map[string]bool{}
		for _, p := range op.Parameters {
			headers[p.Name] = p.In == "header"
		}
		require.Equal(t, op.method != http.MethodGet, headers["Idempotency-Key"], op)
		if headers["If-Match"] {
			changes[op.String()] = true
		}
	}
	for _, op := range []string{
		"PATCH /v1/webhooks/{id}", "DELETE /v1/webhooks/{id}", "POST /v1/webhooks/{id}/pause", "POST /v1/webhooks/{id}/resume",
		"POST /v1/webhooks/{id}/rotate-secret",
	} {
		require.True(t, changes[op], op)
	}
}

// It is the database that remembers, not the process.
func TestAnotherMemberGivesTheSameAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().once("a").post("/v1/webhooks", newWebhook).requires(201)
	other := *b
	other.Service = b.member(b.config)
	other.acme().once("a").post("/v1/webhooks", newWebhook).again(made)
	other.acme().once("a").post("/v1/webhooks", "{}").requires(409)
}

// The portal shows no key: who it says that acts is whose key of a request it is.
func TestWithoutAnAPIKeyTheKeyBelongsToWhoActs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	post := func(member string) *httptest.ResponseRecorder {
		ctx := apiauth.WithPrincipal(t.Context(), apiauth.Principal{
			Account: "acme", Scopes: hook.Scopes, Actor: hook.Actor{Kind: hook.ActorMember, ID: member},
		})
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/webhooks", strings.NewReader(newWebhook))
		r.Header.Set("Idempotency-Key", "a")
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		require.Equal(t, http.StatusCreated, w.Code, w.Body)
		return w
	}
	first := post("mbr_1")
	require.Equal(t, first.Body.String(), post("mbr_1").Body.String())
	require.NotEqual(t, first.Body.String(), post("mbr_2").Body.String())
}
