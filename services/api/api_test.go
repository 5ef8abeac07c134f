package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/seal"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/api"
)

const (
	adminKey      = "an-admin-key-of-thirty-two-chars-"
	encryptionKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// kafka stands for the topics events.ingest and deliveries.
type kafka struct {
	mu       sync.Mutex
	taken    []hook.Event
	largest  int // bytes of a value
	payloads map[hook.Coordinates]hook.Event
	reruns   []rerun
	tried    []hook.Event
	// quarantine has records by the id of their entry.
	quarantine map[string]hook.Record
	redriven   []redriven
	down       error
}

// redriven is a record that was sent again, to where the entry's was read.
type redriven struct {
	source hook.Coordinates
	record hook.Record
}

func (k *kafka) Record(_ context.Context, q hook.Quarantined) (hook.Record, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down != nil {
		return hook.Record{}, k.down
	}
	r, ok := k.quarantine[q.ID]
	if !ok {
		return hook.Record{}, hook.ErrNotFound
	}
	return r, nil
}

func (k *kafka) Redrive(_ context.Context, q hook.Quarantined, r hook.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if q.Source.Topic == "gone" {
		return hook.ErrNotFound
	}
	k.redriven = append(k.redriven, redriven{q.Source, r})
	return nil
}

// rerun is a delivery that was handed on again.
type rerun struct {
	delivery string
	run      int64
}

func (k *kafka) Rerun(ctx context.Context, d hook.Delivery, run int64) error {
	if _, err := k.Payload(ctx, d); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reruns = append(k.reruns, rerun{d.ID, run})
	return nil
}

func (k *kafka) Try(_ context.Context, _ *hook.Webhook, events []hook.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down != nil {
		return k.down
	}
	k.tried = append(k.tried, events...)
	return nil
}

func (k *kafka) Publish(ctx context.Context, events []api.EncodedEvent) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down != nil {
		return k.down
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	for _, encoded := range events {
		// As the router reads it.
		e, err := codec.Decode(codec.Input{Value: encoded.Value, Header: func(name string) ([]byte, bool) {
			value, ok := carrier[name]
			return []byte(value), ok
		}})
		if err != nil {
			return err
		}
		if e.ID != encoded.ID || e.Account != encoded.Account || e.ItemType != encoded.ItemType {
			return fmt.Errorf("the event is not what it says: %+v", encoded)
		}
		k.taken, k.largest = append(k.taken, e), max(k.largest, len(encoded.Value))
	}
	return nil
}

func (k *kafka) Payload(_ context.Context, d hook.Delivery) (hook.Event, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down != nil {
		return hook.Event{}, k.down
	}
	e, ok := k.payloads[d.Bundle]
	if !ok {
		return hook.Event{}, hook.ErrNotFound
	}
	return e, nil
}

// bench is a service on SQLite and an embedded Redis, with an account "acme"
// and a key of all scopes.
type bench struct {
	*api.Service
	t        *testing.T
	store    *sqlstore.Store
	redis    *miniredis.Miniredis
	cache    *redisstore.Store
	circuits *redisstore.Circuits
	filters  *redisstore.FilterErrors
	kafka    *kafka
	key      string
	db       *database.DB
	log      *bytes.Buffer // read it only while the service does not run
	config   api.Config
	cacheURL string
	flush    func() error
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchPolling(t, 20*time.Millisecond)
}

func newBenchPolling(t *testing.T, interval time.Duration) *bench {
	t.Helper()
	return newBenchAt(t, interval, nil)
}

// newBenchAt is one with a clock.
func newBenchAt(t *testing.T, interval time.Duration, now func() time.Time) *bench {
	t.Helper()
	redis := miniredis.RunT(t)
	b := newBenchOn(t, "redis://"+redis.Addr(), interval, now)
	b.redis = redis
	return b
}

// newBenchOn is one on a Redis, which is empty.
func newBenchOn(t *testing.T, cacheURL string, interval time.Duration, now func() time.Time) *bench {
	t.Helper()
	db := sqlstoretest.SQLite(t)
	ring, err := seal.ParseKeys(encryptionKey)
	require.NoError(t, err)

	b := &bench{t: t, db: db, log: &bytes.Buffer{}, store: sqlstore.New(db, nil), cacheURL: cacheURL,
		kafka: &kafka{payloads: map[hook.Coordinates]hook.Event{}, quarantine: map[string]hook.Record{}}}
	client, err := redisstore.Open(cacheURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	require.NoError(t, client.Flush(t.Context()))
	b.flush = func() error { return client.Flush(context.WithoutCancel(t.Context())) }
	b.cache, b.circuits = redisstore.NewStore(client, zap.NewNop()), redisstore.NewCircuits(client)
	b.filters = redisstore.NewFilterErrors(client)
	log, err := telemetry.NewLog(b.log, "api", "debug", telemetry.JSON)
	require.NoError(t, err)
	b.config = api.Config{
		Store: b.store, Cache: b.cache, Seal: ring, Ingest: b.kafka, Payloads: b.kafka, Reruns: b.kafka, Tests: b.kafka, Redrives: b.kafka,
		Circuits: b.circuits, Topics: b.kafka,
		Filters:  b.filters,
		AdminKey: adminKey, Links: apiauth.NewLinks(apiauth.LinkKey{}), PublicURL: "https://hooks.example.com", CheckURL: egress.Policy{}.CheckURL, Log: log,
		PollInterval: interval, Now: now,
	}
	b.Service, err = api.New(b.config)
	require.NoError(t, err)

	b.as(adminKey).post("/v1/accounts", `{"id": "acme", "name": "ACME"}`).requires(http.StatusCreated)
	b.key = b.newKey("acme", "read", "write", "publish", "settings")
	return b
}

// newKey makes a key as the operator.
func (b *bench) newKey(account string, scopes ...string) string {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"name": "test", "scopes": scopes})
	require.NoError(b.t, err)
	return b.as(adminKey).with("Staffetta-Account", account).post("/v1/api-keys", string(body)).
		requires(http.StatusCreated).text("key")
}

