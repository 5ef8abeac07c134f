package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/config"
)

func mailSettings(url, from string) (config.Config, error) {
	env := complete()
	env["STAFFETTA_SMTP_URL"], env["STAFFETTA_MAIL_FROM"] = url, from
	return config.Load("recorder", env.lookup, nil)
}

func TestWhenMailIsEncrypted(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]config.Mail{
		"smtp://mail.example.com":                            {Host: "mail.example.com", Port: "587", TLS: config.MailTLSOffered},
		"smtp://mail.example.com:25?starttls=never":          {Host: "mail.example.com", Port: "25", TLS: config.MailTLSNever},
		"smtp://mail.example.com?starttls=required":          {Host: "mail.example.com", Port: "587", TLS: config.MailTLSRequired},
		"smtp://u:p@mail.example.com":                        {Host: "mail.example.com", Port: "587", TLS: config.MailTLSRequired, Username: "u", Password: "p"},
		"smtps://u:p@mail.example.com":                       {Host: "mail.example.com", Port: "465", TLS: config.MailTLSFirst, Username: "u", Password: "p"},
		"smtp://u:p@127.0.0.1:1025":                          {Host: "127.0.0.1", Port: "1025", TLS: config.MailTLSOffered, Username: "u", Password: "p"},
		"smtp://u:p@[::1]:1025/?starttls=never":              {Host: "::1", Port: "1025", TLS: config.MailTLSNever, Username: "u", Password: "p"},
		"smtp://me%40example.com:p%2F%3A@localhost":          {Host: "localhost", Port: "587", TLS: config.MailTLSOffered, Username: "me@example.com", Password: "p/:"},
		"smtp://me%40example.com:p@mail.example.com:2525":    {Host: "mail.example.com", Port: "2525", TLS: config.MailTLSRequired, Username: "me@example.com", Password: "p"},
		"smtp://u:p@mail.example.com:2525?starttls=required": {Host: "mail.example.com", Port: "2525", TLS: config.MailTLSRequired, Username: "u", Password: "p"},
	} {
		cfg, err := mailSettings(url, "hooks@example.com")
		require.NoError(t, err, url)
		want.From.Address = "hooks@example.com"
		require.Equal(t, &want, cfg.Mail, url)
	}
	cfg, err := mailSettings("", "")
	require.NoError(t, err)
	require.Nil(t, cfg.Mail)
}

func TestABadMailSettingIsNamedWithItsRule(t *testing.T) {
	t.Parallel()
	const form = `STAFFETTA_SMTP_URL must have the form smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ before the host if there is a login, not "***"`
	for _, c := range []struct{ url, from, want string }{
		{"http://hidden@mail", "a@example.com", form},
		{"mail.example.com:25", "a@example.com", form},
		{"smtp://mail:99999", "a@example.com", form},
		{"smtp://mail/path", "a@example.com", form},
		{"smtp://hidden@mail", "a@example.com", `STAFFETTA_SMTP_URL must have both a user and a password before the host, or neither, not "***"`},
		{"smtp://u:hidden@mail?starttls=never", "a@example.com",
			`STAFFETTA_SMTP_URL sends no password without TLS, except to this machine: starttls must not be never, not "***"`},
		{"smtp://mail?starttls=maybe", "a@example.com", `STAFFETTA_SMTP_URL must have required or never as its starttls, or none, not "***"`},
		{"smtps://mail?starttls=never", "a@example.com",
			`STAFFETTA_SMTP_URL has no starttls with smtps: the connection is encrypted from the start, not "***"`},
		{"smtp://mail?tls=hidden", "a@example.com", `STAFFETTA_SMTP_URL may have starttls behind the ?, and nothing else, not "***"`},
		{"smtp://mail", "", `STAFFETTA_MAIL_FROM is required with STAFFETTA_SMTP_URL`},
		{"", "a@example.com", `STAFFETTA_MAIL_FROM has no effect without STAFFETTA_SMTP_URL, not "a@example.com"`},
		{"smtp://mail", "nobody", `STAFFETTA_MAIL_FROM must be an address such as hooks@example.com or Staffetta <hooks@example.com>, not "nobody"`},
	} {
		_, err := mailSettings(c.url, c.from)
		require.EqualError(t, err, c.want, c.url)
	}
	_, err := mailSettings("smtp://hidden@mail", "nobody")
	require.ErrorContains(t, err, "STAFFETTA_SMTP_URL")
	require.ErrorContains(t, err, "STAFFETTA_MAIL_FROM", "every fault is listed")
}
