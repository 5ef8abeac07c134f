package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// operation is one of the OpenAPI document.
type operation struct {
	method, template string
	documentedOperation
}

func (o operation) String() string { return o.method + " " + o.template }

// every is all operations of the OpenAPI document.
func every(t *testing.T) []operation {
	t.Helper()
	var all []operation
	for template, methods := range theDocument(t).Paths {
		for method, op := range methods {
			all = append(all, operation{strings.ToUpper(method), template, op})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	require.NotEmpty(t, all)
	return all
}

// settings are the collections that need a scope of their own (CONTRACT.md, "Who may").
var settings = regexp.MustCompile(`^/v1/(members|api-keys|notifications|audit-log|portal-links)\b`)

// scope is the one that CONTRACT.md asks for; "admin" for the operator's.
func (o operation) scope() string {
	switch {
	case strings.HasPrefix(o.template, "/v1/accounts"):
		return "admin"
	case settings.MatchString(o.template):
		return "settings"
	case o.template == "/v1/events":
		return "publish"
	case o.method == http.MethodGet:
		return "read"
	}
	return "write"
}

var placeholder = regexp.MustCompile(`\{[^}]+\}`)

// path fills the template's placeholder in.
func (o operation) path(id string) string { return placeholder.ReplaceAllLiteralString(o.template, id) }

func (o operation) ofOne() bool { return placeholder.MatchString(o.template) }

// wholeOfAdmin are collections that the admin key sees without an account.
var wholeOfAdmin = regexp.MustCompile(`^/v1/(accounts|quarantine)\b`)

func TestTheDocumentSaysWhichScopeEveryOperationNeeds(t *testing.T) {
	t.Parallel()
	for _, op := range every(t) {
		for _, way := range op.Security {
			require.Equal(t, []string{op.scope()}, way["key"], op)
		}
	}
}

func TestEveryOperationNeedsItsScope(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	keys := map[string]string{"admin": adminKey}
	for _, scope := range hook.Scopes {
		keys[string(scope)] = b.newKey("acme", string(scope))
	}
	for _, op := range every(t) {
		for scope, key := range keys {
			as := b.as(key)
			if scope == "admin" {
				as = as.with("Staffetta-Account", "acme")
			}
			code := as.send(op.method, op.path("none"), "").code
			if scope == op.scope() || scope == "admin" {
				require.NotContains(t, []int{401, 403}, code, "%s with %s", op, scope)
			} else {
				require.Equal(t, 403, code, "%s with %s", op, scope)
			}
		}
	}
}

func TestNoOperationTakesABadKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	revoked, expired := b.revokedKey("acme"), b.expiredKey("acme")
	for _, op := range every(t) {
		for _, header := range []string{
			"", "Bearer", "Bearer ", "Basic YTpi", b.key, "Bearer sk_wrong", "Bearer " + adminKey + "x",
			"Bearer " + revoked, "Bearer " + expired,
		} {
			refused := b.as("").with("Authorization", header).send(op.method, op.path("none"), "{").requires(401)
			require.NotEmpty(t, refused.header.Get("WWW-Authenticate"), op)
		}
	}
}

func TestTheAdminKeyNeedsAnAccountThatIsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, op := range every(t) {
		if !wholeOfAdmin.MatchString(op.template) {
			b.as(adminKey).send(op.method, op.path("none"), "{").requires(400)
		}
		b.as(adminKey).with("Staffetta-Account", "nobody").send(op.method, op.path("none"), "{").requires(404)
		if op.scope() != "admin" {
			b.acme().with("Staffetta-Account", "other").send(op.method, op.path("none"), "{").requires(403)
		}
	}
}

// furnish gives acme one of each thing.
func (b *bench) furnish() {
	b.t.Helper()
	webhook := b.webhook()
	b.acme().post("/v1/replays", `{"webhook": "`+webhook+`", "from": "2026-01-01T00:00:00Z"}`).requires(201)
	b.acme().post("/v1/members", `{"email": "ada@example.com", "role": "owner"}`).requires(201)
	b.acme().put("/v1/stores/roma", `{"name": "Roma"}`).requires(200)
	b.quarantined("acme", "not_json")
	b.acme().post("/v1/quarantine-redrives", `{"reason": "not_json"}`).requires(202)
	b.acme().put("/v1/item-types/Contact/schema", `{"type": "object"}`).requires(204)
	now := time.Now()
	require.NoError(b.t, b.store.Record(b.t.Context(), []hook.Range{{To: 1, Records: []hook.Recorded{{Attempt: hook.Attempt{
		Delivery: "dlv_1", Account: "acme", Webhook: webhook, Event: "evt_1", EventType: hook.Create, ItemType: "Contact", Items: []string{"7"},
		Number: 1, Fate: hook.FateDelivered, StatusCode: 204, At: now, Published: now,
	}}}}}))
}

