package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pages have samples of the REST API.
var pages = []string{"../../docs/api.md", "../../docs/publishing.md", "../../docs/services.md", "../../docs/contacts-and-stock.md"}

// TestTheAPIIsAsDocumented asks a standalone what the documentation shows.
func TestTheAPIIsAsDocumented(t *testing.T) {
	t.Parallel()
	s := startSolo(t, t.TempDir())
	t.Run("to the Go client", func(t *testing.T) { speaksGo(t, s.installation) })
	t.Run("and every ref answers", func(t *testing.T) { resolvesRefs(t, s.installation) })
	status, answer, err := s.try("api", http.MethodGet, "//v1/webhooks", s.adminKey, "", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "about:blank", answer["type"], "no redirect in HTML")
	status, _, err = s.try("api", http.MethodGet, "/v1/webhooks?itemType="+strings.Repeat("x", 80<<10), s.adminKey, "", nil)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, status)
	require.ErrorContains(t, err, "431 Request Header Fields Too Large", "in plain text")
	for _, page := range pages {
		r := &reader{in: s.installation}
		for _, sample := range samples(t, page) {
			t.Run(fmt.Sprintf("%s line %d", filepath.Base(page), sample.line), func(t *testing.T) { r.try(t, sample) })
		}
	}
}

// reader tries what a page shows. Each section has an account of its own.
type reader struct {
	in      *installation
	section string
	name    string // of the account
	tenant  *tenant
	// ids that answers had last, by their prefix.
	ids map[string]string
}

// left is a place that a sample leaves open, such as wh_….
var left = regexp.MustCompile(`\b([a-z]+)_…`)

// moment is a time in a request.
var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

var identified = regexp.MustCompile(`"([a-z]+)_([0-9a-v]{26})"`)

// maySayNo are requests that come too late here: what they are about is done already.
var maySayNo = regexp.MustCompile(`^POST .*/v1/replays/[^/]+/resume `)

func (r *reader) try(t *testing.T, s sample) {
	if s.section != r.section {
		r.section, r.name, r.tenant, r.ids = s.section, fmt.Sprintf("acme-%d", accounts.Add(1)), nil, map[string]string{}
	}
	refusals := map[int]bool{}
	for _, shown := range s.answers {
		if problem := refusal(shown); problem != 0 {
			refusals[problem] = true
		}
	}
	var answers []any
	for n, c := range s.calls {
		code, header, answer := r.call(t, c)
		late := code == http.StatusConflict && maySayNo.MatchString(c.String())
		if code/100 != 2 && !refusals[code] && !late {
			t.Errorf("%s: %d %v", c, code, answer)
		}
		if n == 0 {
			for _, name := range s.headers {
				require.NotEmpty(t, header.Values(name), "%s: %s", c, name)
			}
		}
		answers = append(answers, answer)
	}
	for _, shown := range s.answers {
		requireShown(t, shown, answers)
	}
}

// refusal is the status of a problem; 0 for any other answer.
func refusal(answer any) int {
	if o, ok := answer.(object); ok && o["type"] == "about:blank" {
		status, _ := o["status"].(float64)
		return int(status)
	}
	return 0
}

// requireShown requires that one of the answers has the fields that are shown.
func requireShown(t *testing.T, shown any, answers []any) {
	t.Helper()
	if refusal(shown) != 0 { // shown in passing, perhaps: all have one form
		answers = append(answers, object{"type": "", "title": "", "status": 1, "detail": ""}, object{"type": "", "title": "", "status": 1, "detail": "",
			"errors": []any{object{"field": "", "rule": ""}}}, object{"type": "", "title": "", "status": 1, "detail": "",
			"errors": []any{object{"field": "", "rule": "", "value": ""}}})
	}
	var why []string
	for _, got := range answers {
		if got == nil {
			continue
		}
		where := differs(shown, got)
		if where == "" {
			return
		}
		why = append(why, fmt.Sprintf("%s: %v", where, got))
	}
	t.Errorf("the sample %v is not what the API answers:\n%s", shown, strings.Join(why, "\n"))
}

