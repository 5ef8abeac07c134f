package demo_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/seal"
	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	"github.com/staffetta/staffetta/pkg/upstream"
	"github.com/staffetta/staffetta/services/api"
	"github.com/staffetta/staffetta/services/contacts"
	"github.com/staffetta/staffetta/services/demo"
	"github.com/staffetta/staffetta/services/invoices"
	"github.com/staffetta/staffetta/services/receipts"
	"github.com/staffetta/staffetta/services/stock"
)

const (
	adminKey = "an-admin-key-of-thirty-two-chars-"
	// wait bounds everything that must happen.
	wait = 30 * time.Second
)

// noKafka stands in for what the demo never asks the API for.
type noKafka struct{}

func (noKafka) Publish(context.Context, []api.EncodedEvent) error      { return nil }
func (noKafka) Rerun(context.Context, hook.Delivery, int64) error      { return hook.ErrNotFound }
func (noKafka) Try(context.Context, *hook.Webhook, []hook.Event) error { return nil }
func (noKafka) Payload(context.Context, hook.Delivery) (hook.Event, error) {
	return hook.Event{}, hook.ErrNotFound
}

func (noKafka) Record(context.Context, hook.Quarantined) (hook.Record, error) {
	return hook.Record{}, hook.ErrNotFound
}
func (noKafka) Redrive(context.Context, hook.Quarantined, hook.Record) error { return hook.ErrNotFound }

// site is the API and the four domain services at one URL. It counts changes.
type site struct {
	url     string
	changed chan string // "POST /contacts 201", without the item's id
	down    atomic.Bool
	asked   chan struct{} // one token once somebody has asked while it was down
}

