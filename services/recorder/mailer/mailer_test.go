package mailer_test

import (
	"context"
	"crypto/tls"
	"errors"
	"mime"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/recorder/mailer"
)

func TestANotificationIsMailedToEachMember(t *testing.T) {
	w := newWorld(t)
	w.member("mbr_2", "john@example.com", hook.English)
	s := startServer(t, serverOptions{})
	metrics, _ := w.run(s.reach(), w.store)
	w.fail(1)
	mails := map[string]received{}
	for range 2 {
		m := s.next(t)
		mails[m.to] = m
	}
	list, _, err := w.store.Notifications(t.Context(), "acme", hook.NotificationFilter{}, hook.Page{Limit: 1})
	require.NoError(t, err)

	m := mails["giulia@example.com"]
	require.Equal(t, "hooks@acme.example", m.from)
	header := func(name string) string { return m.Header.Get(name) }
	require.Equal(t, `"Staffetta" <hooks@acme.example>`, header("From"))
	require.Equal(t, `"Giulia" <giulia@example.com>`, header("To"))
	require.Equal(t, "auto-generated", header("Auto-Submitted"))
	require.Equal(t, "<"+list[0].ID+".mbr_1@acme.example>", header("Message-ID"))
	require.True(t, strings.HasPrefix(header("Content-Type"), "multipart/alternative"), header("Content-Type"))
	date, err := m.Header.Date()
	require.NoError(t, err)
	require.WithinDuration(t, w.Now(), date, time.Minute)
	require.Contains(t, m.body, "text/plain")
	require.Contains(t, m.body, "text/html")
	require.Contains(t, m.body, "Buongiorno Giulia")
	require.Contains(t, m.body, "portal/webhooks/wh_1")
	require.Contains(t, mails["john@example.com"].body, "Hello Giulia")
	w.eventually(w.idle, "they are done")
	require.EqualValues(t, 2, w.count(metrics, "staffetta_recorder_mails_total", "sent"))
}

func TestMailIsEncryptedAndTheMailerLogsIn(t *testing.T) {
	for name, c := range map[string]struct {
		tls  mailer.TLS
		with serverOptions
	}{
		"STARTTLS, as it is offered":      {mailer.TLSOffered, serverOptions{tls: true, login: true}},
		"STARTTLS, as it is required":     {mailer.TLSRequired, serverOptions{tls: true, login: true}},
		"STARTTLS, without a login":       {mailer.TLSRequired, serverOptions{tls: true}},
		"not at all, and on this machine": {mailer.TLSNever, serverOptions{tls: true, login: true}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := startServer(t, c.with)
			to := s.reach()
			to.TLS = c.tls
			if c.with.login {
				to.Username, to.Password = user, password
			}
			w.run(to, w.store)
			w.fail(1)
			m := s.next(t)
			require.Equal(t, c.tls != mailer.TLSNever, m.encrypted)
			require.Equal(t, to.Username, m.user)
		})
	}
}

func TestMailGoesByTLSFromTheStart(t *testing.T) {
	w := newWorld(t)
	inside := startServer(t, serverOptions{tls: true, login: true})
	listener, err := tls.Listen("tcp", "127.0.0.1:0", inside.TLSConfig)
	require.NoError(t, err)
	outside := smtp.NewServer(inside.Backend)
	outside.TLSConfig, outside.Domain, outside.ErrorLog = inside.TLSConfig, "localhost", silent{}
	go func() { _ = outside.Serve(listener) }()
	t.Cleanup(func() { _ = outside.Close() })
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	w.run(mailer.Server{Host: host, Port: port, TLS: mailer.TLSFirst, Roots: inside.roots, Username: user, Password: password}, w.store)
	w.fail(1)
	require.True(t, w.nextInTime(inside).encrypted)
}

