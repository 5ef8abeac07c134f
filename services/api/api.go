// Package api is the management interface: accounts, API keys, webhooks, the
// log of deliveries, usage and the REST entrance for events, as CONTRACT.md
// writes them. It owns the system of record and publishes it to the cache, from which
// routers and senders work.
package api

//go:generate go test -run TestTheOpenAPIDocumentIsUpToDate -update .

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// Store is the system of record.
type Store interface {
	hook.Accounts
	hook.Keys
	hook.Webhooks
	hook.Log
	hook.Usages
	hook.Streaks
	hook.Notifications
	hook.Replays
	hook.ItemSchemas
	hook.Stores
	hook.Quarantine
	hook.Redrives
	hook.Discards
	hook.Publications
	hook.Members
	hook.Audits
	hook.Answers
}

// Sealer encrypts the secrets of webhooks; context is the webhook's id.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Ingest takes events into Kafka.
type Ingest interface {
	// Publish produces events to the topic events.ingest, in their order, and
	// returns when Kafka has acknowledged all of them. After an error some may
	// have been taken. It may keep their values.
	Publish(ctx context.Context, events []EncodedEvent) error
}

// EncodedEvent is an event that was checked, in the form that upstream
// services produce.
type EncodedEvent struct {
	ID, Account, ItemType string
	// Value is the JSON form, of at most codec.MaxBytes.
	Value []byte
}

// Payloads reads what was delivered.
type Payloads interface {
	// Payload returns the event of a delivery, with the one item that it is about in
	// formats of one delivery per item. hook.ErrNotFound if Kafka no longer has it.
	Payload(ctx context.Context, d hook.Delivery) (hook.Event, error)
}

// Reruns hands deliveries to their senders again.
type Reruns interface {
	// Rerun writes a delivery in a new run, and returns when Kafka has acknowledged.
	// hook.ErrNotFound if Kafka no longer has its payload.
	Rerun(ctx context.Context, d hook.Delivery, run int64) error
}

// Tests lets senders try webhooks out.
type Tests interface {
	// Try hands made-up events to the sender of a webhook, each to be posted once, and
	// returns when Kafka has acknowledged.
	Try(ctx context.Context, w *hook.Webhook, events []hook.Event) error
}

// Redrives reads what is in quarantine, and sends it again.
type Redrives interface {
	// Record reads a quarantined record as it came. hook.ErrNotFound if Kafka no longer
	// has it.
	Record(ctx context.Context, q hook.Quarantined) (hook.Record, error)
	// Redrive sends a record to where a quarantined one was read, and returns when Kafka
	// has acknowledged. hook.ErrNotFound if it cannot: its topic or partition is no
	// longer there, or what is missing of it.
	Redrive(ctx context.Context, q hook.Quarantined, r hook.Record) error
}

// Circuits knows the senders' breakers.
type Circuits interface {
	// Circuits returns "closed", "open" or "half_open" for each webhook.
	Circuits(ctx context.Context, webhooks []string) ([]string, error)
}

// Topics knows what Kafka keeps.
type Topics interface {
	// Kept is how long a record may stay in each topic after it was written; below 0:
	// for ever.
	Kept(ctx context.Context) (map[string]time.Duration, error)
}

// FilterErrors knows what went wrong with webhooks' filters.
type FilterErrors interface {
	// FilterErrors returns an entry for each webhook; its Count is 0 if nothing did.
	FilterErrors(ctx context.Context, webhooks []string) ([]hook.FilterError, error)
	// Forget drops what is known of a webhook.
	Forget(ctx context.Context, webhook string) error
}

