package assembly

import (
	"context"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quota"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/api"
	"github.com/staffetta/staffetta/services/recorder"
	"github.com/staffetta/staffetta/services/recorder/mailer"
	"github.com/staffetta/staffetta/services/router"
	"github.com/staffetta/staffetta/services/sender"
)

// flushTimeout bounds the last writes of a producer at the end.
const flushTimeout = 5 * time.Second

// API builds the management API, with the portal.
func (p *Parts) API(ctx context.Context) (Component, error) {
	if err := p.lookAtTopics(ctx); err != nil {
		return Component{}, err
	}
	if err := p.checkSchema(ctx); err != nil {
		return Component{}, err
	}
	producer := p.Bus.NewProducer(bus.ProducerConfig{Log: p.Log.Named("api")})
	service, err := api.New(api.Config{
		Store:    sqlstore.New(p.DB, time.Now),
		Cache:    redisstore.NewStore(p.Redis, p.Log.Named("api")),
		Seal:     p.Keys,
		Ingest:   ingest{producer: producer, sending: telemetry.NewSend(p.Tracing.Tracer("api"), eventsIngest)},
		Payloads: payloads{bus: p.Bus},
		Reruns:   reruns{bus: p.Bus, producer: producer},
		Tests:    tests{bus: p.Bus, producer: producer},
		Redrives: redrives{bus: p.Bus, producer: producer},
		Circuits: redisstore.NewCircuits(p.Redis),
		Filters:  redisstore.NewFilterErrors(p.Redis),
		Topics:   topics{bus: p.Bus, events: p.Config.EventTopics},
		Streak:   &p.Config.Streak,
		AdminKey: p.Config.AdminKey, TrustedProxies: p.Config.TrustedProxies,
		Links: p.Links, PublicURL: p.Config.PublicURL,
		CheckURL: p.egress().CheckURL, UserAgent: "Staffetta/" + p.Version,
		Log:     p.Log.Named("api"),
		Metrics: p.Metrics,
		Tracing: p.Tracing,
	})
	if err != nil {
		return Component{}, err
	}
	front, err := p.portal(service.Handler())
	if err != nil {
		return Component{}, err
	}
	p.Health.Report("snapshot", service.CacheCurrent)
	return Component{
		Name: "api",
		Run:  beside(service.Run, front.Run),
		Close: func() {
			flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			p.warn("producer", producer.Close(flush))
		},
		Handler: withPortal(front.Handler(), service.Handler()),
		Paths:   []string{""},
	}, nil
}

// Router builds the router.
func (p *Parts) Router(ctx context.Context) (Component, error) {
	partitions, err := p.checkTopics(ctx)
	if err != nil {
		return Component{}, err
	}
	log := p.Log.Named("router")
	mirror := redisstore.NewMirror(p.Redis, log, router.NewIndex)
	service := router.New(router.Config{
		Bus: p.Bus, Topics: p.routed(), Partitions: partitions, Snapshot: mirror,
		Filters: redisstore.NewFilterErrors(p.Redis),
		Tracer:  p.Tracing.Tracer("router"), Log: log, Metrics: p.Metrics,
	})
	p.Health.Require("router", service.Ready)
	return Component{Name: "router", Run: beside(service.Run, mirror.Run)}, nil
}

// Sender builds the sender.
func (p *Parts) Sender(ctx context.Context) (Component, error) {
	partitions, err := p.checkTopics(ctx)
	if err != nil {
		return Component{}, err
	}
	log := p.Log.Named("sender")
	mirror := redisstore.NewMirror(p.Redis, log, func(s hook.AccountState) *sender.Account {
		return sender.NewAccount(s, p.Keys)
	})
	var service *sender.Service
	ledger := quota.New(redisstore.NewCounters(p.Redis), func() float64 { return service.Share() }, time.Now, func(err error) {
		if err != nil {
			log.Warn("quotas are not counted in redis just now; each sender allows its share", zap.Error(err))
		} else {
			log.Info("quotas are counted in redis again")
		}
	})
	client := egress.NewClient(p.egress())
	service = sender.New(sender.Config{
		Bus: p.Bus, Snapshot: mirror, Client: client, Quotas: ledger,
		Circuits: circuits{redisstore.NewCircuits(p.Redis)},
		MaxOpen:  p.Config.BreakerMaxOpen, Partitions: partitions, HungAfter: sender.DefaultHungAfter,
		UserAgent: "Staffetta/" + p.Version,
		Tracer:    p.Tracing.Tracer("sender"), Log: log, Metrics: p.Metrics,
	})
	mirror.OnKept(service.Kept)
	p.Health.Require("sender", service.Ready)
	return Component{Name: "sender", Run: beside(service.Run, mirror.Run, leases(ledger)), Close: client.Close}, nil
}

// leases returns what the ledger leased and nobody needs.
func leases(l *quota.Ledger) func(context.Context) error {
	return func(ctx context.Context) error {
		l.Run(ctx)
		return nil
	}
}

// Recorder builds the recorder.
func (p *Parts) Recorder(ctx context.Context) (Component, error) {
	partitions, err := p.checkTopics(ctx)
	if err != nil {
		return Component{}, err
	}
	if err := p.checkSchema(ctx); err != nil {
		return Component{}, err
	}
	store := sqlstore.New(p.DB, time.Now).WithStreakRule(p.Config.Streak)
	var mailing []func(context.Context) error
	if p.Config.Mail != nil {
		store = store.WithMails()
		mailer, err := p.mailer(store)
		if err != nil {
			return Component{}, err
		}
		mailing = append(mailing, mailer.Run)
	}
	service, err := recorder.New(recorder.Config{
		Bus: p.Bus, Store: store,
		EventTopics: p.eventTopics(), Partitions: partitions, Retention: p.Config.LogRetention,
		Payloads: p.Config.PayloadRetention, Quarantine: p.Config.QuarantineRetention,
		Log: p.Log.Named("recorder"), Metrics: p.Metrics,
	})
	if err != nil {
		return Component{}, err
	}
	p.Health.Require("recorder", service.Ready)
	return Component{Name: "recorder", Run: beside(service.Run, mailing...)}, nil
}

// mailer mails what the recorder writes of notifications.
func (p *Parts) mailer(letters hook.Mails) (*mailer.Mailer, error) {
	m := p.Config.Mail
	return mailer.New(mailer.Config{
		Store:  letters,
		Server: mailer.Server{Host: m.Host, Port: m.Port, TLS: mailer.TLS(m.TLS), Username: m.Username, Password: m.Password},
		From:   m.From, PublicURL: p.Config.PublicURL,
		Log: p.Log.Named("mailer"), Metrics: p.Metrics,
	})
}

func (p *Parts) egress() egress.Policy {
	return egress.Policy{Allow: p.Config.EgressAllow, AllowHTTP: p.Config.AllowHTTP, Proxy: p.Config.EgressProxy}
}

// beside runs a service beside what it needs; those end after the service, which
// needs them for what is under way.
func beside(service func(context.Context) error, needed ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		serving, stop := context.WithCancel(context.WithoutCancel(ctx))
		var group errgroup.Group
		for _, run := range needed {
			group.Go(func() error { return run(serving) })
		}
		group.Go(func() error {
			defer stop()
			return service(ctx)
		})
		return group.Wait()
	}
}
