// Package upstreamtest is what every domain service must do: one suite, run by
// the tests of each of them.
package upstreamtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/upstream"
)

// wait bounds everything that must happen.
const wait = 30 * time.Second

// partitions of the topics under test.
const partitions = 4

// Service is the one under test.
type Service struct {
	// Topic that its events go to.
	Topic   string
	New     func(upstream.Config) (*upstream.Service, error)
	Migrate func(context.Context, *database.DB) error
	// Collections of the service, parents before their children.
	Collections []Collection
	// Database is the URL of a PostgreSQL to test on; empty: SQLite.
	Database string
}

// Collection is one of its collections.
type Collection struct {
	// Path of it, with its slash.
	Path     string
	ItemType string
	// Item is a good body of POST, which has every field that has a rule. A %d in it
	// is another number in each item.
	Item string
	// Faulty is one that breaks a rule, and Field the one that does.
	Faulty, Field string
	// Also are the events, such as "update Invoice 1", of what rules change along with
	// the items: with each request that creates or deletes some.
	Also []string
}

// item is the n-th body.
func (c Collection) item(n int) string { return strings.ReplaceAll(c.Item, "%d", strconv.Itoa(n)) }

// Run runs the suite.
func Run(t *testing.T, s Service) {
	t.Run("a change in every collection reaches the topic", func(t *testing.T) {
		t.Parallel()
		changesReachTheTopic(t, s)
	})
	t.Run("rules are kept", func(t *testing.T) {
		t.Parallel()
		rulesAreKept(t, s)
	})
	t.Run("the trace of a request reaches the topic", func(t *testing.T) {
		t.Parallel()
		tracesReachTheTopic(t, s)
	})
	t.Run("requests are answered while Kafka is away, and their events come", func(t *testing.T) {
		t.Parallel()
		kafkaMayBeAway(t, s)
	})
}

// keys knows one key.
type keys struct{}

func (keys) KeyByHash(_ context.Context, hash [32]byte) (hook.Key, error) {
	if hash != sha256.Sum256([]byte("sk_acme")) {
		return hook.Key{}, hook.ErrNotFound
	}
	return hook.Key{Account: "acme", Scopes: hook.Scopes, Hash: hash}, nil
}

// rig is a service on an embedded Kafka and SQLite, or the real ones.
type rig struct {
	*testing.T
	Service
	kafka   *embedded.Kafka
	client  *bus.Client
	running *upstream.Service
	handler http.Handler
}

func newRig(t *testing.T, s Service) *rig {
	t.Helper()
	r := &rig{T: t, Service: s}
	var err error
	r.kafka, err = embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(r.kafka.Close)
	r.client, err = bus.Dial(bus.Config{Brokers: []string{r.kafka.Addr()}})
	require.NoError(t, err)
	t.Cleanup(r.client.Close)
	require.NoError(t, r.client.EnsureTopics(t.Context(), bus.Topics(partitions, nil), 1))

	db, err := database.Open(t.Context(), databaseURL(t, s.Database))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	r.running, err = s.New(upstream.Config{Bus: r.client, DB: db, Authorizer: apiauth.New(apiauth.Config{Keys: keys{}})})
	require.NoError(t, err)
	require.ErrorIs(t, r.running.Run(t.Context()), entity.ErrUnmigrated)
	require.NoError(t, s.Migrate(t.Context(), db))
	r.handler = r.running.Handler()
	return r
}

// databaseURL is a new database: on SQLite, or a schema of PostgreSQL.
func databaseURL(t *testing.T, url string) string {
	t.Helper()
	if url == "" {
		return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	admin, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, admin.Close()) }()
	schema := "upstream_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	_, err = admin.ExecContext(t.Context(), `CREATE SCHEMA `+schema)
	require.NoError(t, err)
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + "search_path=" + schema
}

// run relays until the end of the test.
func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.running.Run(ctx) }()
	r.Cleanup(func() {
		cancel()
		require.NoError(r, <-ended)
	})
}

func (r *rig) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r.Helper()
	request := httptest.NewRequestWithContext(r.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer sk_acme")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return w
}

