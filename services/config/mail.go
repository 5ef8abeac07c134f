package config

import (
	"net"
	"net/mail"
	"net/url"
	"strings"
)

// Mail is how notifications are mailed.
type Mail struct {
	// Host and Port of the SMTP server; by default port 587, with TLS from the start
	// 465.
	Host, Port string
	// TLS is when the connection is encrypted.
	TLS MailTLS
	// Username and Password of the login; empty: there is none.
	Username, Password string
	// From is the sender.
	From mail.Address
}

// MailTLS is when a connection to an SMTP server is encrypted.
type MailTLS string

// The ways.
const (
	// MailTLSOffered: by STARTTLS, if the server offers it.
	MailTLSOffered MailTLS = "offered"
	// MailTLSRequired: by STARTTLS, or there is no connection.
	MailTLSRequired MailTLS = "required"
	// MailTLSFirst: before anything is said (smtps).
	MailTLSFirst MailTLS = "first"
	// MailTLSNever: not at all.
	MailTLSNever MailTLS = "never"
)

const smtpForm = "must have the form smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ before the host if there is a login"

// readMail reads both settings; nil: nothing is mailed.
func readMail(r *reader) *Mail {
	server, from := r.text(SMTPURL), r.text(MailFrom)
	switch {
	case server == "" && from == "":
		return nil
	case from == "":
		r.faults.Add(MailFrom, "", "is required with "+SMTPURL)
	case server == "":
		r.faults.Add(MailFrom, from, "has no effect without "+SMTPURL)
	}
	m := &Mail{}
	if from != "" {
		address, err := mail.ParseAddress(from)
		if err != nil {
			r.faults.Add(MailFrom, from, "must be an address such as hooks@example.com or Staffetta <hooks@example.com>")
		} else {
			m.From = *address
		}
	}
	if server != "" {
		m.readServer(r, server)
	}
	return m
}

func (m *Mail) readServer(r *reader, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || !validPort(u.Port()) ||
		strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		r.faults.Add(SMTPURL, masked, smtpForm)
		return
	}
	m.Host, m.Port, m.TLS = u.Hostname(), u.Port(), MailTLSOffered
	if m.Port == "" {
		m.Port = map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	}
	var login bool
	if u.User != nil {
		m.Username = u.User.Username()
		m.Password, _ = u.User.Password()
		if login = m.Username != "" && m.Password != ""; !login {
			r.faults.Add(SMTPURL, masked, "must have both a user and a password before the host, or neither")
		}
	}
	loopback := isLoopback(m.Host)
	query := u.Query()
	starttls := query.Get("starttls")
	query.Del("starttls")
	switch {
	case len(query) > 0:
		r.faults.Add(SMTPURL, masked, "may have starttls behind the ?, and nothing else")
	case u.Scheme == "smtps":
		m.TLS = MailTLSFirst
		if starttls != "" {
			r.faults.Add(SMTPURL, masked, "has no starttls with smtps: the connection is encrypted from the start")
		}
	case starttls == "required", starttls == "" && login && !loopback:
		m.TLS = MailTLSRequired
	case starttls == "never" && login && !loopback:
		r.faults.Add(SMTPURL, masked, "sends no password without TLS, except to this machine: starttls must not be never")
	case starttls == "never":
		m.TLS = MailTLSNever
	case starttls != "":
		r.faults.Add(SMTPURL, masked, "must have required or never as its starttls, or none")
	}
}

// isLoopback reports whether a host is this machine whatever the resolver says.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
