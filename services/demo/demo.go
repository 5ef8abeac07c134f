// Package demo is the upstream and the receiver of `staffetta standalone
// --demo` and of `staffetta demo`: a small chain of restaurants that changes
// something every moment, through the same REST as everybody, and a webhook
// receiver that verifies and shows what arrives.
//
//	setup.go     the account, its API key and its webhook; the same at each start
//	changes.go   which item is created, changed or deleted next
//	goods.go     what the items look like
//	stock.go     which of them can be sold
//	till.go      which receipts are not of a day that is closed
//	documents.go which documents can be deleted, credited, or become another one
//	receiver.go  the receiver
//	rest         sends requests
//	state.go     whether it works
package demo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/services/demo/rest"
)

const (
	// defaultInterval goes round all 16 item types in 8 s.
	defaultInterval = 500 * time.Millisecond
	// maxInterval keeps the promise of one change a second.
	maxInterval = time.Second
	// stopSpan bounds the end of the receiver.
	stopSpan = 2 * time.Second
)

// Config sets up a Demo.
type Config struct {
	// URL is the base URL of the API and the domain services.
	URL string
	// AdminKey makes the account.
	AdminKey string
	// WebhookSecret is the secret of the demo's webhook, whsec_…. Default
	// Secret(AdminKey).
	WebhookSecret string
	// KeyFile keeps the demo's API key over restarts. Empty: each start makes
	// a new one and revokes the one before.
	KeyFile string
	// Interval between two changes, at most 1 s. Default 500 ms.
	Interval time.Duration
	// Receiver is the address that the receiver listens on. Default
	// "127.0.0.1:0", a free port.
	Receiver string
	// DeliverTo is the URL of another receiver, which then gets everything, and
	// none listens here. Default: this one.
	DeliverTo string
	// Ready is called once, when account, key and webhook are there; may be nil.
	Ready func(Access)
	// Delivered is called for each delivery that verified; may be nil. Calls
	// may overlap.
	Delivered func(Delivery)
	// Log; nil: nothing is logged.
	Log *zap.Logger
}

// Access is what one needs to try the API.
type Access struct {
	Account string
	// Key is an API key of the account, with all scopes.
	Key string
	// Webhook is the id of the webhook to the demo's receiver.
	Webhook string
	// Receiver is the receiver's URL.
	Receiver string
}

// Demo makes changes and receives them.
type Demo struct {
	cfg    Config
	secret string
	state  state
}

// New checks the configuration; it does no I/O. The error is hook.Invalid.
func New(cfg Config) (*Demo, error) {
	var faults hook.Invalid
	if cfg.URL == "" {
		faults.Add("URL", "", "is required")
	}
	if cfg.AdminKey == "" {
		faults.Add("AdminKey", "", "is required")
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.Interval < 0 || cfg.Interval > maxInterval {
		faults.Add("Interval", cfg.Interval.String(), "must be positive and at most "+maxInterval.String())
	}
	if cfg.WebhookSecret == "" {
		cfg.WebhookSecret = Secret(cfg.AdminKey)
	} else if _, err := signature.ParseSecret(cfg.WebhookSecret); err != nil {
		faults.Add("WebhookSecret", "***", "must be whsec_ and base64 of 24 to 64 bytes")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if cfg.Receiver == "" {
		cfg.Receiver = "127.0.0.1:0"
	}
	if cfg.Ready == nil {
		cfg.Ready = func(Access) {}
	}
	if cfg.Delivered == nil {
		cfg.Delivered = func(Delivery) {}
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &Demo{cfg: cfg, secret: cfg.WebhookSecret, state: state{err: errSettingUp}}, nil
}

// Run listens, sets up and makes changes until ctx ends, and then returns nil.
// While a service is away it tries again. The errors are that it cannot listen,
// or that the API refused the setup.
func (d *Demo) Run(ctx context.Context) error {
	if d.cfg.DeliverTo != "" {
		return unlessEnded(ctx, d.work(ctx, d.cfg.DeliverTo))
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", d.cfg.Receiver)
	if err != nil {
		return fmt.Errorf("demo receiver: %w", err)
	}
	server := &http.Server{
		Handler:           d.Receiver(),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          zap.NewStdLog(d.cfg.Log),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = d.work(ctx, "http://"+listener.Addr().String()+"/")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopSpan)
	defer cancel()
	if server.Shutdown(stopping) != nil {
		_ = server.Close() // a request that hangs is cut off
	}
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("demo receiver: %w", serveErr))
	}
	return unlessEnded(ctx, err)
}

// unlessEnded leaves out the error that ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func (d *Demo) work(ctx context.Context, receiver string) error {
	access, err := d.setUp(ctx, receiver)
	if err != nil {
		return fmt.Errorf("demo setup: %w", err)
	}
	d.state.set(nil)
	d.cfg.Ready(access)
	return newShop(rest.New(d.cfg.URL, access.Key, "", requestSpan), d.cfg.Log, d.state.set).run(ctx, d.cfg.Interval)
}

// Secret is the webhook's secret, in its text form: derived from the admin key, so that a demo that starts anew can
// verify what was signed for the one before.
func Secret(adminKey string) string {
	mac := hmac.New(sha256.New, []byte(adminKey))
	mac.Write([]byte("staffetta demo webhook"))
	return "whsec_" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