// caller sends requests with a key.
type caller struct {
	b      *bench
	header http.Header
}

func (b *bench) as(key string) caller {
	c := caller{b: b, header: http.Header{}}
	if key != "" {
		c.header.Set("Authorization", "Bearer "+key)
	}
	return c
}

func (b *bench) acme() caller { return b.as(b.key) }

func (c caller) with(name, value string) caller {
	c.header = c.header.Clone()
	c.header.Set(name, value)
	return c
}

func (c caller) get(path string) answer         { return c.send(http.MethodGet, path, "") }
func (c caller) post(path, body string) answer  { return c.send(http.MethodPost, path, body) }
func (c caller) put(path, body string) answer   { return c.send(http.MethodPut, path, body) }
func (c caller) patch(path, body string) answer { return c.send(http.MethodPatch, path, body) }
func (c caller) delete(path string) answer      { return c.send(http.MethodDelete, path, "") }

func (c caller) send(method, path, body string) answer {
	c.b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header = c.header.Clone()
	w := httptest.NewRecorder()
	c.b.Handler().ServeHTTP(w, r)
	a := answer{t: c.b.t, code: w.Code, header: w.Header(), body: w.Body.Bytes()}
	requireDocumented(c.b.t, method, path, body, a)
	return a
}

type answer struct {
	t      *testing.T
	code   int
	header http.Header
	body   []byte
}

func (a answer) requires(code int) answer {
	a.t.Helper()
	require.Equal(a.t, code, a.code, string(a.body))
	return a
}

func (a answer) object() map[string]any {
	a.t.Helper()
	var o map[string]any
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	require.NoError(a.t, decoder.Decode(&o), string(a.body))
	return o
}

func (a answer) text(field string) string {
	a.t.Helper()
	text, ok := a.object()[field].(string)
	require.True(a.t, ok, "%s in %s", field, a.body)
	return text
}

// ids are those of a list.
func (a answer) ids() []string {
	a.t.Helper()
	var l struct{ Items []struct{ ID string } }
	require.NoError(a.t, json.Unmarshal(a.requires(http.StatusOK).body, &l))
	ids := []string{}
	for _, item := range l.Items {
		ids = append(ids, item.ID)
	}
	return ids
}

// faults are those of a problem, as "field: rule (value)".
func (a answer) faults() []string {
	a.t.Helper()
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	var p struct {
		Status int
		Errors []struct{ Field, Value, Rule string }
	}
	require.NoError(a.t, json.Unmarshal(a.body, &p))
	require.Equal(a.t, a.code, p.Status)
	var faults []string
	for _, e := range p.Errors {
		fault := e.Field + ": " + e.Rule
		if e.Value != "" {
			fault += " (" + e.Value + ")"
		}
		faults = append(faults, fault)
	}
	return faults
}

// webhook makes one and returns its id.
func (b *bench) webhook() string {
	b.t.Helper()
	return b.acme().post("/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`).
		requires(http.StatusCreated).text("id")
}