func newSite(t *testing.T) *site {
	t.Helper()
	db := sqlstoretest.SQLite(t)
	ring, err := seal.ParseKeys(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	require.NoError(t, err)
	cache, err := redisstore.Open("redis://" + miniredis.RunT(t).Addr())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	management, err := api.New(api.Config{
		Store: sqlstore.New(db, nil), Cache: redisstore.NewStore(cache, zap.NewNop()), Seal: ring, Ingest: noKafka{}, Payloads: noKafka{}, Reruns: noKafka{}, Tests: noKafka{},
		Redrives: noKafka{}, Links: apiauth.NewLinks(apiauth.LinkKey{}), AdminKey: adminKey, CheckURL: loopback(t), Log: zap.NewNop(),
	})
	require.NoError(t, err)

	mux := http.NewServeMux()
	mux.Handle("/v1/", management.Handler())
	client, err := bus.Dial(bus.Config{Brokers: []string{"127.0.0.1:1"}}) // the relays do not run
	require.NoError(t, err)
	t.Cleanup(client.Close)
	for _, service := range []struct {
		make    func(upstream.Config) (domain, error)
		migrate func(context.Context, *database.DB) error
	}{
		{made(receipts.New), receipts.Migrate}, {made(invoices.New), invoices.Migrate},
		{made(contacts.New), contacts.Migrate}, {made(stock.New), stock.Migrate},
	} {
		require.NoError(t, service.migrate(t.Context(), db))
		one, err := service.make(upstream.Config{Bus: client, DB: db, Authorizer: management.Auth()})
		require.NoError(t, err)
		for _, collection := range one.Collections() {
			mux.Handle("/"+collection, one.Handler())
			mux.Handle("/"+collection+"/", one.Handler())
		}
	}
	s := &site{changed: make(chan string, 10_000), asked: make(chan struct{}, 1)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			select {
			case s.asked <- struct{}{}:
			default:
			}
			return
		}
		status := &statusWriter{ResponseWriter: w}
		mux.ServeHTTP(status, r)
		if r.Method != http.MethodGet && !strings.HasPrefix(r.URL.Path, "/v1/") {
			path, _, _ := strings.Cut(r.URL.Path[1:], "/")
			s.changed <- r.Method + " /" + path + " " + strconv.Itoa(status.code)
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// domain is a domain service.
type domain interface {
	Handler() http.Handler
	Collections() []string
}

// made is a service's New as that of a domain.
func made[S domain](make func(upstream.Config) (S, error)) func(upstream.Config) (domain, error) {
	return func(cfg upstream.Config) (domain, error) { return make(cfg) }
}

type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// loopback permits what standalone permits.
func loopback(t *testing.T) func(string) error {
	t.Helper()
	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	return egress.Policy{Allow: allow}.CheckURL
}

// start runs a demo and waits until it is ready; stop ends it.
func start(t *testing.T, cfg demo.Config) (access demo.Access, stop func()) {
	t.Helper()
	ready, stop := begin(t, cfg)
	return next(t, ready), stop
}

// next is what comes out of a channel.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(wait):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}

// begin runs a demo.
func begin(t *testing.T, cfg demo.Config) (ready chan demo.Access, stop func()) {
	t.Helper()
	ready = make(chan demo.Access, 1)
	cfg.AdminKey = adminKey
	cfg.Ready = func(a demo.Access) { ready <- a }
	d, err := demo.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return ready, stop
}

// get reads an answer of the API.
func (s *site) get(t *testing.T, key, path string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, http.StatusOK, response.StatusCode, path)
	require.NoError(t, json.NewDecoder(response.Body).Decode(into))
}

func TestEveryKindOfItemIsChangedInTurnAndNothingIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	start(t, demo.Config{URL: s.url, Interval: time.Millisecond})
	const kinds, rounds = 16, 30
	count := make(map[string]int)
	for n := range kinds * rounds {
		change := next(t, s.changed)
		method, rest, _ := strings.Cut(change, " ")
		path, status, _ := strings.Cut(rest, " ")
		require.Contains(t, []string{"200", "201", "204"}, status, change)
		count[method]++
		if n < kinds {
			require.Zero(t, count[path], "%s before each kind had its turn", path)
		}
		count[path]++
	}
	require.Positive(t, count[http.MethodDelete])
	require.Less(t, count[http.MethodDelete], kinds*rounds/5, "few deletions")
	require.Greater(t, count[http.MethodPatch], kinds*rounds/2)
}

func TestTheNumberOfItemsIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	access, stop := start(t, demo.Config{URL: s.url, Interval: time.Millisecond})
	for deleted := 0; deleted < 10; {
		if strings.HasPrefix(next(t, s.changed), http.MethodDelete) {
			deleted++
		}
	}
	stop()
	for _, path := range []string{"/contacts", "/receipts", "/orders", "/equipment"} {
		var page struct{ Items []struct{ ID int64 } }
		s.get(t, access.Key, path+"?limit=500", &page)
		require.LessOrEqual(t, len(page.Items), 20)
		require.NotEmpty(t, page.Items)
	}
}

func TestARestartFindsAccountKeyAndWebhookAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	keyFile := filepath.Join(t.TempDir(), "demo.key")
	first, stop := start(t, demo.Config{URL: s.url, KeyFile: keyFile})
	stop()
	second, _ := start(t, demo.Config{URL: s.url, KeyFile: keyFile})
	require.Equal(t, first.Key, second.Key)
	require.Equal(t, first.Webhook, second.Webhook)

	var webhooks struct {
		Items []struct{ ID, URL, Status string }
	}
	s.get(t, second.Key, "/v1/webhooks", &webhooks)
	require.Len(t, webhooks.Items, 1)
	require.Equal(t, second.Receiver, webhooks.Items[0].URL)
	require.Equal(t, "active", webhooks.Items[0].Status)
}

func TestWithoutAKeyFileAStartReplacesTheKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, stop := start(t, demo.Config{URL: s.url})
	stop()
	second, _ := start(t, demo.Config{URL: s.url})
	require.NotEqual(t, first.Key, second.Key)
	require.Equal(t, first.Webhook, second.Webhook)
	var keys struct{ Items []struct{ Name string } }
	s.get(t, second.Key, "/v1/api-keys", &keys)
	require.Len(t, keys.Items, 1)
}

func TestTheDemoWaitsForServicesThatAreAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.down.Store(true)
	ready, _ := begin(t, demo.Config{URL: s.url, Interval: time.Millisecond})
	next(t, s.asked)
	require.Empty(t, ready)
	s.down.Store(false)
	next(t, ready)
	next(t, s.changed)

	s.down.Store(true)
	for len(s.asked) > 0 {
		<-s.asked
	}
	next(t, s.asked)
	for len(s.changed) > 0 {
		<-s.changed
	}
	s.down.Store(false)
	next(t, s.changed)
}

func TestAnotherReceiverGetsWhatTheDemoDelivers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	secret := signature.NewSecret()
	const receiver = "http://127.0.0.1:9/hooks"
	access, _ := start(t, demo.Config{URL: s.url, DeliverTo: receiver, WebhookSecret: secret, Interval: time.Millisecond})
	next(t, s.changed)
	require.Equal(t, receiver, access.Receiver)
	var webhook struct{ URL string }
	s.get(t, access.Key, "/v1/webhooks/"+access.Webhook, &webhook)
	require.Equal(t, receiver, webhook.URL)
}

func TestTheDemoWorksWhileItsChangesAreAnswered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ready := make(chan demo.Access, 1)
	d, err := demo.New(demo.Config{
		URL: s.url, AdminKey: adminKey, DeliverTo: "http://127.0.0.1:9/", Interval: time.Millisecond,
		Ready: func(a demo.Access) { ready <- a },
	})
	require.NoError(t, err)
	require.ErrorContains(t, d.Working(t.Context()), "not set up")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	next(t, ready)
	next(t, s.changed)
	require.Eventually(t, func() bool { return d.Working(t.Context()) == nil }, wait, time.Millisecond)
	s.down.Store(true)
	require.Eventually(t, func() bool { return d.Working(t.Context()) != nil }, wait, time.Millisecond)
	require.ErrorContains(t, d.Working(t.Context()), "503")
	cancel()
	require.NoError(t, next(t, ended))
}

func TestTheReceiverShowsWhatIsSignedAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	shown := make(chan demo.Delivery, 1)
	d, err := demo.New(demo.Config{URL: s.url, AdminKey: adminKey, Delivered: func(d demo.Delivery) { shown <- d }})
	require.NoError(t, err)
	body := []byte(`{"type": "contact_person.update", "timestamp": "` + time.Now().UTC().Format(time.RFC3339Nano) + `",
		"data": {"id": "e1", "account": "demo", "store": "2", "user": {"id": 4, "itemType": "Crew", "ref": "/crew/4"},
			"items": [{"id": 3, "ref": "/contact-persons/3"}, {"id": 5, "ref": "/contact-persons/5"}]}}`)
	post := func(secret string) int {
		key, err := signature.ParseSecret(secret)
		require.NoError(t, err)
		now := time.Now()
		request := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		request.Header.Set(signature.HeaderID, "dlv_1")
		request.Header.Set(signature.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
		request.Header.Set(signature.HeaderSignature, signature.Standard(key, "dlv_1", now, body))
		w := httptest.NewRecorder()
		d.Receiver().ServeHTTP(w, request)
		return w.Code
	}
	require.Equal(t, http.StatusUnauthorized, post(signature.NewSecret()))
	require.Empty(t, shown)

	require.Equal(t, http.StatusNoContent, post(demo.Secret(adminKey)))
	delivery := <-shown
	require.Equal(t, "dlv_1", delivery.ID)
	require.Regexp(t, `^\d\d:\d\d:\d\d  contact_person.update +/contact-persons/3 \(\+1\) +\d+ ms  by /crew/4  store 2$`, delivery.String())
}

func TestBadConfigurationIsNamed(t *testing.T) {
	t.Parallel()
	_, err := demo.New(demo.Config{Interval: 2 * time.Second})
	require.EqualError(t, err, `URL is required; AdminKey is required; Interval must be positive and at most 1s, not "2s"`)
	_, err = demo.New(demo.Config{URL: "http://127.0.0.1:8080", AdminKey: adminKey, WebhookSecret: "whsec_short"})
	require.EqualError(t, err, `WebhookSecret must be whsec_ and base64 of 24 to 64 bytes, not "***"`)
}