// What the server is, is made sure of before anything is said to it.
func TestNoMailAndNoPasswordGoesToAServerThatIsNotWhatItShouldBe(t *testing.T) {
	for name, c := range map[string]struct {
		with serverOptions
		to   func(*mailer.Server)
	}{
		"it offers no STARTTLS":      {serverOptions{login: true}, func(s *mailer.Server) { s.TLS = mailer.TLSRequired }},
		"nobody knows its authority": {serverOptions{tls: true, login: true}, func(s *mailer.Server) { s.Roots = nil }},
		"it takes another password":  {serverOptions{tls: true, login: true}, func(s *mailer.Server) { s.Password = password + "!" }},
		"it knows no login":          {serverOptions{tls: true}, func(*mailer.Server) {}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := startServer(t, c.with)
			to := s.reach()
			to.Username, to.Password = user, password
			c.to(&to)
			metrics, stop := w.run(to, w.store)
			w.fail(1)
			w.eventually(func() bool { return w.count(metrics, "staffetta_recorder_mails_total", "away") > 0 }, "it was tried")
			stop()
			require.Zero(t, s.attempts.Load())
			require.False(t, w.idle(), "nothing is lost")
			require.Contains(t, w.logged(), "the SMTP server takes no mail")
			require.NotContains(t, w.logged(), password, "also if the server repeats it")

			right := s.reach()
			if c.with.login {
				right.Username, right.Password = user, password
			}
			w.run(right, w.store)
			w.nextInTime(s)
		})
	}
}

func TestARefusedRecipientIsGivenUpAndOthersAreNot(t *testing.T) {
	for name, stage := range map[string]func(*server) *atomic.Pointer[func(string) error]{
		"as a recipient": func(s *server) *atomic.Pointer[func(string) error] { return &s.onRcpt },
		"with the mail":  func(s *server) *atomic.Pointer[func(string) error] { return &s.onData },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.member("mbr_2", "gone@example.com", hook.English)
			w.member("mbr_3", "later@example.com", hook.English)
			s := startServer(t, serverOptions{})
			var greylisted atomic.Bool
			greylisted.Store(true)
			stage(s).Store(new(func(to string) error {
				switch {
				case to == "gone@example.com":
					return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
				case to == "later@example.com" && greylisted.Load():
					return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
				}
				return nil
			}))
			metrics, _ := w.run(s.reach(), w.store)
			w.fail(1)
			require.Equal(t, "giulia@example.com", s.next(t).to)
			w.eventually(func() bool {
				return w.count(metrics, "staffetta_recorder_mails_given_up_total", "refused") == 1 &&
					w.count(metrics, "staffetta_recorder_mails_total", "deferred") == 1
			}, "both were tried")
			greylisted.Store(false)
			require.Equal(t, "later@example.com", w.nextInTime(s).to)
			w.eventually(w.idle, "nothing is left")
			require.EqualValues(t, 4, s.attempts.Load(), "who was refused was tried once")
			require.Contains(t, w.logged(), "no such user")
		})
	}
}

func TestMailWaitsForAServerThatIsAwayForDays(t *testing.T) {
	w := newWorld(t)
	w.member("mbr_2", "john@example.com", hook.English)
	s := &server{address: nobody(t)}
	metrics, stop := w.run(s.reach(), w.store)
	w.fail(1)
	away := func() float64 { return w.count(metrics, "staffetta_recorder_mails_total", "away") }
	for tries := 1.0; w.Now().Sub(start) < 47*time.Hour; tries++ {
		w.eventually(func() bool { return away() >= tries }, "it is tried")
		w.pass(time.Hour)
	}
	w.fail(2)
	stop()
	back := startServer(t, serverOptions{address: s.address})
	w.run(back.reach(), w.store)
	mails := map[string][]string{}
	for range 4 {
		m := w.nextInTime(back)
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		require.NoError(t, err)
		mails[m.to] = append(mails[m.to], subject)
	}
	require.Equal(t, map[string][]string{
		"giulia@example.com": {"Acme: il webhook “till” non funziona: 1 errore", "Acme: 2 notifiche"},
		"john@example.com":   {"Acme: webhook “till” is failing: 1 failure", "Acme: 2 notifications"},
	}, mails)
	w.eventually(w.idle, "nothing is left")
}

