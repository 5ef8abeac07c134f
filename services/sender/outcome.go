package sender

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

// outcome is what came of one HTTP request.
type outcome struct {
	reason hook.Reason // ReasonNone: delivered
	// detail is the error in words, secrets masked.
	detail string
	status int
	// response is the start of the answer's body, and headers what is kept of its
	// header; secrets masked.
	response []byte
	headers  []hook.Header
	// retryAfter is what the receiver asked for, capped; 0: nothing, or nothing
	// that counts.
	retryAfter time.Duration
	// local: this machine was short of something, so nothing was learned.
	local bool
	// due is when a task that was not tried is to be tried.
	due      time.Time
	at       time.Time
	duration time.Duration
	timing   hook.Timing
	// request is the header as it was sent, see hook.Attempt.
	request []byte
	url     string
	traceID string
	// sampled says that somebody records the trace.
	sampled bool
	// by is the delivery that took its place, if one did.
	by string
}

// consequence is what a reason leads to.
type consequence struct {
	// verdict is what it says about the receiver.
	verdict verdict
	// honoured says that a Retry-After is obeyed. RFC 9110 (10.2.3) lets any answer
	// carry one and defines it for 503 and 3xx; others for 413 and 429. Whoever
	// asks a sender to wait with whatever failure gets his wish. On a success it
	// could only mean the result of some work, for which nobody here asks.
	honoured bool
}

// consequences is the whole policy: what follows from each reason that a request
// can have. Beside it every reason but ReasonNone means another try by the
// webhook's schedule.
var consequences = map[hook.Reason]consequence{
	hook.ReasonNone:      {verdict: succeeded},
	hook.ReasonStatus:    {verdict: failed, honoured: true},
	hook.ReasonRedirect:  {verdict: failed, honoured: true},
	hook.ReasonThrottled: {verdict: away, honoured: true},
	// 410: the recorder disables the webhook; unless its URL was changed meanwhile
	// what waits is held when it is due.
	hook.ReasonGone: {verdict: failed},
	// No answer: no connection, reset, timeout.
	hook.ReasonDNS:     {verdict: away},
	hook.ReasonConnect: {verdict: away},
	hook.ReasonReset:   {verdict: away},
	hook.ReasonTimeout: {verdict: away},
	// It is there, but will not be delivered to.
	hook.ReasonTLS:      {verdict: failed},
	hook.ReasonProtocol: {verdict: failed},
	// Its certificate has expired: it is there, and somebody has to renew that.
	hook.ReasonCertificate: {verdict: failed},
	// It cannot be reached as long as its token endpoint, or our way out, cannot: the
	// breaker keeps attempts from being used up for that.
	hook.ReasonTokenFailed:      {verdict: away},
	hook.ReasonTokenUnreachable: {verdict: away},
	hook.ReasonProxyRefused:     {verdict: away},
	hook.ReasonProxyUnreachable: {verdict: away},
	// Somebody has to mend the credentials.
	hook.ReasonTokenRefused: {verdict: failed},
	// Where it lives may not be reached.
	hook.ReasonForbidden: {verdict: failed},
	// Nothing was sent, and no receiver is to blame.
	hook.ReasonUnrenderable:   {verdict: untried},
	hook.ReasonOwnCertificate: {verdict: untried},
}

// verdict is what the outcome says about the receiver.
func (o *outcome) verdict() verdict { return consequences[o.reason].verdict }

// fail notes a request without an answer.
func (o *outcome) fail(err error, v *veil) {
	o.reason, o.detail = ofError(err), v.detail(err)
	o.local = errors.Is(err, egress.ErrLocal)
}

// keep notes an answer. The status decides, whatever becomes of the body: who
// says 2xx has the delivery.
func (o *outcome) keep(a egress.Answer, v *veil) {
	o.status, o.reason = a.Status, ofStatus(a.Status)
	if consequences[o.reason].honoured {
		o.retryAfter = retryAfter(a.Header, time.Now())
	}
	o.response, o.headers = v.body(a.Body, a.Broken != nil), v.headers(a.Header)
	if a.Broken != nil && o.reason != hook.ReasonNone {
		o.detail = v.detail(a.Broken)
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

// ofError gives the reason for a request without an answer: the first that fits.
func ofError(err error) hook.Reason {
	var (
		stage egress.Stage
		fault *egress.Error
		dns   *net.DNSError
		token *tokenError
	)
	if errors.As(err, &fault) {
		stage = fault.Stage
	}
	switch {
	case errors.Is(err, egress.ErrHeader):
		return hook.ReasonUnrenderable
	case errors.Is(err, errExpired):
		return hook.ReasonOwnCertificate
	case errors.As(err, &token):
		return token.reason
	case errors.Is(err, egress.ErrForbidden):
		return hook.ReasonForbidden
	case errors.Is(err, egress.ErrProxyRefused):
		return hook.ReasonProxyRefused
	case stage == egress.StageProxy: // its name and its certificate too
		return hook.ReasonProxyUnreachable
	case errors.As(err, &dns):
		return hook.ReasonDNS
	case stage == egress.StageConnect: // timed out too
		return hook.ReasonConnect
	case timedOut(err):
		return hook.ReasonTimeout
	case expired(err):
		return hook.ReasonCertificate
	case ofTLS(err):
		return hook.ReasonTLS
	case broken(err):
		return hook.ReasonReset
	case stage == egress.StageTLS:
		return hook.ReasonTLS
	default:
		return hook.ReasonProtocol
	}
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// expired reports whether the receiver's certificate is out of date.
func expired(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}

// broken reports whether the connection ended, one way or another.
func broken(err error) bool {
	var system syscall.Errno
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &system)
}

// ofTLS reports whether a certificate or one of the sides refused.
func ofTLS(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		op          *net.OpError
	)
	return errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &record) || errors.As(err, &alert) ||
		// An alert, as crypto/tls wraps it; after the handshake too.
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}