// call makes a request as it is written, with what it leaves open filled in.
func (r *reader) call(t *testing.T, c call) (int, http.Header, any) {
	t.Helper()
	if !strings.Contains(c.body, `"id": "acme"`) || c.url != "$API/v1/accounts" {
		r.prepare(t, c)
	}
	var code int
	var header http.Header
	var answer any
	eventually(t, func() error {
		request, err := http.NewRequest(c.method, r.fill(t, c.url), strings.NewReader(r.fill(t, c.body)))
		require.NoError(t, err)
		if c.body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		for _, line := range c.headers {
			name, value, _ := strings.Cut(r.fill(t, line), ": ")
			request.Header.Set(name, value)
		}
		response, err := client.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		code, header, answer = response.StatusCode, response.Header, nil
		if strings.HasPrefix(string(text), "{") {
			require.NoError(t, json.Unmarshal(text, &answer))
		}
		if c.method == http.MethodDelete && strings.Contains(c.url, "/v1/webhooks/wh_…") {
			delete(r.ids, "wh") // it is revoked now
		}
		for _, id := range identified.FindAllStringSubmatch(string(text), -1) {
			if c.method == http.MethodPost || r.ids[id[1]] == "" {
				r.ids[id[1]] = id[1] + "_" + id[2]
			}
		}
		// One replay to a webhook runs at a time.
		if code == http.StatusConflict && !maySayNo.MatchString(c.String()) && strings.Contains(string(text), "is running") {
			return fmt.Errorf("%s: %s", c, text)
		}
		return nil
	})
	return code, header, answer
}

// prepare makes what a request needs: an account, and what it leaves open.
func (r *reader) prepare(t *testing.T, c call) {
	t.Helper()
	text := c.String() + strings.Join(c.headers, " ")
	if r.tenant == nil && !strings.Contains(text, "/v1/accounts") {
		r.in.call(t, "api", http.MethodPost, "/v1/accounts", r.in.adminKey, "", object{"id": r.name}, http.StatusCreated)
		key := r.in.call(t, "api", http.MethodPost, "/v1/api-keys", r.in.adminKey, r.name,
			object{"name": "docs", "scopes": []string{"read", "write", "publish", "settings"}}, http.StatusCreated)
		r.tenant = &tenant{in: r.in, account: r.name, key: key["key"].(string)}
	}
	places := left.FindAllStringSubmatch(text, -1)
	if strings.Contains(text, "/v1/deliveries") {
		places = append(places, []string{"", "dlv"})
	}
	for _, place := range places {
		kind := place[1]
		if r.ids[kind] != "" || kind == "sk" {
			continue
		}
		switch kind {
		case "wh":
			r.ids["wh"], _ = r.tenant.webhook(t, object{"itemTypes": []string{"*"}, "url": newReceiver(t, nil).URL})
		case "dlv":
			receiver := newReceiver(t, nil)
			r.ids["wh"], _ = r.tenant.webhook(t, object{"itemTypes": []string{"*"}, "url": receiver.URL})
			r.in.awaitLive(t)
			r.tenant.api(t, http.MethodPost, "/v1/events", object{"eventType": "create", "itemType": "Contact", "items": []object{{"id": 7}}}, http.StatusAccepted)
			r.ids["dlv"] = r.tenant.awaitStatus(t, "delivered", 1)[0]["id"].(string)
		default:
			t.Skipf("nothing here makes a %s_…: %s", kind, c)
		}
	}
}

// fill puts values in the place of variables and of what is left open.
func (r *reader) fill(t *testing.T, text string) string {
	t.Helper()
	key := ""
	if r.tenant != nil {
		key = r.tenant.key
	}
	text = strings.NewReplacer(
		"$AUTH", "Authorization: Bearer "+key, "$ADMIN", r.in.adminKey, "$API", r.in.url("api"), "$KEY", key,
		`"id": "acme"`, `"id": "`+r.name+`"`, "/acme", "/"+r.name, "Account: acme", "Account: "+r.name,
		`"…"`, `"a-secret-of-the-sample"`,
	).Replace(text)
	text = moment.ReplaceAllLiteralString(text, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
	return left.ReplaceAllStringFunc(text, func(place string) string { return r.ids[strings.TrimSuffix(place, "_…")] })
}

// Every operation of the OpenAPI document has a sample.
func TestTheDocumentationShowsEveryOperation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../api/openapi.json")
	require.NoError(t, err)
	var document struct{ Paths map[string]map[string]any }
	require.NoError(t, json.Unmarshal(text, &document))
	var shown []string
	for _, page := range pages {
		for _, s := range samples(t, page) {
			for _, c := range s.calls {
				path, _, _ := strings.Cut(strings.TrimPrefix(c.url, "$API"), "?")
				shown = append(shown, c.method+" "+path)
			}
		}
	}
	for template, methods := range document.Paths {
		pattern := regexp.MustCompile(`\\\{[^}]+\\\}`).ReplaceAllLiteralString(regexp.QuoteMeta(template), `[^/]+`)
		for method := range methods {
			want := regexp.MustCompile("^" + strings.ToUpper(method) + " " + pattern + "$")
			require.True(t, slices.ContainsFunc(shown, want.MatchString), "no sample of %s %s", strings.ToUpper(method), template)
		}
	}
}
