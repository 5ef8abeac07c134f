// Package upstream is what the four domain services have in common: a service
// of package entity, its relay to Kafka, and the answer to where its tables and
// its topic are. A domain service is this with its entity.Domain.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/publish"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// closeSpan bounds the flush of the producer at the end of Run: the relay has
// waited for it already, and what did not get out stays in the outbox.
const closeSpan = time.Second

// Config sets up a domain service.
type Config struct {
	// Bus and DB are the caller's to close, after Run has returned.
	Bus *bus.Client
	DB  *database.DB
	// Authorizer of the requests: an *apiauth.Verifier.
	Authorizer entity.Authorizer
	// Log; nil: nothing is logged.
	Log *zap.Logger
	// Tracer of the spans of requests, and of events that are sent; nil: none.
	Tracer trace.Tracer
	// Metrics is where the service registers its own, and those of the outbox while Run
	// runs; nil: nowhere.
	Metrics prometheus.Registerer
}

// Service is one domain service.
type Service struct {
	domain entity.Domain
	cfg    Config
	kit    *entity.Service
}

// New makes the service of a domain: its tables begin with the domain's prefix, its
// name, and its events go to the topic events.<name>. It does no I/O.
func New(domain entity.Domain, cfg Config) (*Service, error) {
	name := domain.Prefix
	if cfg.Bus == nil {
		return nil, fmt.Errorf("%s: Bus is required", name)
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider().Tracer("")
	}
	kit, err := entity.New(entity.Config{
		Domain:     domain,
		Topic:      bus.EventsPrefix + name,
		DB:         cfg.DB,
		Authorizer: cfg.Authorizer,
		Log:        cfg.Log,
		Tracer:     cfg.Tracer,
		Metrics:    cfg.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Service{domain: domain, cfg: cfg, kit: kit}, nil
}

// Handler answers the service's collections; it works without Run, but then
// the events stay in the outbox.
func (s *Service) Handler() http.Handler { return s.kit.Handler() }

// Collections are the first path segments that Handler answers.
func (s *Service) Collections() []string { return s.kit.Collections() }

// Run relays events until ctx ends, and then returns nil. It returns at once,
// with entity.ErrUnmigrated, if the tables are not there. Kafka may be away:
// requests are answered all the same, and their events wait.
func (s *Service) Run(ctx context.Context) error {
	if err := s.domain.CheckMigrated(ctx, s.cfg.DB); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	kafka := publish.NewPublisher(s.cfg.Bus, bus.ProducerConfig{Log: s.cfg.Log})
	relay, err := publish.NewRelay(publish.RelayConfig{
		DB:       s.cfg.DB,
		Outbox:   s.kit.Outbox(),
		Producer: tracing{kafka, telemetry.NewSend(s.cfg.Tracer, bus.EventsPrefix+s.domain.Prefix)},
		Log:      s.cfg.Log,
		Metrics:  s.cfg.Metrics,
	})
	if err == nil {
		err = relay.Run(ctx)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeSpan)
	defer cancel()
	if closeErr := kafka.Close(closing); closeErr != nil && !errors.Is(closeErr, context.DeadlineExceeded) {
		err = errors.Join(err, fmt.Errorf("%s: close producer: %w", s.domain.Prefix, closeErr))
	}
	return err
}
