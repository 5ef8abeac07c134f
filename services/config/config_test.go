package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/config"
)

type vars map[string]string

func (v vars) lookup(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

const (
	adminKey      = "0123456789abcdef0123456789abcdef"
	encryptionKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func complete() vars {
	return vars{
		"STAFFETTA_KAFKA_BROKERS":  "k1:9092, k2:9092",
		"STAFFETTA_REDIS_URL":      "redis://:hidden@cache:6379/0",
		"STAFFETTA_DATABASE_URL":   "postgres://staffetta:hidden@db/staffetta",
		"STAFFETTA_ADMIN_KEY":      adminKey,
		"STAFFETTA_ENCRYPTION_KEY": encryptionKey,
	}
}

func TestEverySettingIsRead(t *testing.T) {
	t.Parallel()
	env := complete()
	env["STAFFETTA_LISTEN"] = "0.0.0.0:9000"
	env["STAFFETTA_PUBLIC_URL"] = "https://hooks.example.com/"
	env["STAFFETTA_OIDC_ISSUER"] = "https://id.example.com/realms/main"
	env["STAFFETTA_OIDC_CLIENT_ID"] = "staffetta"
	env["STAFFETTA_OIDC_CLIENT_SECRET"] = "hidden"
	env["STAFFETTA_FRAME_ANCESTORS"] = "https://app.example.com, https://*.example.org:8443"
	env["STAFFETTA_TRACE_URL"] = "https://grafana.example.com/explore?traceId={traceId}"
	env["STAFFETTA_WEBHOOK_SECRET"] = "whsec_hidden"
	env["STAFFETTA_EGRESS_ALLOW"] = "10.1.2.3/8,fd00::/8"
	env["STAFFETTA_TRUSTED_PROXIES"] = "192.168.7.9/24"
	env["STAFFETTA_ALLOW_HTTP"] = "true"
	env["STAFFETTA_EGRESS_PROXY"] = "http://staffetta:hidden@proxy:3128"
	env["STAFFETTA_EVENT_TOPICS"] = "crm.changes"
	env["STAFFETTA_BREAKER_MAX_OPEN"] = "90s"
	env["STAFFETTA_STREAK_NOTIFY"] = "5, 15"
	env["STAFFETTA_STREAK_DISABLE"] = "off"
	env["STAFFETTA_LOG_RETENTION"] = "30d"
	env["STAFFETTA_SMTP_URL"] = "smtp://staffetta:hid%40den@mail.example.com"
	env["STAFFETTA_MAIL_FROM"] = "Staffetta <hooks@example.com>"
	env["STAFFETTA_PAYLOAD_RETENTION"] = "696h"
	env["STAFFETTA_QUARANTINE_RETENTION"] = "60d"
	env["STAFFETTA_LOG_LEVEL"] = "DEBUG"
	env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://collector:4318"
	env["STAFFETTA_KAFKA_SASL_MECHANISM"] = "SCRAM-SHA-512"
	env["STAFFETTA_KAFKA_SASL_USERNAME"] = "staffetta"
	env["STAFFETTA_KAFKA_SASL_PASSWORD"] = "hidden"

	cfg, err := config.Load("api", env.lookup, nil)
	require.NoError(t, err)
	require.Equal(t, config.Config{
		Kafka: config.Kafka{
			Brokers: []string{"k1:9092", "k2:9092"},
			SASL:    &config.SASL{Mechanism: "SCRAM-SHA-512", Username: "staffetta", Password: "hidden"},
		},
		RedisURL:       "redis://:hidden@cache:6379/0",
		DatabaseURL:    "postgres://staffetta:hidden@db/staffetta",
		Listen:         "0.0.0.0:9000",
		PublicURL:      "https://hooks.example.com",
		OIDC:           &config.OIDC{Issuer: "https://id.example.com/realms/main", ClientID: "staffetta", ClientSecret: "hidden"},
		FrameAncestors: []string{"https://app.example.com", "https://*.example.org:8443"},
		TraceURL:       "https://grafana.example.com/explore?traceId={traceId}",
		WebhookSecret:  "whsec_hidden",
		AdminKey:       adminKey,
		EncryptionKeys: encryptionKey,
		EgressAllow:    []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")},
		AllowHTTP:      true,
		EgressProxy:    &url.URL{Scheme: "http", User: url.UserPassword("staffetta", "hidden"), Host: "proxy:3128"},
		EventTopics:    []string{"crm.changes"},
		BreakerMaxOpen: 90 * time.Second,
		Streak:         hook.StreakRule{Notify: []int{5, 15}},
		LogRetention:   30 * 24 * time.Hour, PayloadRetention: 29 * 24 * time.Hour, QuarantineRetention: 60 * 24 * time.Hour,
		Mail: &config.Mail{
			Host: "mail.example.com", Port: "587", TLS: config.MailTLSRequired, Username: "staffetta", Password: "hid@den",
			From: mail.Address{Name: "Staffetta", Address: "hooks@example.com"},
		},
		LogLevel:     "debug",
		ExportTraces: true,
	}, cfg)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load("api", complete().lookup, nil)
	require.NoError(t, err)
	require.Equal(t, ":8080", cfg.Listen)
	require.Empty(t, cfg.EgressAllow)
	require.Nil(t, cfg.EgressProxy)
	require.Equal(t, "info", cfg.LogLevel)
	require.Equal(t, 90*24*time.Hour, cfg.LogRetention)
	require.Equal(t, 14*24*time.Hour, cfg.PayloadRetention)
	require.Equal(t, 14*24*time.Hour, cfg.QuarantineRetention)
	require.False(t, cfg.ExportTraces)
}

func TestStandaloneNeedsNothing(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load("standalone", vars{}.lookup, nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", cfg.Listen)
	require.Equal(t, "warn", cfg.LogLevel)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, cfg.EgressAllow)
}

func TestWhatFollowsFromFailuresInARow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		notify, disable string
		want            hook.StreakRule
	}{
		{"", "", hook.StreakRule{Notify: []int{10, 20, 30, 40}, Disable: 50}},
		{"", "25", hook.StreakRule{Notify: []int{10, 20}, Disable: 25}},
		{"", "0", hook.StreakRule{Notify: []int{10, 20, 30, 40}}},
		{"off", "", hook.StreakRule{Disable: 50}},
		{"0", "off", hook.StreakRule{}},
		{"1,99", "100", hook.StreakRule{Notify: []int{1, 99}, Disable: 100}},
	} {
		env := complete()
		env["STAFFETTA_STREAK_NOTIFY"], env["STAFFETTA_STREAK_DISABLE"] = c.notify, c.disable
		cfg, err := config.Load("recorder", env.lookup, nil)
		require.NoError(t, err)
		require.Equal(t, c.want.Disable, cfg.Streak.Disable)
		require.ElementsMatch(t, c.want.Notify, cfg.Streak.Notify)
	}
}

