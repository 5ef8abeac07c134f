package sender

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

// maxTokenAnswer bounds a token endpoint's answer: tokens of some thousand bytes are
// usual.
const maxTokenAnswer = 64 << 10

// endpoint is net/http's way to a token endpoint: that of deliveries, by the same rules.
type endpoint struct {
	client    Client
	userAgent string
}

// RoundTrip implements http.RoundTripper for what package oauth2 asks.
func (e endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	to, err := egress.NewDestination(r.URL.String())
	if err != nil {
		return nil, err
	}
	header := []hook.Header{{Name: "User-Agent", Value: e.userAgent}, {Name: "Accept", Value: "application/json"}}
	for name, values := range r.Header {
		header = append(header, hook.Header{Name: name, Value: values[0]})
	}
	slices.SortFunc(header, func(a, b hook.Header) int { return cmp.Compare(a.Name, b.Name) })
	deadline, ok := r.Context().Deadline()
	if !ok {
		deadline = time.Now().Add(tokenTimeout)
	}
	answer, err := e.client.Post(egress.Request{To: to, Header: header, Body: body, Deadline: deadline, Keep: maxTokenAnswer})
	if err = cmp.Or(err, answer.Broken); err != nil {
		return nil, err
	}
	response := &http.Response{
		StatusCode: answer.Status, Status: fmt.Sprintf("%d %s", answer.Status, http.StatusText(answer.Status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)), Request: r,
	}
	for _, h := range answer.Header {
		response.Header.Add(h.Name, h.Value)
	}
	return response, nil
}

// tokenError is why there is no token.
type tokenError struct {
	reason hook.Reason
	err    error
}

func (e *tokenError) Error() string { return "token endpoint: " + e.err.Error() }

func (e *tokenError) Unwrap() error { return e.err }

// Shown is the error for whom the webhook belongs to.
func (e *tokenError) Shown() string {
	var (
		fault   *egress.Error
		refusal *oauth2.RetrieveError
	)
	switch {
	case errors.As(e.err, &fault):
		return "token endpoint: " + fault.Shown()
	case errors.As(e.err, &refusal) && refusal.Response != nil:
		said := []string{"token endpoint: status " + refusal.Response.Status}
		for _, part := range []string{refusal.ErrorCode, refusal.ErrorDescription} {
			if part != "" {
				said = append(said, part)
			}
		}
		return strings.Join(said, ": ")
	default:
		return e.Error()
	}
}

// tokenFailure tells apart what the owner of a webhook can mend, and what its endpoint
// has to.
func tokenFailure(err error) *tokenError {
	var (
		fault   *egress.Error
		refusal *oauth2.RetrieveError
		asked   *url.Error
	)
	if errors.As(err, &asked) {
		err = asked.Err // it names the URL, where secrets may be
	}
	switch {
	case errors.As(err, &fault):
		switch reason := ofError(fault); reason {
		case hook.ReasonForbidden, hook.ReasonProxyRefused, hook.ReasonProxyUnreachable:
			return &tokenError{reason: reason, err: fault}
		default:
			return &tokenError{reason: hook.ReasonTokenUnreachable, err: fault}
		}
	case errors.As(err, &refusal) && refuses(refusal):
		return &tokenError{reason: hook.ReasonTokenRefused, err: refusal}
	default:
		return &tokenError{reason: hook.ReasonTokenFailed, err: err}
	}
}

// refuses reports whether an endpoint took part with the credentials, or with what they
// were sent for, rather than failed (RFC 6749, 5.2).
func refuses(e *oauth2.RetrieveError) bool {
	if e.Response == nil {
		return false
	}
	switch e.Response.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return true
	default:
		return e.Response.StatusCode < http.StatusMultipleChoices // an error that says it is none
	}
}
