package sender

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// The whole policy: every status and every error, and what it leads to. Whatever
// is no success is tried again by the webhook's schedule.
func TestEveryStatusLeadsToWhatTheTableSays(t *testing.T) {
	t.Parallel()
	type row struct {
		reason   hook.Reason
		verdict  verdict
		honoured bool
	}
	exceptions := map[int]row{
		410: {hook.ReasonGone, failed, false},
		429: {hook.ReasonThrottled, away, true},
		502: {hook.ReasonThrottled, away, true},
		503: {hook.ReasonThrottled, away, true},
		504: {hook.ReasonThrottled, away, true},
	}
	classes := map[int]row{
		1: {hook.ReasonStatus, failed, true}, // 101 alone gets here
		2: {hook.ReasonNone, succeeded, false},
		3: {hook.ReasonRedirect, failed, true},
		4: {hook.ReasonStatus, failed, true},
		5: {hook.ReasonStatus, failed, true},
	}
	for status := 100; status <= 599; status++ {
		want, ok := exceptions[status]
		if !ok {
			want = classes[status/100]
		}
		var out outcome
		out.keep(egress.Answer{Status: status, Header: []hook.Header{{Name: "Retry-After", Value: "7"}}}, &veil{mask: newMask(nil, "")})
		got := row{out.reason, out.verdict(), out.retryAfter == 7*time.Second}
		require.Equal(t, want, got, "status %d", status)
		require.Equal(t, want.honoured, out.retryAfter != 0, "status %d", status)
	}
}

func TestEveryErrorHasItsReason(t *testing.T) {
	t.Parallel()
	connect, send, answer := egress.StageConnect, egress.StageSend, egress.StageAnswer
	for _, c := range []struct {
		stage   egress.Stage
		err     error
		reason  hook.Reason
		verdict verdict
	}{
		{connect, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}, hook.ReasonDNS, away},
		{connect, &net.DNSError{Err: "slow", IsTimeout: true}, hook.ReasonDNS, away},
		{connect, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, hook.ReasonConnect, away},
		{connect, &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, hook.ReasonConnect, away},
		{connect, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, hook.ReasonConnect, away},
		{connect, &net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, hook.ReasonConnect, away},
		{connect, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, hook.ReasonConnect, away},
		{connect, &net.OpError{Op: "dial", Err: fmt.Errorf("%w: 10.0.0.1 is private", egress.ErrForbidden)}, hook.ReasonForbidden, failed},
		{egress.StageTLS, os.ErrDeadlineExceeded, hook.ReasonTimeout, away},
		{egress.StageTLS, syscall.ECONNRESET, hook.ReasonReset, away},
		{egress.StageTLS, io.EOF, hook.ReasonReset, away},
		{egress.StageTLS, &tls.CertificateVerificationError{Err: errors.New("expired")}, hook.ReasonTLS, failed},
		{egress.StageTLS, tls.RecordHeaderError{Msg: "no TLS"}, hook.ReasonTLS, failed},
		{egress.StageTLS, errors.New("tls: server chose an unconfigured cipher suite"), hook.ReasonTLS, failed},
		{send, &net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}, hook.ReasonTimeout, away},
		{send, &net.OpError{Op: "write", Err: syscall.EPIPE}, hook.ReasonReset, away},
		{send, &net.OpError{Op: "write", Err: syscall.ECONNRESET}, hook.ReasonReset, away},
		{answer, &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, hook.ReasonTimeout, away},
		{answer, &net.OpError{Op: "read", Err: syscall.ETIMEDOUT}, hook.ReasonTimeout, away},
		{answer, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, hook.ReasonReset, away},
		{answer, &net.OpError{Op: "read", Err: syscall.EHOSTUNREACH}, hook.ReasonReset, away},
		{answer, io.EOF, hook.ReasonReset, away},
		{answer, io.ErrUnexpectedEOF, hook.ReasonReset, away},
		{answer, &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, hook.ReasonTLS, failed},
		{answer, fmt.Errorf("%w: bad status", egress.ErrMalformed), hook.ReasonProtocol, failed},
	} {
		var out outcome
		out.fail(&egress.Error{Stage: c.stage, Err: c.err}, &veil{mask: newMask(nil, "")})
		require.Equal(t, c.reason, out.reason, "%s: %v", c.stage, c.err)
		require.Equal(t, c.verdict, out.verdict(), "%s: %v", c.stage, c.err)
		require.Contains(t, out.detail, c.err.Error())
	}
	require.Equal(t, hook.ReasonUnrenderable, ofError(egress.ErrHeader))
	require.Equal(t, untried, (&outcome{reason: hook.ReasonUnrenderable}).verdict())
}

