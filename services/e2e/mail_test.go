package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/mail"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// postOffice is an SMTP server that takes every mail.
type postOffice struct{ mails chan *mail.Message }

func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return p, nil }
func (*postOffice) Mail(string, *smtp.MailOptions) error          { return nil }
func (*postOffice) Rcpt(string, *smtp.RcptOptions) error          { return nil }
func (*postOffice) Reset()                                        {}
func (*postOffice) Logout() error                                 { return nil }

func (p *postOffice) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err == nil {
		p.mails <- m
	}
	return err
}

// The notification was written while the SMTP server was away, and then the power went.
func TestMembersAreMailedWhatHappenedBeforeAKill(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := startSoloWith(t, t.TempDir(), []string{"STAFFETTA_SMTP_URL=smtp://" + address, "STAFFETTA_MAIL_FROM=Staffetta <hooks@example.com>"})
	a := s.newTenant(t)
	a.api(t, http.MethodPost, "/v1/members", object{"email": "giulia@example.com", "name": "Giulia", "role": "owner", "language": "it"}, http.StatusCreated)
	a.api(t, http.MethodPost, "/v1/members", object{"email": "view@example.com", "name": "Vic", "role": "viewer"}, http.StatusCreated)
	r := newReceiver(t, func(int, *http.Request) int { return http.StatusGone })
	id, _ := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL, "description": "cassa"})
	s.awaitLive(t)
	a.ingest(t, "create", "Contact", object{"id": 1})
	eventually(t, func() error {
		answer := a.api(t, http.MethodGet, "/v1/notifications", nil, http.StatusOK)
		if len(answer["items"].([]any)) == 0 {
			return fmt.Errorf("no notification yet")
		}
		return nil
	})
	s.end(t, syscall.SIGKILL, within)

	office := &postOffice{mails: make(chan *mail.Message, 10)}
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	server := smtp.NewServer(office)
	server.Domain = "localhost"
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	s.boot(t)
	select {
	case m := <-office.mails:
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		require.NoError(t, err)
		require.Equal(t, "Account "+a.account+": il webhook “cassa” è stato disattivato", subject)
		require.Equal(t, `"Giulia" <giulia@example.com>`, m.Header.Get("To"))
		body, err := io.ReadAll(m.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), s.url("api")+"/portal/webhooks/"+id[:20])
	case <-time.After(within):
		require.Fail(t, "no mail came")
	}
	require.Empty(t, office.mails)
}
