package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

const (
	// stepTimeout is how long the server may take to come to an answer.
	stepTimeout = 30 * time.Second
	// sendTimeout bounds a mail as a whole, with a dozen of answers.
	sendTimeout = 2 * time.Minute
)

// TLS is when a connection is encrypted.
type TLS string

// The ways.
const (
	// TLSOffered: by STARTTLS, if the server offers it.
	TLSOffered TLS = "offered"
	// TLSRequired: by STARTTLS, or there is no connection.
	TLSRequired TLS = "required"
	// TLSFirst: before anything is said.
	TLSFirst TLS = "first"
	// TLSNever: not at all.
	TLSNever TLS = "never"
)

// Server is an SMTP server.
type Server struct {
	Host, Port string
	// TLS is TLSOffered by default.
	TLS TLS
	// Username and Password of the login; empty: there is none. Whoever sets them with
	// TLSOffered or TLSNever has made sure that nobody can listen.
	Username, Password string
	// Roots are the authorities to trust. Default: the system's.
	Roots *x509.CertPool
}

// fate is what became of a mail.
type fate string

const (
	// sent: the server has it.
	sent fate = "sent"
	// refused: the server will never take it for this recipient.
	refused fate = "refused"
	// deferred: it does not take it for this recipient now.
	deferred fate = "deferred"
	// away: it takes nothing from us now, or does not answer, or nobody knows what
	// became of the mail.
	away fate = "away"
	// broken: we cannot make it, or fell over it.
	broken fate = "broken"
)

// send hands a mail for one recipient to the server. The error says why it was not
// sent, without secrets.
func (s *Server) send(ctx context.Context, m *mail.Msg) (fate, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var unhook []func() bool
	defer func() {
		for _, stop := range unhook {
			stop()
		}
	}()
	client, err := s.client(func(dialing context.Context, network, _ string) (net.Conn, error) {
		conn, err := s.dial(dialing, network)
		if err != nil {
			return nil, err
		}
		// The client knows deadlines only, and leaves the connection open if the server
		// turns out to be none.
		unhook = append(unhook, context.AfterFunc(ctx, func() { _ = conn.Close() }))
		return conn, nil
	})
	if err != nil {
		return away, s.hide(err)
	}
	err = client.DialAndSendWithContext(ctx, m)
	cancel() // closes the connection
	if m.IsDelivered() {
		return sent, nil // whatever came after that
	}
	if err == nil {
		err = errors.New("the mail was not sent, and nobody says why")
	}
	return judge(err), s.hide(err)
}

func (s *Server) client(dial mail.DialContextFunc) (*mail.Client, error) {
	options := []mail.Option{
		mail.WithTimeout(stepTimeout), mail.WithTLSConfig(s.tlsConfig()), mail.WithDialContextFunc(dial), mail.WithoutNoop(),
	}
	switch s.TLS {
	case TLSFirst:
		options = append(options, mail.WithSSL())
	case TLSRequired:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case TLSNever:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if s.Username != "" {
		options = append(options, mail.WithUsername(s.Username), mail.WithPassword(s.Password), mail.WithOpportunisticSMTPAuth(
			mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5, mail.SMTPAuthPlain, mail.SMTPAuthLogin,
		))
	}
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("smtp client: %w", err)
	}
	return client, nil
}

func (s *Server) dial(ctx context.Context, network string) (net.Conn, error) {
	address := net.JoinHostPort(s.Host, s.Port)
	if s.TLS == TLSFirst {
		return (&tls.Dialer{Config: s.tlsConfig()}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// hide takes the password out of an error, should a server repeat it.
func (s *Server) hide(err error) error {
	if s.Password == "" || !strings.Contains(err.Error(), s.Password) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), s.Password, "***"))
}

// judge tells what an error means. What is said to the recipient or to the mail itself
// is about this mail; all else is about every mail.
func judge(err error) fate {
	var failure *mail.SendError
	if !errors.As(err, &failure) {
		return away
	}
	switch failure.Reason {
	case mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose, mail.ErrWriteContent:
	case mail.ErrGetRcpts, mail.ErrNoUnencoded:
		return refused
	default:
		return away
	}
	switch code := failure.ErrorCode(); {
	case code == 421, code == 500, code == 502, code == 503, code == 504, code == 521,
		code == 530, code == 534, code == 535, code == 538:
		return away // it ends the session, wants another login, or understands something else than we
	case code >= 500:
		return refused
	case code >= 400:
		return deferred
	default:
		return away
	}
}
