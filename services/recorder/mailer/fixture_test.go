package mailer_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	"github.com/staffetta/staffetta/services/recorder/mailer"
)

const (
	patience = 30 * time.Second
	poll     = 2 * time.Millisecond
	user     = "staffetta"
	password = "hunter2-hunter2"
)

// received is a mail that the server took.
type received struct {
	from, to string
	*mail.Message
	body string
	// encrypted and user are how it came.
	encrypted bool
	user      string
}

// server is an SMTP server that takes mails, unless it is told otherwise.
type server struct {
	*smtp.Server
	address string
	roots   *x509.CertPool
	mails   chan received
	// onRcpt and onData answer, if they are set.
	onRcpt, onData atomic.Pointer[func(to string) error]
	// attempts is the number of recipients that were named.
	attempts atomic.Int64
}

type serverOptions struct {
	tls, login bool
	// address to listen on; empty: any.
	address string
}

func startServer(t *testing.T, o serverOptions) *server {
	t.Helper()
	s := &server{mails: make(chan received, 1000)}
	s.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		plain := &session{server: s, conn: c}
		if o.login {
			return &withLogin{plain}, nil
		}
		return plain, nil
	}))
	s.Domain, s.AllowInsecureAuth, s.ErrorLog = "localhost", true, silent{}
	if o.tls {
		var certificate tls.Certificate
		certificate, s.roots = newCertificate(t)
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	if o.address == "" {
		o.address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.address)
	require.NoError(t, err)
	s.address = listener.Addr().String()
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

func (s *server) answer(on *atomic.Pointer[func(string) error], to string) error {
	if answer := on.Load(); answer != nil {
		return (*answer)(to)
	}
	return nil
}

// next is the next mail.
func (s *server) next(t *testing.T) received {
	t.Helper()
	select {
	case m := <-s.mails:
		return m
	case <-time.After(patience):
		require.Fail(t, "no mail came")
		return received{}
	}
}

// nextInTime is the next mail, for which time passes. While the mailer that was started
// last sends one, it does not: its lease would end too soon.
func (w *world) nextInTime(s *server) received {
	w.Helper()
	w.eventually(func() bool {
		if w.claimed.Load().letters.Load() == 0 {
			w.pass(10 * time.Second)
		}
		return len(s.mails) > 0
	}, "a mail comes")
	return s.next(w.T)
}

// claims counts the letters that a mailer has claimed.
type claims struct {
	hook.Mails
	letters atomic.Int64
}

func (c *claims) ClaimLetter(ctx context.Context, lease time.Duration) (hook.Letter, error) {
	l, err := c.Mails.ClaimLetter(ctx, lease)
	if err == nil {
		c.letters.Add(1)
	}
	return l, err
}

func (c *claims) LetterDone(ctx context.Context, l hook.Letter, next time.Time) error {
	err := c.Mails.LetterDone(ctx, l, next)
	c.letters.Add(-1)
	return err
}

func (c *claims) PostponeLetter(ctx context.Context, l hook.Letter, until time.Time) error {
	err := c.Mails.PostponeLetter(ctx, l, until)
	c.letters.Add(-1)
	return err
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return listener.Addr().String()
}

// session is one connection.
type session struct {
	server         *server
	conn           *smtp.Conn
	from, to, user string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.server.attempts.Add(1)
	return s.server.answer(&s.server.onRcpt, to)
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.server.answer(&s.server.onData, s.to); err != nil {
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	_, encrypted := s.conn.TLSConnectionState()
	s.server.mails <- received{from: s.from, to: s.to, Message: m, body: string(body), encrypted: encrypted, user: s.user}
	return err
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// withLogin is one whose client has to log in.
type withLogin struct{ *session }

func (s *withLogin) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *withLogin) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, secret string) error {
		if name != user || secret != password {
			return errors.New("no such user with " + secret)
		}
		s.user = name
		return nil
	}), nil
}

func (s *withLogin) Mail(from string, o *smtp.MailOptions) error {
	if s.user == "" {
		return smtp.ErrAuthRequired
	}
	return s.session.Mail(from, o)
}

func newCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, roots
}