// Config of a Service. Fields without a default are required.
type Config struct {
	Store    Store
	Cache    Cache
	Seal     Sealer
	Ingest   Ingest
	Payloads Payloads
	Reruns   Reruns
	Tests    Tests
	Redrives Redrives
	// Circuits; nil: they are not shown.
	Circuits Circuits
	// Filters; nil: what goes wrong with filters is not shown.
	Filters FilterErrors
	// Topics; nil: what remains of a deleted account in Kafka is not shown.
	Topics Topics
	// Streak is the rule of accounts that have none of their own; nil:
	// hook.DefaultStreakRule.
	Streak *hook.StreakRule
	// AdminKey is the operator's key; empty: nobody is admin.
	AdminKey string
	// TrustedProxies are the networks of the proxies whose X-Forwarded-For tells who
	// the client is; none: the peer is.
	TrustedProxies []netip.Prefix
	// Links makes and verifies portal links. Required to have a key.
	Links apiauth.Links
	// PublicURL is what portal links begin with, without a slash at the end; empty:
	// they are paths.
	PublicURL string
	// UserAgent is how requests of the senders name themselves, for previews; empty:
	// "Staffetta".
	UserAgent string
	// CheckURL refuses URLs that deliveries may not reach: its error is the
	// rule that is broken, such as "must be an https URL".
	CheckURL func(url string) error
	Log      *zap.Logger
	// Metrics is where the service registers its own; nil: nowhere.
	Metrics prometheus.Registerer
	// Tracing makes the spans; nil: none.
	Tracing trace.TracerProvider
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// PollInterval is how often the cache is compared with the store, and how
	// late a change of another member is published at most; 0: 1 s.
	PollInterval time.Duration
}

// Service serves the API and publishes snapshots.
type Service struct {
	cfg       Config
	auth      *apiauth.Verifier
	uses      *apiauth.Uses
	api       huma.API
	handler   http.Handler
	publisher *publisher
	log       *zap.Logger
	now       func() time.Time
	// largeBodies has an entry for each large body of events in memory.
	largeBodies chan struct{}
}

// New makes a service; it does no I/O. The error says what is missing in cfg.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Cache == nil || cfg.Seal == nil || cfg.Ingest == nil ||
		cfg.Payloads == nil || cfg.Reruns == nil || cfg.Tests == nil || cfg.Redrives == nil || !cfg.Links.Any() || cfg.CheckURL == nil ||
		cfg.Log == nil {
		return nil, errors.New("api: Store, Cache, Seal, Ingest, Payloads, Reruns, Tests, Redrives, Links, CheckURL and Log are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "Staffetta"
	}
	if cfg.Tracing == nil {
		cfg.Tracing = noop.NewTracerProvider()
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	if cfg.Streak == nil {
		rule := hook.DefaultStreakRule()
		cfg.Streak = &rule
	}
	if cfg.PollInterval <= 0 {
		cfg.PollInterval = time.Second
	}
	uses := apiauth.NewUses(cfg.Store, cfg.Log)
	s := &Service{
		cfg: cfg, log: cfg.Log, uses: uses,
		// As exact as the store keeps it, so that an answer is the same later.
		now: func() time.Time { return cfg.Now().Truncate(time.Microsecond) },
		auth: apiauth.New(apiauth.Config{
			Keys: cfg.Store, Accounts: cfg.Store, AdminKey: cfg.AdminKey, Links: cfg.Links, Uses: uses, Now: cfg.Now,
		}),
		largeBodies: make(chan struct{}, maxLargeBodies),
		publisher:   newPublisher(cfg.Store, cfg.Cache, cfg.PollInterval, cfg.Log),
	}
	requests := telemetry.NewRequests("api", cfg.Tracing.Tracer("github.com/staffetta/staffetta/services/api"))
	for _, c := range []prometheus.Collector{requests, s.publisher.stale} {
		if err := cfg.Metrics.Register(c); err != nil {
			return nil, err
		}
	}
	s.handler = requests.Around(s.routes())
	return s, nil
}

// Handler serves /v1/ and /openapi.json.
func (s *Service) Handler() http.Handler { return s.handler }

// Auth verifies keys; the other REST interfaces of the process may share it.
func (s *Service) Auth() *apiauth.Verifier { return s.auth }

// Run publishes snapshots to the cache, forgets old answers, and notes which keys are
// used, until ctx ends. It returns nil then: what is not published yet is so by the next
// member that runs.
func (s *Service) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { s.forgetAnswers(ctx) })
	beside.Go(func() { s.uses.Run(ctx) })
	defer beside.Wait()
	return s.publisher.run(ctx)
}

// CacheCurrent is a health check: it says why the cache does not hold what the
// store holds, and nil if it does.
func (s *Service) CacheCurrent(context.Context) error { return s.publisher.state() }
