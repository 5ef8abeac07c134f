// Package config reads the settings of a service from the environment. It is
// the only package that does; the names are those of CONTRACT.md.
package config

import (
	"cmp"
	"crypto/tls"
	"net/netip"
	"net/url"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Names of the environment. The ones that hold a secret are never shown.
const (
	KafkaBrokers  = "STAFFETTA_KAFKA_BROKERS"
	KafkaTLS      = "STAFFETTA_KAFKA_TLS"
	KafkaTLSCA    = "STAFFETTA_KAFKA_TLS_CA_FILE"
	KafkaTLSCert  = "STAFFETTA_KAFKA_TLS_CERT_FILE"
	KafkaTLSKey   = "STAFFETTA_KAFKA_TLS_KEY_FILE"
	KafkaSASL     = "STAFFETTA_KAFKA_SASL_MECHANISM"
	KafkaUser     = "STAFFETTA_KAFKA_SASL_USERNAME"
	KafkaPassword = "STAFFETTA_KAFKA_SASL_PASSWORD" // secret
	RedisURL      = "STAFFETTA_REDIS_URL"           // secret
	RedisTLSCA    = "STAFFETTA_REDIS_TLS_CA_FILE"
	RedisTLSCert  = "STAFFETTA_REDIS_TLS_CERT_FILE"
	RedisTLSKey   = "STAFFETTA_REDIS_TLS_KEY_FILE"
	DatabaseURL   = "STAFFETTA_DATABASE_URL" // secret
	Listen        = "STAFFETTA_LISTEN"
	PublicURL     = "STAFFETTA_PUBLIC_URL"
	AdminKey      = "STAFFETTA_ADMIN_KEY" // secret
	Proxies       = "STAFFETTA_TRUSTED_PROXIES"
	EncryptionKey = "STAFFETTA_ENCRYPTION_KEY" // secret
	EgressAllow   = "STAFFETTA_EGRESS_ALLOW"
	AllowHTTP     = "STAFFETTA_ALLOW_HTTP"
	EgressProxy   = "STAFFETTA_EGRESS_PROXY" // secret
	EventTopics   = "STAFFETTA_EVENT_TOPICS"
	BreakerMax    = "STAFFETTA_BREAKER_MAX_OPEN"
	StreakNotify  = "STAFFETTA_STREAK_NOTIFY"
	StreakDisable = "STAFFETTA_STREAK_DISABLE"
	LogRetention  = "STAFFETTA_LOG_RETENTION"
	PayloadKeep   = "STAFFETTA_PAYLOAD_RETENTION"
	BadInputKeep  = "STAFFETTA_QUARANTINE_RETENTION"
	LogLevel      = "STAFFETTA_LOG_LEVEL"
	SMTPURL       = "STAFFETTA_SMTP_URL" // secret
	MailFrom      = "STAFFETTA_MAIL_FROM"

	OIDCIssuer       = "STAFFETTA_OIDC_ISSUER"
	OIDCClientID     = "STAFFETTA_OIDC_CLIENT_ID"
	OIDCClientSecret = "STAFFETTA_OIDC_CLIENT_SECRET" // secret
	FrameAncestors   = "STAFFETTA_FRAME_ANCESTORS"
	TraceURL         = "STAFFETTA_TRACE_URL"

	WebhookSecret = "STAFFETTA_WEBHOOK_SECRET" // secret
)

// Config is what the environment and the flags say, checked.
type Config struct {
	Kafka Kafka
	// RedisURL is redis://… or rediss://…; empty in standalone: embedded.
	RedisURL string
	// RedisTLS has the authorities to trust and the client certificate for a rediss:// URL;
	// nil: the system's and none.
	RedisTLS *tls.Config
	// DatabaseURL is postgres://… or sqlite:PATH; empty in standalone: a file
	// in the data folder.
	DatabaseURL string
	// Listen is the address of REST, health and metrics: ":8080" by default,
	// in standalone "127.0.0.1:8080".
	Listen string
	// PublicURL is the base of links to this installation, without a slash at
	// the end; empty: unknown.
	PublicURL string
	// OIDC is the provider at which members sign in to the portal; nil: there is none.
	OIDC *OIDC
	// FrameAncestors are the origins whose pages may embed the portal.
	FrameAncestors []string
	// TraceURL is where people look at a trace, with {traceId} in it; empty: nowhere.
	TraceURL string
	// WebhookSecret is what listen verifies with, and demo gives its webhook; empty: none.
	WebhookSecret string
	// AdminKey has 32 characters or more; empty: there is none.
	AdminKey string
	// TrustedProxies are the networks of the proxies before the API whose
	// X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// EncryptionKeys is base64 of 32 bytes, several comma separated: the first
	// encrypts, all decrypt. Empty only where it is not needed.
	EncryptionKeys string
	// EgressAllow are the private networks that senders may reach.
	EgressAllow []netip.Prefix
	// AllowHTTP permits http: to public addresses.
	AllowHTTP bool
	// EgressProxy makes the connections of deliveries, with its user and password; nil:
	// they are made directly.
	EgressProxy *url.URL
	// EventTopics are read beside those of the domain services.
	EventTopics []string
	// BreakerMaxOpen is the longest time that a breaker stays open: 2 minutes by
	// default.
	BreakerMaxOpen time.Duration
	// Streak says what follows from failures in a row, for accounts that have no rule
	// of their own.
	Streak hook.StreakRule
	// LogRetention is how long the delivery log keeps what was published: 90 days by
	// default, 15 at least, and a day longer than PayloadRetention.
	LogRetention time.Duration
	// Mail is how notifications are mailed; nil: they are not.
	Mail *Mail
	// PayloadRetention is how long Kafka keeps events, deliveries and attempts: 14 days
	// by default, 8 at least.
	PayloadRetention time.Duration
	// QuarantineRetention is how long bad input is kept, in Kafka and in SQL: 14 days by
	// default, one at least.
	QuarantineRetention time.Duration
	// LogLevel is debug, info, warn or error; info by default, in standalone
	// warn.
	LogLevel string
	// ExportTraces is whether an OTLP endpoint is set (OTEL_EXPORTER_OTLP_…,
	// which the exporter reads itself).
	ExportTraces bool
}

// Kafka is how to reach it.
type Kafka struct {
	// Brokers are host:port; empty in standalone: embedded.
	Brokers []string
	// TLS is nil for a connection without.
	TLS *tls.Config
	// SASL is nil for no login.
	SASL *SASL
	// SessionTimeout is how long a member that was killed is waited for; 0: the
	// default of package bus. No setting: standalone's own broker takes less.
	SessionTimeout time.Duration
}

// SASL is a login at Kafka.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
	Mechanism string
	Username  string
	Password  string
}