func TestAFlagOverridesTheEnvironment(t *testing.T) {
	t.Parallel()
	env := complete()
	env["STAFFETTA_LISTEN"] = ":9000"
	cfg, err := config.Load("api", env.lookup, map[string]string{config.Listen: ":9001"})
	require.NoError(t, err)
	require.Equal(t, ":9001", cfg.Listen)
}

func TestWhatEachServiceNeeds(t *testing.T) {
	t.Parallel()
	for service, names := range map[string][]string{
		"api": {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_REDIS_URL", "STAFFETTA_DATABASE_URL",
			"STAFFETTA_ADMIN_KEY", "STAFFETTA_ENCRYPTION_KEY"},
		"router":   {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_REDIS_URL"},
		"sender":   {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_REDIS_URL", "STAFFETTA_ENCRYPTION_KEY"},
		"recorder": {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_DATABASE_URL"},
		"receipts": {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_DATABASE_URL"},
		"invoices": {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_DATABASE_URL"},
		"contacts": {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_DATABASE_URL"},
		"stock":    {"STAFFETTA_KAFKA_BROKERS", "STAFFETTA_DATABASE_URL"},
		"migrate":  {"STAFFETTA_DATABASE_URL"},
		"topics":   {"STAFFETTA_KAFKA_BROKERS"},
		"rekey":    {"STAFFETTA_DATABASE_URL", "STAFFETTA_ENCRYPTION_KEY"},
		"demo":     {"STAFFETTA_ADMIN_KEY"},
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(service, vars{}.lookup, nil)
			var faults hook.Invalid
			require.ErrorAs(t, err, &faults)
			var missing []string
			for _, f := range faults {
				require.Equal(t, "is required by "+service, f.Rule)
				missing = append(missing, f.Field)
			}
			require.Equal(t, names, missing)
		})
	}
}

func TestABadValueIsNamedWithItsRule(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, want string }{
		{"STAFFETTA_STREAK_DISABLE", "-1", `STAFFETTA_STREAK_DISABLE must be a number from 1 to 10000, or off, not "-1"`},
		{"STAFFETTA_STREAK_DISABLE", "many", `STAFFETTA_STREAK_DISABLE must be a number from 1 to 10000, or off, not "many"`},
		{"STAFFETTA_STREAK_NOTIFY", "3,x", `STAFFETTA_STREAK_NOTIFY must be numbers, comma separated, or off, not "x"`},
		{"STAFFETTA_STREAK_NOTIFY", "20,10", `STAFFETTA_STREAK_NOTIFY must be at most 20 counts from 1 to 10000 that rise, not "20,10"`},
		{"STAFFETTA_STREAK_NOTIFY", "50", `STAFFETTA_STREAK_NOTIFY must be below disable, at which members are told anyway, not "50"`},
		{"STAFFETTA_KAFKA_BROKERS", "k1", `STAFFETTA_KAFKA_BROKERS must be HOST:PORT, comma separated, not "k1"`},
		{"STAFFETTA_KAFKA_BROKERS", "k1:70000", `STAFFETTA_KAFKA_BROKERS must be HOST:PORT, comma separated, not "k1:70000"`},
		{"STAFFETTA_KAFKA_TLS", "yes", `STAFFETTA_KAFKA_TLS must be true or false, not "yes"`},
		{"STAFFETTA_KAFKA_TLS_CA_FILE", "ca.pem", `STAFFETTA_KAFKA_TLS_CA_FILE has no effect without STAFFETTA_KAFKA_TLS=true, not "ca.pem"`},
		{"STAFFETTA_KAFKA_SASL_USERNAME", "me", `STAFFETTA_KAFKA_SASL_USERNAME has no effect without STAFFETTA_KAFKA_SASL_MECHANISM, not "me"`},
		{"STAFFETTA_REDIS_URL", "http://:hidden@cache", `STAFFETTA_REDIS_URL must have the form redis://HOST:PORT or rediss://HOST:PORT, not "***"`},
		{"STAFFETTA_REDIS_TLS_CA_FILE", "ca.pem", `STAFFETTA_REDIS_TLS_CA_FILE has no effect without rediss:// in STAFFETTA_REDIS_URL, not "ca.pem"`},
		{"STAFFETTA_DATABASE_URL", "mysql://me:hidden@db", `STAFFETTA_DATABASE_URL must have the form postgres://… or sqlite:PATH, not "***"`},
		{"STAFFETTA_DATABASE_URL", "sqlite:", `STAFFETTA_DATABASE_URL must have the form postgres://… or sqlite:PATH, not "***"`},
		{"STAFFETTA_LISTEN", "8080", `STAFFETTA_LISTEN must have the form HOST:PORT or :PORT, not "8080"`},
		{"STAFFETTA_PUBLIC_URL", "ftp://x", `STAFFETTA_PUBLIC_URL must be an http: or https: URL without user, query and fragment, not "ftp://x"`},
		{"STAFFETTA_PUBLIC_URL", "https://me:hidden@x", `STAFFETTA_PUBLIC_URL must be an http: or https: URL without user, query and fragment, not "***"`},
		{"STAFFETTA_ADMIN_KEY", "hidden", `STAFFETTA_ADMIN_KEY must have 32 characters or more, not "***"`},
		{"STAFFETTA_ENCRYPTION_KEY", "hidden", `STAFFETTA_ENCRYPTION_KEY must be base64 of 32 bytes; several, comma separated, not "***"`},
		{"STAFFETTA_TRUSTED_PROXIES", "proxy", `STAFFETTA_TRUSTED_PROXIES must be networks such as 10.0.0.0/8, comma separated, not "proxy"`},
		{"STAFFETTA_EGRESS_ALLOW", "10.0.0.0", `STAFFETTA_EGRESS_ALLOW must be networks such as 10.0.0.0/8, comma separated, not "10.0.0.0"`},
		{"STAFFETTA_EGRESS_ALLOW", "::ffff:10.0.0.0/104", `STAFFETTA_EGRESS_ALLOW must be networks such as 10.0.0.0/8, comma separated, not "::ffff:10.0.0.0/104"`},
		{"STAFFETTA_ALLOW_HTTP", "1", `STAFFETTA_ALLOW_HTTP must be true or false, not "1"`},
		{"STAFFETTA_EGRESS_PROXY", "proxy:3128", `STAFFETTA_EGRESS_PROXY must be an http: or https: URL without path, query and fragment, such as http://proxy:3128, not "proxy:3128"`},
		{"STAFFETTA_EGRESS_PROXY", "socks5://me:hidden@proxy", `STAFFETTA_EGRESS_PROXY must be an http: or https: URL without path, query and fragment, such as http://proxy:3128, not "***"`},
		{"STAFFETTA_EGRESS_PROXY", "http://proxy:99999", `STAFFETTA_EGRESS_PROXY must be an http: or https: URL without path, query and fragment, such as http://proxy:3128, not "http://proxy:99999"`},
		{"STAFFETTA_EVENT_TOPICS", "notices", `STAFFETTA_EVENT_TOPICS must name none of the topics that Staffetta keeps for itself, not "notices"`},
		{"STAFFETTA_EVENT_TOPICS", "a b", `STAFFETTA_EVENT_TOPICS must be names of Kafka topics, comma separated, not "a b"`},
		{"STAFFETTA_LOG_RETENTION", "14d", `STAFFETTA_LOG_RETENTION must be at least 15 days, such as 90d or 2160h, not "14d"`},
		{"STAFFETTA_LOG_RETENTION", "soon", `STAFFETTA_LOG_RETENTION must be at least 15 days, such as 90d or 2160h, not "soon"`},
		{"STAFFETTA_PAYLOAD_RETENTION", "7d", `STAFFETTA_PAYLOAD_RETENTION must be at least 8 days, such as 14d or 336h, not "7d"`},
		{"STAFFETTA_PAYLOAD_RETENTION", "90d", `STAFFETTA_LOG_RETENTION must be at least a day longer than STAFFETTA_PAYLOAD_RETENTION, which is 90d, not "90d, the default"`},
		{"STAFFETTA_QUARANTINE_RETENTION", "0", `STAFFETTA_QUARANTINE_RETENTION must be at least 1 day, such as 14d or 336h, not "0"`},
		{"STAFFETTA_BREAKER_MAX_OPEN", "2", `STAFFETTA_BREAKER_MAX_OPEN must be a positive duration such as 90s or 2m, not "2"`},
		{"STAFFETTA_LOG_LEVEL", "loud", `STAFFETTA_LOG_LEVEL must be debug, info, warn or error, not "loud"`},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load("standalone", vars{test.name: test.value}.lookup, nil)
			require.EqualError(t, err, test.want)
		})
	}
}

func TestOneErrorListsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := config.Load("api", vars{
		"STAFFETTA_KAFKA_BROKERS":        "k1:9092",
		"STAFFETTA_KAFKA_SASL_MECHANISM": "GSSAPI",
		"STAFFETTA_REDIS_URL":            "redis://cache",
		"STAFFETTA_DATABASE_URL":         "sqlite:x.db",
		"STAFFETTA_ADMIN_KEY":            "short",
	}.lookup, nil)
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	var fields []string
	for _, f := range faults {
		fields = append(fields, f.Field)
	}
	require.Equal(t, []string{"STAFFETTA_KAFKA_SASL_MECHANISM", "STAFFETTA_KAFKA_SASL_USERNAME",
		"STAFFETTA_KAFKA_SASL_PASSWORD", "STAFFETTA_ADMIN_KEY", "STAFFETTA_ENCRYPTION_KEY"}, fields)
}