func TestMailIsGivenUpAfterThreeDays(t *testing.T) {
	w := newWorld(t)
	s := &server{address: nobody(t)}
	metrics, _ := w.run(s.reach(), w.store)
	w.fail(3)
	w.eventually(func() bool { return w.count(metrics, "staffetta_recorder_mails_total", "away") > 0 }, "it is tried")
	w.pass(hook.LetterLife + time.Minute)
	w.eventually(func() bool { return w.count(metrics, "staffetta_recorder_mails_given_up_total", "expired") == 3 }, "it is given up")
	w.eventually(w.idle, "nothing is left")
	require.Contains(t, w.logged(), "notifications were not mailed: they waited for too long")
}

// A server that says nothing, or stops in the middle, keeps the mailer only for a
// while, and a stop does not wait for it.
func TestAServerThatHangsIsLeft(t *testing.T) {
	w := newWorld(t)
	s := startServer(t, serverOptions{})
	held, release := make(chan struct{}), make(chan struct{})
	s.onData.Store(new(func(string) error { close(held); <-release; return nil }))
	_, stop := w.run(s.reach(), w.store)
	w.fail(1)
	<-held
	begun := time.Now()
	stop()
	require.Less(t, time.Since(begun), 20*time.Second, "5 s, and not the 30 s of an answer")
	require.False(t, w.idle())

	again := startServer(t, serverOptions{})
	w.run(again.reach(), w.store)
	m := w.nextInTime(again)
	close(release)
	require.Equal(t, m.Header.Get("Message-ID"), s.next(t).Header.Get("Message-ID"), "whoever gets both can tell")
}

// forgetful is a store that dies before it notes that a letter was sent.
type forgetful struct {
	hook.Mails
	sent chan struct{}
}

func (f *forgetful) LetterDone(ctx context.Context, _ hook.Letter, _ time.Time) error {
	select {
	case f.sent <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return errors.New("killed")
}

func TestAMailerThatIsKilledRepeatsAMailAndLosesNone(t *testing.T) {
	w := newWorld(t)
	s := startServer(t, serverOptions{})
	dying := &forgetful{Mails: w.store, sent: make(chan struct{}, 1)}
	_, stop := w.run(s.reach(), dying)
	w.fail(2)
	<-dying.sent
	first := s.next(t)
	w.fail(2)
	stop()

	w.run(s.reach(), w.store)
	second := w.nextInTime(s) // when the lease of the dead one ends
	require.Equal(t, first.Header.Get("Message-ID"), second.Header.Get("Message-ID"))
	require.Equal(t, first.Header.Get("Subject"), second.Header.Get("Subject"), "and it says the same")
	third := w.nextInTime(s)
	require.NotEqual(t, first.Header.Get("Message-ID"), third.Header.Get("Message-ID"))
	w.eventually(w.idle, "nothing is left")
}

func TestAFloodIsOneMailAMinute(t *testing.T) {
	w := newWorld(t)
	s := startServer(t, serverOptions{})
	w.run(s.reach(), w.store)
	w.fail(1)
	s.next(t)
	w.eventually(w.idle, "the first goes at once")
	for range 100 {
		w.fail(1)
	}
	w.pass(59 * time.Second)
	w.fail(20)
	require.Empty(t, s.mails)
	w.pass(time.Second)
	m := s.next(t)
	require.Contains(t, m.Header.Get("Subject"), "120")
	require.Contains(t, m.body, "70 notifiche meno recenti")
	w.eventually(w.idle, "nothing is left")
	require.Empty(t, s.mails)
}

func TestTwoMailersSendEachMailOnce(t *testing.T) {
	w := newWorld(t)
	w.member("mbr_2", "john@example.com", hook.English)
	s := startServer(t, serverOptions{})
	w.run(s.reach(), w.store)
	w.run(s.reach(), w.store)
	for range 10 {
		w.fail(1)
		require.NotEqual(t, s.next(t).to, s.next(t).to)
		w.eventually(w.idle, "they are done")
		w.pass(time.Minute)
	}
	require.Empty(t, s.mails)
}

func TestAMailerNamesWhatItLacks(t *testing.T) {
	t.Parallel()
	_, err := mailer.New(mailer.Config{})
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 5)
}