// oneOf is the id of one of the things that an operation is about; "none" if acme has
// none.
func (b *bench) oneOf(t *testing.T, op operation) string {
	t.Helper()
	collection, rest, ok := strings.Cut(op.template, "/{")
	switch {
	case !ok || theDocument(t).Paths[collection]["get"].OperationID == "":
		return "none"
	case strings.HasPrefix(rest, "itemType}"):
		return "Contact"
	}
	as := b.acme()
	if op.scope() == "admin" {
		as = b.as(adminKey)
	}
	if ids := as.get(collection).ids(); len(ids) > 0 {
		return ids[0]
	}
	return "none"
}

// Whatever comes as a body is refused in one form, and never with 500.
func TestNoBodyBreaksAnOperation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run() // a test waits until the cache has the webhook
	b.furnish()
	for _, op := range every(t) {
		if op.method == http.MethodGet || op.method == http.MethodDelete {
			continue
		}
		as := b.acme()
		if op.scope() == "admin" {
			as = b.as(adminKey)
		}
		path := op.path(b.oneOf(t, op))
		for _, body := range []string{
			"", "{", "null", "[]", "[[]]", "7", `"x"`, "\xff", `{"\xff": 1}`, "{}{}", strings.Repeat("[", 100_000), `{"colour": 1}`, `{"colour": 1e999}`,
			strings.Repeat(" ", 1<<20),
		} {
			got := as.send(op.method, path, body)
			require.Less(t, got.code, 500, "%s takes %.40q: %s", op, body, got.body)
			if got.code >= 400 {
				got.faults() // checks the form
			}
		}
	}
}

// A field of a wrong type is a fault that names it.
func TestEveryFieldOfABodyIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.furnish()
	for _, op := range every(t) {
		fields := bodyFields(t, op)
		if len(fields) == 0 {
			continue
		}
		as := b.acme()
		if op.scope() == "admin" {
			as = b.as(adminKey)
		}
		path := op.path(b.oneOf(t, op))
		for _, field := range fields {
			// One of these is of a wrong type.
			for _, value := range []string{`{"a": [1]}`, `[{"a": 1}]`, `-1.5`, `"\u0000"`, `true`} {
				body := `{"` + field + `": ` + value + `}`
				got := as.send(op.method, path, body)
				require.Less(t, got.code, 500, "%s takes %s: %s", op, body, got.body)
				if got.code != 422 {
					continue
				}
				for _, fault := range got.faults() {
					require.Regexp(t, `^[^ ]+: (must|is|needs|has) `, fault, "%s takes %s", op, body)
				}
			}
			null := as.send(op.method, path, `{"`+field+`": null}`)
			require.Less(t, null.code, 500, "%s takes null as %s: %s", op, field, null.body)
		}
		unknown := as.send(op.method, path, `{"noSuchField": 1}`)
		if op.template != "/v1/events" {
			require.Contains(t, strings.Join(unknown.requires(422).faults(), "; "), "noSuchField: is not a known field; known are ", op)
		}
	}
}

// bodyFields are the fields of an operation's body that the document names.
func bodyFields(t *testing.T, op operation) []string {
	t.Helper()
	if op.RequestBody == nil {
		return nil
	}
	name, ok := strings.CutPrefix(op.RequestBody.Content["application/json"].Schema.Ref, "#/components/schemas/")
	if !ok {
		return nil
	}
	var schema struct{ Properties map[string]any }
	require.NoError(t, json.Unmarshal(theDocument(t).Components.Schemas[name], &schema))
	var fields []string
	for field := range schema.Properties {
		fields = append(fields, field)
	}
	slices.Sort(fields)
	return fields
}

// Parameters too, those that nobody knows as well.
func TestEveryParameterIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.furnish()
	for _, op := range every(t) {
		as := b.acme()
		if op.scope() == "admin" {
			as = b.as(adminKey)
		}
		path := op.path("none")
		if op.method == http.MethodGet && !op.ofOne() {
			require.Equal(t, []string{"colour: is not a known parameter"}, as.get(path+"?colour=red").requires(422).faults(), op)
		}
		for _, p := range op.Parameters {
			if p.In != "query" {
				continue
			}
			for _, value := range []string{"%00", "%ff", "-1", "1e9", "x", "%20", strings.Repeat("a", 5000)} {
				got := as.send(op.method, path+"?"+p.Name+"="+value, "")
				require.Less(t, got.code, 500, "%s takes %s=%s: %s", op, p.Name, value, got.body)
				if got.code >= 400 {
					got.faults()
				}
			}
		}
	}
}

func TestOtherMethodsAreRefusedWithThoseThatThereAre(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for template, methods := range theDocument(t).Paths {
		path := placeholder.ReplaceAllLiteralString(template, "none")
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			_, known := methods[strings.ToLower(method)]
			if _, readable := methods["get"]; known || method == "HEAD" && readable {
				continue
			}
			b.as("").send(method, path, "").requires(401)
			refused := b.acme().send(method, path, "").requires(405)
			refused.faults()
			for known := range methods {
				require.Contains(t, refused.header.Get("Allow"), strings.ToUpper(known), path)
			}
		}
		for _, near := range []string{path + "/", "/" + path, path + "//", "/v1/.." + path} {
			b.acme().send("GET", near, "").requires(404).faults()
		}
	}
}