func TestRetentionsAreCheckedAgainstEachOtherInOneError(t *testing.T) {
	t.Parallel()
	_, err := config.Load("standalone", vars{
		"STAFFETTA_LOG_RETENTION": "20d", "STAFFETTA_PAYLOAD_RETENTION": "20d", "STAFFETTA_QUARANTINE_RETENTION": "1h",
	}.lookup, nil)
	require.ErrorContains(t, err, `STAFFETTA_LOG_RETENTION must be at least a day longer than STAFFETTA_PAYLOAD_RETENTION, which is 20d, not "20d"`)
	require.ErrorContains(t, err, `STAFFETTA_QUARANTINE_RETENTION must be at least 1 day`)
}

func TestNoSecretIsInAnError(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"STAFFETTA_KAFKA_SASL_PASSWORD", "STAFFETTA_REDIS_URL", "STAFFETTA_DATABASE_URL",
		"STAFFETTA_ADMIN_KEY", "STAFFETTA_ENCRYPTION_KEY", "STAFFETTA_SMTP_URL"} {
		_, err := config.Load("standalone", vars{name: "hunter2"}.lookup, nil)
		require.ErrorContains(t, err, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestKafkaTLSFilesAreReadAtTheStart(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	env := vars{
		"STAFFETTA_KAFKA_TLS":           "true",
		"STAFFETTA_KAFKA_TLS_CA_FILE":   cert,
		"STAFFETTA_KAFKA_TLS_CERT_FILE": cert,
		"STAFFETTA_KAFKA_TLS_KEY_FILE":  key,
	}
	cfg, err := config.Load("standalone", env.lookup, nil)
	require.NoError(t, err)
	require.NotNil(t, cfg.Kafka.TLS.RootCAs)
	require.Len(t, cfg.Kafka.TLS.Certificates, 1)

	env["STAFFETTA_KAFKA_TLS_CA_FILE"] = key
	env["STAFFETTA_KAFKA_TLS_KEY_FILE"] = ""
	_, err = config.Load("standalone", env.lookup, nil)
	require.ErrorContains(t, err, "STAFFETTA_KAFKA_TLS_CA_FILE must hold certificates in PEM form")
	require.ErrorContains(t, err, "STAFFETTA_KAFKA_TLS_KEY_FILE is required with STAFFETTA_KAFKA_TLS_CERT_FILE")
}

func TestRedisTLSFilesAreReadAtTheStart(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	env := vars{"STAFFETTA_REDIS_URL": "rediss://cache"}
	cfg, err := config.Load("standalone", env.lookup, nil)
	require.NoError(t, err)
	require.Nil(t, cfg.RedisTLS)

	env["STAFFETTA_REDIS_TLS_CA_FILE"] = cert
	env["STAFFETTA_REDIS_TLS_CERT_FILE"] = cert
	env["STAFFETTA_REDIS_TLS_KEY_FILE"] = key
	cfg, err = config.Load("standalone", env.lookup, nil)
	require.NoError(t, err)
	require.NotNil(t, cfg.RedisTLS.RootCAs)
	require.Len(t, cfg.RedisTLS.Certificates, 1)

	env["STAFFETTA_REDIS_TLS_KEY_FILE"] = ""
	_, err = config.Load("standalone", env.lookup, nil)
	require.ErrorContains(t, err, "STAFFETTA_REDIS_TLS_KEY_FILE is required with STAFFETTA_REDIS_TLS_CERT_FILE")
}

// certificate writes a self-signed one and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key
}
