// Package mailer mails notifications to the members of accounts.
//
// What is to be mailed is in the store, which hands out a letter at a time. A letter is
// done only when the SMTP server has it, so that each notification is mailed at least
// once, whatever dies in between; the repetition has the same Message-ID. Nothing else
// waits for the mailer.
package mailer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	gomail "github.com/wneessen/go-mail"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/recorder/letter"
)

const (
	// lease is how long a letter is being sent at most: twice what a mail may take.
	lease = 2 * sendTimeout
	// letterInterval is the least time between two mails to a member: what happens
	// meanwhile goes together into the next one.
	letterInterval = time.Minute
	// firstDelay is how long a mail waits that the server did not want, doubling up to
	// maxDelay: some greylist for minutes.
	firstDelay = time.Minute
	maxDelay   = time.Hour
	// firstPause is how long all mails wait when the server is away, doubling up to
	// maxPause: a server that comes back is not overrun, and seen soon.
	firstPause = 5 * time.Second
	maxPause   = 5 * time.Minute
	// grace is how long a mail that is under way has when the service stops.
	grace = 5 * time.Second
	// finishTimeout bounds what is noted in the store then.
	finishTimeout = 3 * time.Second
)

// Config is what a mailer needs. All but PublicURL, Poll and Now is required.
type Config struct {
	Store  hook.Mails
	Server Server
	// From is the sender.
	From mail.Address
	// PublicURL is the base of links to this installation; may be empty.
	PublicURL string
	Log       *zap.Logger
	Metrics   prometheus.Registerer
	// Poll is how often it is seen whether there is a letter. Default: 5 seconds.
	Poll time.Duration
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Mailer sends letters.
type Mailer struct {
	Config
	composer *letter.Composer
	metrics  *metrics
	// until is when the server, which is away, is tried again; pause is for how long
	// it was waited for.
	until time.Time
	pause time.Duration
}

// New makes a mailer; Run starts it. Its error is hook.Invalid, or says that the
// program is broken.
func New(cfg Config) (*Mailer, error) {
	var faults hook.Invalid
	for name, missing := range map[string]bool{
		"Store": cfg.Store == nil, "Server": cfg.Server.Host == "" || cfg.Server.Port == "", "From": !strings.Contains(cfg.From.Address, "@"),
		"Log": cfg.Log == nil, "Metrics": cfg.Metrics == nil,
	} {
		if missing {
			faults.Add(name, "", "must be set")
		}
	}
	if err := faults.Err(); err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	cfg.Poll = cmp.Or(cfg.Poll, 5*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	composer, err := letter.New(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	return &Mailer{Config: cfg, composer: composer, metrics: newMetrics(cfg.Metrics)}, nil
}

// Run mails until ctx ends, and returns nil then. A mail that is under way has a
// moment to come to its end.
func (m *Mailer) Run(ctx context.Context) error {
	ticker := time.NewTicker(m.Poll)
	defer ticker.Stop()
	for {
		for m.round(ctx) {
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// round sends the letter that has been due for longest, and says whether another one
// may be due.
func (m *Mailer) round(ctx context.Context) bool {
	if ctx.Err() != nil || m.Now().Before(m.until) {
		return false
	}
	l, err := m.Store.ClaimLetter(ctx, lease)
	switch {
	case errors.Is(err, hook.ErrNotFound), err != nil && ctx.Err() != nil:
		return false
	case err != nil:
		m.metrics.failures.Inc()
		m.Log.Warn("looking for mails to send failed, trying again", zap.Duration("in", m.Poll), zap.Error(err))
		return false
	}
	m.handle(ctx, l)
	return true
}

// handle sends a letter, and notes what became of it.
func (m *Mailer) handle(ctx context.Context, l hook.Letter) {
	log := m.Log.With(zap.String("account", l.Member.Account), zap.String("member", l.Member.ID))
	if l.Expired > 0 {
		m.metrics.givenUp.WithLabelValues(reasonExpired).Add(float64(l.Expired))
		log.Error("notifications were not mailed: they waited for too long", zap.Int64("notifications", l.Expired), zap.Duration("for", hook.LetterLife))
	}
	if len(l.Notices) == 0 {
		m.done(ctx, log, l, m.Now())
		return
	}
	log = log.With(zap.String("notification", l.Notices[0].ID))
	fate, err := m.try(ctx, l)
	m.metrics.mails.WithLabelValues(string(fate)).Inc()
	if fate != away && fate != broken {
		m.pause = 0
	}
	switch fate {
	case sent:
		log.Info("mailed", zap.Int64("notifications", l.More+int64(len(l.Notices))))
		m.done(ctx, log, l, m.Now().Add(letterInterval))
	case refused:
		m.metrics.givenUp.WithLabelValues(reasonRefused).Add(float64(l.More) + float64(len(l.Notices)))
		log.Error("a member's mail was refused for good, it is given up", zap.Error(err))
		m.done(ctx, log, l, m.Now().Add(letterInterval))
	case broken: // perhaps the next version can do it
		wait := delay(firstDelay, maxDelay, l.Tries)
		log.Error("a notification cannot be mailed, trying again", zap.Duration("in", wait), zap.Error(err))
		m.postpone(ctx, log, l, m.Now().Add(wait))
	case deferred:
		wait := delay(firstDelay, maxDelay, l.Tries)
		log.Warn("a member's mail was not taken, trying again", zap.Duration("in", wait), zap.Error(err))
		m.postpone(ctx, log, l, m.Now().Add(wait))
	case away:
		if ctx.Err() != nil { // we end, not the server
			m.postpone(ctx, log, l, m.Now())
			return
		}
		m.pause = min(max(2*m.pause, firstPause), maxPause)
		m.until = m.Now().Add(m.pause)
		log.Warn("the SMTP server takes no mail, trying again", zap.Duration("in", m.pause), zap.Error(err))
		// Others come before it then: should it be this mail that makes the server hang
		// up, it does not keep them waiting.
		m.postpone(ctx, log, l, m.until)
	}
}

// try sends a letter. A defect of ours, or of a library, costs this one only.
func (m *Mailer) try(ctx context.Context, l hook.Letter) (f fate, err error) {
	defer func() {
		if defect := recover(); defect != nil {
			f, err = broken, fmt.Errorf("panic: %v\n%s", defect, debug.Stack())
		}
	}()
	message, err := m.message(l)
	if err != nil {
		return broken, err
	}
	sending, cancel := lasting(ctx, grace)
	defer cancel()
	return m.Server.send(sending, message)
}

// delay doubles with each try.
func delay(first, most time.Duration, tries int) time.Duration {
	for ; tries > 0 && first < most; tries-- {
		first *= 2
	}
	return min(first, most)
}

// lasting is a context that ends some time after another.
func lasting(ctx context.Context, after time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var timer *time.Timer
	started := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		timer = time.AfterFunc(after, func() { cancel(context.Cause(ctx)) })
		close(started)
	})
	return longer, func() {
		if !stop() {
			<-started
			timer.Stop()
		}
		cancel(nil)
	}
}

// done notes that a letter needs nothing more. What fails is tried again as long as the
// lease lasts: else the mail would be repeated.
func (m *Mailer) done(ctx context.Context, log *zap.Logger, l hook.Letter, next time.Time) {
	m.note(ctx, log, func(ctx context.Context) error { return m.Store.LetterDone(ctx, l, next) })
}

func (m *Mailer) postpone(ctx context.Context, log *zap.Logger, l hook.Letter, until time.Time) {
	m.note(ctx, log, func(ctx context.Context) error { return m.Store.PostponeLetter(ctx, l, until) })
}

func (m *Mailer) note(ctx context.Context, log *zap.Logger, write func(context.Context) error) {
	ticker := time.NewTicker(m.Poll)
	defer ticker.Stop()
	for end := m.Now().Add(lease / 2); ; {
		writing, cancel := lasting(ctx, finishTimeout)
		err := write(writing)
		cancel()
		switch {
		case err == nil:
			return
		case errors.Is(err, hook.ErrStale):
			log.Warn("another recorder has sent the same mail meanwhile", zap.Error(err))
			return
		}
		m.metrics.failures.Inc()
		if ctx.Err() != nil || !m.Now().Before(end) {
			log.Warn("it is not noted what became of a mail, it may be repeated", zap.Error(err))
			return
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// message is the letter as a mail. Its id is the same whenever the letter is sent.
func (m *Mailer) message(l hook.Letter) (*gomail.Msg, error) {
	words, err := m.composer.Compose(l)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&m.From)
	msg.AddToMailAddress(&mail.Address{Name: clean(l.Member.Name), Address: l.Member.Email})
	msg.Subject(words.Subject)
	msg.SetDateWithValue(m.Now())
	_, domain, _ := strings.Cut(m.From.Address, "@")
	msg.SetMessageIDWithValue(l.Notices[0].ID + "." + l.Member.ID + "@" + domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	msg.SetBodyString(gomail.TypeTextPlain, words.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, words.HTML)
	return msg, nil
}

// clean makes one line of a name.
func clean(name string) string { return strings.Join(strings.Fields(name), " ") }