// Each reason is one of a request, with its consequence, or one of a task that was not
// tried: a new one cannot be forgotten here.
func TestEveryReasonIsInTheTableOrOfATaskThatWasNotTried(t *testing.T) {
	t.Parallel()
	notTried := []hook.Reason{
		hook.ReasonBusy, hook.ReasonCircuitOpen, hook.ReasonPaused, hook.ReasonDisabled, hook.ReasonResuming, hook.ReasonRevoked,
		hook.ReasonPayloadGone, hook.ReasonQuota, hook.ReasonNewerRun, hook.ReasonNewerChange, hook.ReasonDefect,
		hook.ReasonDiscarded,
	}
	for _, reason := range hook.Reasons {
		_, listed := consequences[reason]
		require.NotEqual(t, slices.Contains(notTried, reason), listed, reason)
	}
	require.Len(t, consequences, 1+len(hook.Reasons)-len(notTried))
	for reason, want := range map[hook.Reason]verdict{
		hook.ReasonCertificate: failed, hook.ReasonOwnCertificate: untried,
		hook.ReasonTokenRefused: failed, hook.ReasonTokenFailed: away, hook.ReasonTokenUnreachable: away,
		hook.ReasonProxyRefused: away, hook.ReasonProxyUnreachable: away,
	} {
		require.Equal(t, want, consequences[reason].verdict, reason)
	}
}

// The same as real sockets make them, from the task to the outcome.
func TestRealReceiversFailForTheirReason(t *testing.T) {
	t.Parallel()
	receiver := failingReceiver(t)
	selfSigned := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(selfSigned.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })

	o := testOwner()
	for url, want := range map[string]struct {
		status int
		reason hook.Reason
	}{
		receiver + "/hangs":                             {0, hook.ReasonTimeout},
		"https://" + silent.Addr().String():             {0, hook.ReasonTimeout},
		receiver + "/closes":                            {0, hook.ReasonReset},
		receiver + "/resets":                            {0, hook.ReasonReset},
		receiver + "/babbles":                           {0, hook.ReasonProtocol},
		receiver + "/long-header":                       {0, hook.ReasonProtocol},
		receiver + "/cut-header":                        {0, hook.ReasonReset},
		receiver + "/cut-body?status=200":               {200, hook.ReasonNone},
		receiver + "/cut-body?status=500":               {500, hook.ReasonStatus},
		receiver + "/slow-body?status=202":              {202, hook.ReasonNone},
		receiver + "/slow-body?status=503":              {503, hook.ReasonThrottled},
		receiver + "/long-body":                         {200, hook.ReasonNone},
		receiver + "/redirects":                         {307, hook.ReasonRedirect},
		selfSigned.URL:                                  {0, hook.ReasonTLS},
		strings.Replace(receiver, "http:", "https:", 1): {0, hook.ReasonTLS},
		closed.URL:                  {0, hook.ReasonConnect},
		"http://10.255.255.1:9/":    {0, hook.ReasonForbidden},
		"http://name.invalid:99/":   {0, hook.ReasonDNS},
		"gopher://example.com/oops": {0, hook.ReasonUnrenderable},
	} {
		w := hook.Webhook{ID: "wh_1", URL: url, Format: hook.FormatStandard, Timeout: 20 * time.Second}
		switch {
		case want.reason == hook.ReasonTimeout:
			w.Timeout = time.Second // within which it has to be connected, on a busy machine too
		case strings.Contains(url, "slow-body"):
			w.Timeout = 2 * time.Second // within which the head has to come, on a busy machine too
		}
		out := o.post(sampleTask(), targetOf(t, w, signature.NewSecret()))
		require.Equal(t, want.reason, out.reason, "%s: %s", url, out.detail)
		require.Equal(t, want.status, out.status, url)
		require.False(t, out.at.IsZero())
		require.LessOrEqual(t, len(out.response), maxResponse)
		if want.reason == hook.ReasonNone {
			require.Empty(t, out.detail, "the status decides, whatever becomes of the body")
		} else if want.status == 0 || strings.Contains(url, "-body") {
			require.NotEmpty(t, out.detail, url)
		}
	}
}

// failingReceiver goes wrong in the way that the path names.
func failingReceiver(t *testing.T) (url string) {
	t.Helper()
	done := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := "HTTP/1.1 " + r.FormValue("status") + " Status\r\nContent-Length: 10\r\n\r\nhalf"
		switch r.URL.Path {
		case "/hangs":
			<-done
			return
		case "/redirects":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return
		case "/long-body":
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		switch r.URL.Path {
		case "/resets":
			_ = conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a server of TCP
		case "/babbles":
			_, _ = io.WriteString(conn, "no HTTP at all\r\n\r\n")
		case "/long-header":
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		case "/cut-header":
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le")
		case "/cut-body":
			_, _ = io.WriteString(conn, head)
		case "/slow-body":
			_, _ = io.WriteString(conn, head)
			<-done
		}
		_ = conn.Close()
	}))
	t.Cleanup(receiver.Close)
	t.Cleanup(func() { close(done) })
	return receiver.URL
}
