package publish

import (
	"crypto/tls"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Config says how to reach Kafka.
type Config struct {
	// Brokers to ask first, as host:port; at least one. The others are learnt.
	Brokers []string
	// ClientID is shown in the brokers' logs and quotas. Default
	// "staffetta-publish".
	ClientID string
	// TLS is nil for connections without. ServerName is set per broker.
	TLS *tls.Config
	// SASL is nil where the brokers ask for no login.
	SASL *SASL
	// Linger is how long an event may wait for others to go with it. Default 0:
	// it goes as soon as nothing else of its partition is under way.
	Linger time.Duration
	// MaxBufferedBytes bounds what is queued and under way; beyond it publishing
	// waits. Default 64 MiB.
	MaxBufferedBytes int
	// Log gets warnings about what is tried again; nil: nothing is logged.
	Log *zap.Logger
}

// SASL is a login at Kafka.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. PLAIN sends the
	// password as it is: use it with TLS only.
	Mechanism string
	Username  string
	Password  string
}

// login is nil for no SASL. Its error is hook.Invalid, without the password.
func (s *SASL) login() (bus.SASL, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // no login is what was asked for
	}
	var invalid hook.Invalid
	switch s.Mechanism {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
	default:
		invalid.Add("sasl.mechanism", s.Mechanism, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	}
	if s.Username == "" {
		invalid.Add("sasl.username", "", "must not be empty")
	}
	if s.Password == "" {
		invalid.Add("sasl.password", "", "must not be empty")
	}
	if err := invalid.Err(); err != nil {
		return nil, err
	}
	var login bus.SASL
	var err error
	switch s.Mechanism {
	case "SCRAM-SHA-256":
		login, err = bus.ScramSHA256(s.Username, s.Password)
	case "SCRAM-SHA-512":
		login, err = bus.ScramSHA512(s.Username, s.Password)
	default:
		login = bus.Plain(s.Username, s.Password)
	}
	if err != nil {
		// The driver's text may hold what it could not prepare.
		invalid.Add("sasl", "", "must have a username and a password that SASLprep (RFC 4013) allows")
	}
	return login, invalid.Err()
}

// client checks the whole configuration, so that one error names all faults.
func (cfg Config) client() (*bus.Client, error) {
	login, loginErr := cfg.SASL.login()
	id := cfg.ClientID
	if id == "" {
		id = "staffetta-publish"
	}
	client, err := bus.Dial(bus.Config{Brokers: cfg.Brokers, ClientID: id, TLS: cfg.TLS, SASL: login, Log: cfg.Log})
	var faults, more hook.Invalid
	if err != nil && !errors.As(err, &faults) {
		return nil, err
	}
	errors.As(loginErr, &more)
	faults = append(faults, more...)
	if cfg.Linger < 0 {
		faults.Add("linger", cfg.Linger.String(), "must not be negative")
	}
	if cfg.MaxBufferedBytes < 0 {
		faults.Add("maxBufferedBytes", "", "must not be negative")
	}
	if err := faults.Err(); err != nil {
		if client != nil {
			client.Close()
		}
		return nil, err
	}
	return client, nil
}
