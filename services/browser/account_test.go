package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// account is a tenant of a test's own.
type account struct {
	t   *testing.T
	in  *standalone
	id  string
	key string
}

var accounts atomic.Int64

// newAccount makes one on the standalone that all tests share.
func newAccount(t *testing.T, settings ...object) *account {
	t.Helper()
	return newAccountIn(t, plain(t), settings...)
}

func newAccountIn(t *testing.T, in *standalone, settings ...object) *account {
	t.Helper()
	a := &account{t: t, in: in, id: fmt.Sprintf("acc-%d", accounts.Add(1))}
	body := object{"id": a.id, "name": "Account " + a.id}
	for _, more := range settings {
		for name, value := range more {
			body[name] = value
		}
	}
	a.id = body["id"].(string)
	_, err := in.call(http.MethodPost, "/v1/accounts", in.adminKey, "", body, http.StatusCreated)
	require.NoError(t, err)
	made, err := in.call(http.MethodPost, "/v1/api-keys", in.adminKey, a.id,
		object{"name": "tests", "scopes": []string{"read", "write", "publish", "settings"}}, http.StatusCreated)
	require.NoError(t, err)
	a.key = made["key"].(string)
	return a
}

// api calls the API with the account's key, and requires a status.
func (a *account) api(method, path string, body any, status int) object {
	a.t.Helper()
	answer, err := a.in.call(method, path, a.key, "", body, status)
	require.NoError(a.t, err)
	return answer
}

// list gives the first page of one.
func (a *account) list(path string) []object {
	a.t.Helper()
	var items []object
	for _, item := range a.api(http.MethodGet, path, nil, http.StatusOK)["items"].([]any) {
		items = append(items, item.(object))
	}
	return items
}

// await waits until a list has as many items.
func (a *account) await(path string, count int) []object {
	a.t.Helper()
	var items []object
	a.eventually(func() error {
		if items = a.list(path); len(items) != count {
			return fmt.Errorf("%s has %d items, not %d: %v", path, len(items), count, items)
		}
		return nil
	})
	return items
}

func (a *account) eventually(check func() error) {
	a.t.Helper()
	require.NoError(a.t, eventually(check))
}

// webhook makes one of all changes, unless settings say otherwise, and gives its id.
func (a *account) webhook(url string, settings object) string {
	a.t.Helper()
	body := object{"itemTypes": []string{"*"}, "url": url}
	for name, value := range settings {
		body[name] = value
	}
	return a.api(http.MethodPost, "/v1/webhooks", body, http.StatusCreated)["id"].(string)
}

// change is an entity change, for publish.
func change(eventType, itemType string, id any, more object) object {
	event := object{
		"eventType": eventType, "itemType": itemType,
		"items": []object{{"id": id, "ref": fmt.Sprintf("/%ss/%v", strings.ToLower(itemType), id), "data": object{"id": id}}},
	}
	for name, value := range more {
		event[name] = value
	}
	return event
}

// publish makes changes known.
func (a *account) publish(events ...object) {
	a.t.Helper()
	a.api(http.MethodPost, "/v1/events", events, http.StatusAccepted)
}

// publishUntilKnown makes a change again and again until its webhooks are known to those
// who deliver, and a delivery is in the log.
func (a *account) publishUntilKnown(event object) {
	a.t.Helper()
	a.publish(event)
	a.eventually(func() error {
		if len(a.list("/v1/deliveries")) == 0 {
			a.publish(event)
			return fmt.Errorf("no delivery of %v", event)
		}
		return nil
	})
}

// portalLink gives the URL of one. Without a public URL the API does not know where it is.
func (a *account) portalLink(role, language string) string {
	a.t.Helper()
	made := a.api(http.MethodPost, "/v1/portal-links", object{"role": role, "language": language, "ttl": "1h"}, http.StatusCreated)
	link := made["url"].(string)
	if strings.HasPrefix(link, "/") {
		link = a.in.url + link
	}
	return link
}

// receiver is what a customer runs: it keeps what it got, and answers 204 unless told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	bodies []string
}

func newReceiver(t *testing.T, status int) *receiver {
	t.Helper()
	r := &receiver{status: status}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, string(body))
	w.WriteHeader(r.status)
	_, _ = fmt.Fprintf(w, `{"status": %d}`, r.status)
}

// answer sets what it answers from now on.
func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.bodies...)
}
