package sender

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestOnly2xxIsSuccessAndEveryOtherStatusHasItsReason(t *testing.T) {
	t.Parallel()
	throttled := map[int]bool{429: true, 502: true, 503: true, 504: true}
	for status := 100; status <= 599; status++ {
		want := hook.ReasonStatus
		switch {
		case status/100 == 2:
			want = hook.ReasonNone
		case status/100 == 3:
			want = hook.ReasonRedirect
		case status == 410:
			want = hook.ReasonGone
		case throttled[status]:
			want = hook.ReasonThrottled
		}
		require.Equal(t, want, ofStatus(status), "status %d", status)
	}
}

func TestEveryNetworkErrorHasItsReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want hook.Reason
	}{
		{&net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}, hook.ReasonDNS},
		{&net.DNSError{Err: "slow", IsTimeout: true}, hook.ReasonDNS},
		{context.DeadlineExceeded, hook.ReasonTimeout},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, hook.ReasonConnect},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, hook.ReasonConnect},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, hook.ReasonReset},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, hook.ReasonReset},
		{io.EOF, hook.ReasonReset},
		{io.ErrUnexpectedEOF, hook.ReasonReset},
		{fmt.Errorf("dial: %w", egress.ErrForbidden), hook.ReasonForbidden},
		{errors.New("malformed HTTP response"), hook.ReasonProtocol},
	} {
		require.Equal(t, c.want, ofError(&url.Error{Op: "Post", URL: "https://example.com", Err: c.err}), "%v", c.err)
	}
}

// The errors above as real connections make them.
func TestRealConnectionsFailForTheirReason(t *testing.T) {
	t.Parallel()
	client := egress.NewClient(egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	release := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hangs":
			<-release
		case "/breaks":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		case "/babbles":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "no HTTP at all\r\n\r\n")
				_ = conn.Close()
			}
		}
	}))
	t.Cleanup(receiver.Close)
	t.Cleanup(func() { close(release) })
	selfSigned := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(selfSigned.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()

	for url, want := range map[string]hook.Reason{
		receiver.URL + "/hangs":                             hook.ReasonTimeout,
		receiver.URL + "/breaks":                            hook.ReasonReset,
		receiver.URL + "/babbles":                           hook.ReasonProtocol,
		selfSigned.URL:                                      hook.ReasonTLS,
		strings.Replace(receiver.URL, "http:", "https:", 1): hook.ReasonTLS,
		closed.URL:                hook.ReasonConnect,
		"http://10.255.255.1:9/":  hook.ReasonForbidden,
		"http://name.invalid:99/": hook.ReasonDNS,
	} {
		patience := 30 * time.Second
		if want == hook.ReasonTimeout {
			patience = 100 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
		require.NoError(t, err)
		answer, err := client.Do(request)
		if err == nil {
			_ = answer.Body.Close()
		}
		cancel()
		require.Error(t, err, url)
		require.Equal(t, want, ofError(err), "%s: %v", url, err)
	}
}

func TestRetryAfterIsReadInBothFormsAndCapped(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		" 7 ":                           7 * time.Second,
		"86400":                         maxRetryAfter,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"Mon, 23 Nov 2026 10:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 09:00:00 GMT": 0,
		"Tue, 24 Nov 2026 10:00:00 GMT": maxRetryAfter,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {text}}, now), "Retry-After: %q", text)
	}
}

func TestTheLogShowsNoSecretOfAURL(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("https://user:hunter2@example.com/hook?token=hunter2#hunter2")
	require.NoError(t, err)
	require.Equal(t, "https://example.com/hook", hook.ShownURL(u))
	require.NotContains(t, detail(&url.Error{Op: "Post", URL: u.String(), Err: io.EOF}), "hunter2")
}
