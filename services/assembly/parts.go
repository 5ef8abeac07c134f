// Package assembly builds the services from the configuration and runs them:
// one in a process, or all together in standalone.
package assembly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/seal"
	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/config"
	"github.com/staffetta/staffetta/services/portal/trial"
)

// closeTimeout bounds the flush of what telemetry still holds.
const closeTimeout = 5 * time.Second

// Parts are what services are made of. Those that the configuration does not
// name are nil.
type Parts struct {
	Config  config.Config
	Version string
	Log     *zap.Logger
	Tracing *sdktrace.TracerProvider
	Metrics *prometheus.Registry
	Health  *telemetry.Health
	Bus     *bus.Client
	Redis   *redisstore.Client
	DB      *database.DB
	Keys    seal.Keyring
	// Links has keys where Keys has some.
	Links apiauth.Links
	// Trial is a receiver that the portal offers to try webhooks out with; nil: none.
	// It is to be set before the services are built.
	Trial *trial.Receiver
}

// Open makes the parts for a service, in the order in which they depend on each
// other. A database that does not answer yet is waited for until ctx ends: services
// may be started in any order. Close what it returns.
func Open(ctx context.Context, service string, cfg config.Config, version string, log *zap.Logger) (p *Parts, err error) {
	p = &Parts{Config: cfg, Version: version, Log: log, Metrics: telemetry.NewRegistry(), Health: &telemetry.Health{}}
	p.Metrics.MustRegister(p.Health)
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	p.Tracing, err = telemetry.NewTracing(ctx, telemetry.TraceConfig{Service: service, Version: version, Export: cfg.ExportTraces})
	if err != nil {
		return p, err
	}
	if cfg.EncryptionKeys != "" {
		if p.Keys, err = seal.ParseKeys(cfg.EncryptionKeys); err != nil {
			return p, fmt.Errorf("%s: %w", config.EncryptionKey, err)
		}
		if p.Links, err = links(p.Keys); err != nil {
			return p, err
		}
	}
	if cfg.DatabaseURL != "" {
		err := await(ctx, log, "database", func() (err error) {
			p.DB, err = database.Open(ctx, cfg.DatabaseURL)
			return err
		})
		if errors.Is(err, database.ErrURL) {
			return p, hook.Invalid{{Field: config.DatabaseURL, Value: "***", Rule: "must be a URL that PostgreSQL or SQLite understands"}}
		}
		if err != nil {
			return p, err
		}
		p.Health.Require("database", p.DB.PingContext)
	}
	if cfg.RedisURL != "" {
		if p.Redis, err = redisstore.OpenTLS(cfg.RedisURL, cfg.RedisTLS); err != nil {
			return p, hook.Invalid{{Field: config.RedisURL, Value: "***", Rule: err.Error()}}
		}
		// A cache: what is known goes on without it.
		p.Health.Report("redis", p.Redis.Ping)
	}
	if len(cfg.Kafka.Brokers) > 0 {
		if p.Bus, err = dial(cfg.Kafka, service, log); err != nil {
			return p, err
		}
		if slices.Contains([]string{"api", "receipts", "invoices", "contacts", "stock"}, service) {
			// They answer without it, and what they have to say waits.
			p.Health.Report("kafka", p.Bus.Ping)
		} else {
			p.Health.Require("kafka", p.Bus.Ping)
		}
	}
	return p, nil
}

func dial(cfg config.Kafka, service string, log *zap.Logger) (*bus.Client, error) {
	login, err := sasl(cfg.SASL)
	if err != nil {
		return nil, err
	}
	return bus.Dial(bus.Config{
		Brokers: cfg.Brokers, ClientID: "staffetta-" + service, TLS: cfg.TLS, SASL: login,
		SessionTimeout: cfg.SessionTimeout, Log: log.Named("kafka"),
	})
}

func sasl(cfg *config.SASL) (bus.SASL, error) {
	if cfg == nil {
		return nil, nil //nolint:nilnil // no login is what was asked for
	}
	switch cfg.Mechanism {
	case "SCRAM-SHA-256":
		return bus.ScramSHA256(cfg.Username, cfg.Password)
	case "SCRAM-SHA-512":
		return bus.ScramSHA512(cfg.Username, cfg.Password)
	default:
		return bus.Plain(cfg.Username, cfg.Password), nil
	}
}

// await tries until it works or ctx ends, and says once that it waits.
func await(ctx context.Context, log *zap.Logger, what string, try func() error) error {
	const pause = time.Second
	for waited := false; ; waited = true {
		err := try()
		if err == nil || errors.Is(err, database.ErrURL) {
			return err
		}
		if !waited {
			log.Warn("waiting for "+what, zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(context.Cause(ctx), err))
		case <-time.After(pause):
		}
	}
}

// Close ends the parts, the last one first.
func (p *Parts) Close() {
	if p.Bus != nil {
		p.Bus.Close()
	}
	if p.Redis != nil {
		p.warn("redis", p.Redis.Close())
	}
	if p.DB != nil {
		p.warn("database", p.DB.Close())
	}
	if p.Tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		p.warn("traces", p.Tracing.Shutdown(ctx))
	}
}

func (p *Parts) warn(what string, err error) {
	if err != nil {
		p.Log.Warn("not closed cleanly", zap.String("part", what), zap.Error(err))
	}
}