// events reads n events from the service's topic, as any consumer would. One
// may be there twice, under the same id; it counts once.
func (r *rig) events(n int) []hook.Event {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	fetcher := r.client.NewFetcher(bus.FetcherConfig{})
	defer fetcher.Close()
	for p := range partitions {
		fetcher.Add(r.Topic, p, bus.FirstOffset)
	}
	var all []hook.Event
	seen := make(map[string]bool)
	for len(all) < n {
		batch, err := fetcher.Poll(ctx)
		require.NoError(r, err, "%d events of %d", len(all), n)
		for _, record := range batch.Records {
			form, ok := record.Header("content-type")
			require.True(r, ok)
			require.Equal(r, "application/json", string(form))
			e, err := codec.Decode(codec.Input{Header: record.Header, Value: record.Value, At: record.At(), Time: record.Time})
			require.NoError(r, err)
			require.Equal(r, e.Account+"/"+e.ItemType, string(record.Key))
			require.Equal(r, bus.PartitionOf(record.Key, partitions), record.Partition)
			if !seen[e.ID] {
				all = append(all, e)
			}
			seen[e.ID] = true
		}
	}
	return all
}

func changesReachTheTopic(t *testing.T, s Service) {
	r := newRig(t, s)
	r.run()
	var want, served []string
	for _, c := range s.Collections {
		created := r.do("POST", c.Path, c.item(1))
		require.Equal(t, http.StatusCreated, created.Code, created.Body)
		require.Equal(t, http.StatusOK, r.do("GET", c.Path+"/1", "").Code)
		require.Equal(t, http.StatusOK, r.do("PATCH", c.Path+"/1", `{"note": "cambiato"}`).Code)
		require.Equal(t, http.StatusCreated, r.do("POST", c.Path, "["+c.item(2)+","+c.item(3)+"]").Code)
		require.Equal(t, http.StatusNoContent, r.do("DELETE", c.Path+"?id=2&id=3", "").Code)
		want = append(want, "create "+c.ItemType+" 1", "update "+c.ItemType+" 1", "create "+c.ItemType+" 2", "delete "+c.ItemType+" 2")
		for range 3 { // one is created, two are, and two are deleted
			want = append(want, c.Also...)
		}
		served = append(served, strings.TrimPrefix(c.Path, "/"))
	}
	require.ElementsMatch(t, served, r.running.Collections())
	var got []string
	for _, e := range r.events(len(want)) {
		got = append(got, fmt.Sprint(e.Type, " ", e.ItemType, " ", e.Items[0].ID))
	}
	require.ElementsMatch(t, want, got)
	for _, c := range s.Collections {
		of := func(all []string) (some []string) {
			for _, line := range all {
				if strings.Contains(line, " "+c.ItemType+" ") {
					some = append(some, line)
				}
			}
			return some
		}
		require.Equal(t, of(want), of(got), "in order")
	}
}

func rulesAreKept(t *testing.T, s Service) {
	r := newRig(t, s)
	for _, c := range s.Collections {
		refused := r.do("POST", c.Path, c.Faulty)
		require.Equal(t, http.StatusUnprocessableEntity, refused.Code, refused.Body)
		require.Contains(t, refused.Body.String(), `"field":"`+c.Field+`"`)
	}
}

func tracesReachTheTopic(t *testing.T, s Service) {
	r := newRig(t, s)
	r.run()
	r.do("POST", s.Collections[0].Path, s.Collections[0].item(1),
		"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate", "a=b")
	e := r.events(1)[0]
	require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", e.Trace.Parent)
	require.Equal(t, "a=b", e.Trace.State)
}

func kafkaMayBeAway(t *testing.T, s Service) {
	r := newRig(t, s)
	r.run()
	c := s.Collections[0]
	r.do("POST", c.Path, c.item(1))
	r.events(1)
	r.kafka.Close()
	const changes = 50
	for i := range changes {
		changed := r.do("PATCH", c.Path+"/1", fmt.Sprintf(`{"note": "n%d"}`, i))
		require.Equal(t, http.StatusOK, changed.Code, changed.Body)
	}
	require.NoError(t, r.kafka.Restart())
	for i, e := range r.events(changes + 1) {
		require.Equal(t, int64(i+1), *e.Items[0].Version, "all of them, in order")
	}
}
