package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

// maxRetryAfter caps what a receiver may ask for (CONTRACT.md: 1 h).
const maxRetryAfter = time.Hour

// outcome is what came of one HTTP request.
type outcome struct {
	reason hook.Reason // ReasonNone: delivered
	detail string
	status int
	// response is the start of the answer's body.
	response []byte
	// retryAfter is what the receiver asked for, capped; 0: nothing.
	retryAfter time.Duration
	// due is when a task that was not tried is to be tried.
	due      time.Time
	at         time.Time
	duration   time.Duration
	url        string
	traceID    string
}

// verdict is what the outcome says about the receiver.
func (o *outcome) verdict() verdict {
	switch o.reason {
	case hook.ReasonNone:
		return succeeded
	case hook.ReasonThrottled, hook.ReasonTimeout, hook.ReasonConnect, hook.ReasonReset, hook.ReasonDNS:
		return away
	default:
		return failed
	}
}

// ofStatus gives the reason for an answer: only 2xx is success, 3xx is never
// followed (Standard Webhooks).
func ofStatus(status int) hook.Reason {
	switch {
	case status >= 200 && status < 300:
		return hook.ReasonNone
	case status >= 300 && status < 400:
		return hook.ReasonRedirect
	case status == http.StatusGone:
		return hook.ReasonGone
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway,
		status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return hook.ReasonThrottled
	default:
		return hook.ReasonStatus
	}
}

// ofError gives the reason for a request without an answer.
func ofError(err error) hook.Reason {
	var (
		dns         *net.DNSError
		timeout     net.Error
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		authority   x509.UnknownAuthorityError
		op          *net.OpError
	)
	switch {
	case errors.Is(err, egress.ErrForbidden):
		return hook.ReasonForbidden
	case errors.As(err, &dns):
		return hook.ReasonDNS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return hook.ReasonTimeout
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &authority),
		errors.Is(err, http.ErrSchemeMismatch):
		return hook.ReasonTLS
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return hook.ReasonReset
	case errors.As(err, &op) && op.Op == "dial":
		return hook.ReasonConnect
	default:
		return hook.ReasonProtocol
	}
}

// retryAfter reads the header in both of its forms, seconds and date; 0 if it
// is absent, unreadable or in the past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