// needs is what a service cannot do without.
var needs = map[string][]string{
	"standalone": nil,
	"api":        {KafkaBrokers, RedisURL, DatabaseURL, AdminKey, EncryptionKey},
	"router":     {KafkaBrokers, RedisURL},
	"sender":     {KafkaBrokers, RedisURL, EncryptionKey},
	"recorder":   {KafkaBrokers, DatabaseURL},
	"receipts":   {KafkaBrokers, DatabaseURL},
	"invoices":   {KafkaBrokers, DatabaseURL},
	"contacts":   {KafkaBrokers, DatabaseURL},
	"stock":      {KafkaBrokers, DatabaseURL},
	"migrate":    {DatabaseURL},
	"topics":     {KafkaBrokers},
	"rekey":      {DatabaseURL, EncryptionKey},
	"demo":       {AdminKey},
}

// Load reads the settings for a service, which is the name of its subcommand;
// one that is not known needs nothing. lookup is os.LookupEnv or alike;
// overrides are the flags that were given, by the name of what they override.
// The error is a hook.Invalid that lists every fault, without secrets.
func Load(service string, lookup func(string) (string, bool), overrides map[string]string) (Config, error) {
	r := &reader{lookup: lookup, overrides: overrides}
	cfg := Config{
		Kafka:          readKafka(r),
		RedisURL:       readRedisURL(r),
		RedisTLS:       readRedisTLS(r),
		DatabaseURL:    readDatabaseURL(r),
		Listen:         readListen(r, defaultListen(service)),
		PublicURL:      readPublicURL(r),
		OIDC:           readOIDC(r),
		FrameAncestors: readFrameAncestors(r),
		TraceURL:       readTraceURL(r),
		WebhookSecret:  r.text(WebhookSecret),
		AdminKey:       readAdminKey(r),
		EncryptionKeys: readEncryptionKeys(r),
		EgressAllow:    readNetworks(r, EgressAllow, defaultNetworks(service)),
		TrustedProxies: readNetworks(r, Proxies, nil),
		AllowHTTP:      r.boolean(AllowHTTP),
		EgressProxy:    readProxy(r),
		EventTopics:    readTopics(r),
		BreakerMaxOpen: r.duration(BreakerMax, 2*time.Minute),
		Streak:         readStreak(r),
		LogRetention:   r.days(LogRetention, hook.DefaultLogRetention, hook.MinLogRetention),
		Mail:           readMail(r),
		LogLevel:       readLogLevel(r, defaultLogLevel(service)),
		ExportTraces:   r.text("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || r.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "",
	}
	cfg.PayloadRetention = r.days(PayloadKeep, bus.PayloadRetention, bus.MinPayloadRetention)
	cfg.QuarantineRetention = r.days(BadInputKeep, bus.QuarantineRetention, bus.MinQuarantineRetention)
	if cfg.LogRetention < cfg.PayloadRetention+24*time.Hour {
		// A delivery that is held, or is replayed, has its row in the log.
		r.faults.Add(LogRetention, cmp.Or(r.text(LogRetention), "90d, the default"),
			"must be at least a day longer than "+PayloadKeep+", which is "+inDays(cfg.PayloadRetention))
	}
	for _, name := range needs[service] {
		if len(r.list(name)) == 0 {
			r.faults.Add(name, "", "is required by "+service)
		}
	}
	if err := r.faults.Err(); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// reader looks names up and collects faults.
type reader struct {
	lookup    func(string) (string, bool)
	overrides map[string]string
	faults    hook.Invalid
}