// world is a database with the account acme and the owner Giulia, and a clock.
type world struct {
	*testing.T
	db    *database.DB
	store *sqlstore.Store
	now   atomic.Int64
	logs  *observer.ObservedLogs
	log   *zap.Logger
	// claimed is of the mailer that was started last.
	claimed atomic.Pointer[claims]
	// written is how many attempts were recorded.
	written int64
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{T: t, db: sqlstoretest.SQLite(t)}
	w.now.Store(start.UnixNano())
	core, logs := observer.New(zap.DebugLevel)
	w.log, w.logs = zap.New(core), logs
	w.store = sqlstore.New(w.db, w.Now).WithMails().WithStreakRule(hook.StreakRule{Notify: counts()})
	_, err := w.store.CreateAccount(t.Context(), hook.Account{ID: "acme", Name: "Acme"})
	require.NoError(t, err)
	_, err = w.store.CreateWebhook(t.Context(), hook.Webhook{
		ID: "wh_1", Account: "acme", Version: 1, Status: hook.Active, Description: "till", ItemTypes: []string{"*"}, URL: "https://example.com/hook",
	})
	require.NoError(t, err)
	w.member("mbr_1", "giulia@example.com", hook.Italian)
	return w
}

func counts() (all []int) {
	for n := range 200 {
		all = append(all, n+1)
	}
	return all
}

func (w *world) Now() time.Time       { return time.Unix(0, w.now.Load()).UTC() }
func (w *world) pass(d time.Duration) { w.now.Add(int64(d)) }

func (w *world) member(id, email string, language hook.Language) {
	w.Helper()
	_, err := w.store.CreateMember(w.Context(), hook.Member{
		ID: id, Account: "acme", Email: email, Name: "Giulia", Role: hook.RoleOwner, Language: language, CreatedAt: start,
	})
	require.NoError(w, err)
}

// fail has the webhook fail so many times more, of each of which members are told.
func (w *world) fail(times int) {
	w.Helper()
	r := hook.Range{Partition: 0, From: w.written}
	for range times {
		w.written++
		r.Records = append(r.Records, hook.Recorded{Offset: w.written - 1, Attempt: hook.Attempt{
			Delivery: "dlv_" + time.Duration(w.written).String(), Account: "acme", Webhook: "wh_1", Event: "evt", EventType: hook.Create, ItemType: "Contact",
			Fate: hook.FateRetrying, Reason: hook.ReasonStatus, StatusCode: 500, Number: 1, At: w.Now(), Published: w.Now(),
		}})
	}
	r.To = w.written
	require.NoError(w, w.store.Record(w.Context(), []hook.Range{r}))
}

// run starts a mailer; stop ends it and waits.
func (w *world) run(server mailer.Server, store hook.Mails) (metrics *prometheus.Registry, stop func()) {
	w.Helper()
	metrics = prometheus.NewRegistry()
	counting := &claims{Mails: store}
	w.claimed.Store(counting)
	m, err := mailer.New(mailer.Config{
		Store: counting, Server: server, From: mail.Address{Name: "Staffetta", Address: "hooks@acme.example"}, PublicURL: "https://hooks.example.com",
		Log: w.log, Metrics: metrics, Poll: poll, Now: w.Now,
	})
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := m.Run(ctx); err != nil {
			w.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.Cleanup(stop)
	return metrics, stop
}

// reach is the server as a mailer knows it.
func (s *server) reach() mailer.Server {
	host, port, _ := net.SplitHostPort(s.address)
	return mailer.Server{Host: host, Port: port, Roots: s.roots}
}

// count is the value of a counter.
func (w *world) count(metrics *prometheus.Registry, name, label string) float64 {
	w.Helper()
	families, err := metrics.Gather()
	require.NoError(w, err)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == name && (len(metric.GetLabel()) == 0 || metric.GetLabel()[0].GetValue() == label) {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func (w *world) eventually(condition func() bool, what string) {
	w.Helper()
	require.Eventually(w, condition, patience, poll, what)
}

// idle reports whether nothing waits any more.
func (w *world) idle() bool {
	var left int
	require.NoError(w, w.db.QueryRowContext(w.Context(), `SELECT COUNT(*) FROM mails`).Scan(&left))
	return left == 0
}

// logged is all that was logged.
func (w *world) logged() string {
	var all strings.Builder
	for _, entry := range w.logs.All() {
		all.WriteString(entry.Message)
		for _, field := range entry.Context {
			if field.Interface != nil {
				if err, ok := field.Interface.(error); ok {
					all.WriteString(" " + err.Error())
				}
			}
			all.WriteString(" " + field.String)
		}
		all.WriteString("\n")
	}
	return all.String()
}
