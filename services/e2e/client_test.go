package e2e_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// object is a JSON object of the API.
type object = map[string]any

// tenant is an account with an API key: each test has its own.
type tenant struct {
	in      *installation
	account string
	key     string
}

var accounts atomic.Int64

// newTenant makes an account and a key by the admin key.
func (in *installation) newTenant(t *testing.T) *tenant {
	t.Helper()
	// Its own on servers that have seen other runs.
	id := fmt.Sprintf("acc-%d-%s", accounts.Add(1), strings.ToLower(rand.Text()[:10]))
	in.call(t, "api", http.MethodPost, "/v1/accounts", in.adminKey, "", object{"id": id, "name": "Account " + id}, http.StatusCreated)
	answer := in.call(t, "api", http.MethodPost, "/v1/api-keys", in.adminKey, id,
		object{"name": "e2e", "scopes": []string{"read", "write", "publish", "settings"}}, http.StatusCreated)
	// Its receivers end with the test; nobody should go on trying them.
	t.Cleanup(func() { _, _, _ = in.try("api", http.MethodDelete, "/v1/accounts/"+id, in.adminKey, "", nil) })
	return &tenant{in: in, account: id, key: answer["key"].(string)}
}

// call makes a request to a service and requires its status.
func (in *installation) call(t *testing.T, service, method, path, key, account string, body any, status int) object {
	t.Helper()
	got, answer, err := in.try(service, method, path, key, account, body)
	require.NoError(t, err)
	require.Equal(t, status, got, "%s %s: %v", method, path, answer)
	return answer
}

func (in *installation) try(service, method, path, key, account string, body any) (int, object, error) {
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		payload = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, in.url(service)+path, payload)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	if account != "" {
		request.Header.Set("Staffetta-Account", account)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || len(text) == 0 {
		return answer.StatusCode, nil, err
	}
	var decoded object
	if err := json.Unmarshal(text, &decoded); err != nil {
		return answer.StatusCode, nil, fmt.Errorf("%s %s: %s: %q", method, path, answer.Status, text)
	}
	return answer.StatusCode, decoded, nil
}

// api calls the management API with the tenant's key.
func (a *tenant) api(t *testing.T, method, path string, body any, status int) object {
	t.Helper()
	return a.in.call(t, "api", method, path, a.key, "", body, status)
}

// webhook creates one and returns its id and secret.
func (a *tenant) webhook(t *testing.T, settings object) (id, secret string) {
	t.Helper()
	w := a.api(t, http.MethodPost, "/v1/webhooks", settings, http.StatusCreated)
	return w["id"].(string), w["secret"].(string)
}

// deliveries lists the log.
func (a *tenant) deliveries(t *testing.T, query string) []object {
	t.Helper()
	list := a.api(t, http.MethodGet, "/v1/deliveries?limit=500&"+query, nil, http.StatusOK)
	var items []object
	for _, item := range list["items"].([]any) {
		items = append(items, item.(object))
	}
	return items
}

// awaitStatus waits until the log shows that many deliveries of a status.
func (a *tenant) awaitStatus(t *testing.T, status string, count int) []object {
	t.Helper()
	var items []object
	eventually(t, func() error {
		items = a.deliveries(t, "status="+status)
		if len(items) != count {
			return fmt.Errorf("%d deliveries are %s, want %d: %v", len(items), status, count, a.deliveries(t, ""))
		}
		return nil
	})
	return items
}

// awaitLive waits until router and sender know all that the API has answered.
func (in *installation) awaitLive(t *testing.T) {
	t.Helper()
	in.awaitKnown(t, "router")
	in.awaitKnown(t, "sender")
}

// awaitKnown waits until a service knows all accounts as they are in the
// database. Tests that run at the same time change accounts of their own, and the
// service tells only the sum of its versions; but a version only rises, and
// nobody is ahead of the database. So if the sum that it told is the one that the
// database has afterwards, then so is each version.
func (in *installation) awaitKnown(t *testing.T, service string) {
	t.Helper()
	db, err := database.Open(t.Context(), in.backends.environment()["STAFFETTA_DATABASE_URL"])
	require.NoError(t, err)
	defer db.Close()
	store := sqlstore.New(db, time.Now)
	eventually(t, func() error {
		known, err := in.metric(service, "staffetta_"+service+"_snapshot_versions")
		if err != nil {
			return err
		}
		stored, _, err := store.Digest(t.Context())
		if err != nil {
			return err
		}
		if known != float64(stored.Versions) {
			return fmt.Errorf("%s knows versions with a sum of %v, the database has %d", service, known, stored.Versions)
		}
		return nil
	})
}

// counted reads a counter.
func (in *installation) counted(t *testing.T, service, name string) float64 {
	t.Helper()
	count, err := in.metric(service, name)
	require.NoError(t, err)
	return count
}

// awaitCounted waits until a counter is at least so high.
func (in *installation) awaitCounted(t *testing.T, service, name string, want float64) {
	t.Helper()
	eventually(t, func() error {
		count, err := in.metric(service, name)
		if err == nil && count < want {
			err = fmt.Errorf("%s is %v, want %v", name, count, want)
		}
		return err
	})
}

// metric reads the sum of a metric's series.
func (in *installation) metric(service, name string) (sum float64, err error) {
	answer, err := client.Get(in.url(service) + "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return 0, err
	}
	for _, m := range families[name].GetMetric() {
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return sum, nil
}
