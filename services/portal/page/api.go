package page

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/client"
)

// inProcess makes requests of the API for a visitor, without a network in between: so
// the portal can do what the visitor could by the API, by the same rules, and no more.
type inProcess struct {
	api http.Handler
	// asked is the visitor's own request: it says for the audit log where this comes
	// from.
	asked     *http.Request
	principal apiauth.Principal
}

// API is a client of the API that acts for a visitor, as long as their request lasts.
func (k *Kit) api(r *http.Request, p apiauth.Principal) (*client.ClientWithResponses, error) {
	c, err := client.New("http://api.invalid", client.Config{
		UserAgent: r.UserAgent(), HTTP: inProcess{api: k.cfg.API, asked: r, principal: p},
	})
	if err != nil {
		return nil, fmt.Errorf("portal: the API: %w", err)
	}
	return c, nil
}

// Do implements client.HttpRequestDoer.
func (c inProcess) Do(r *http.Request) (*http.Response, error) {
	r = r.WithContext(apiauth.WithPrincipal(r.Context(), c.principal))
	r.Header.Del("Authorization")
	r.RemoteAddr, r.RequestURI, r.Host = c.asked.RemoteAddr, r.URL.RequestURI(), c.asked.Host
	for _, header := range []string{"X-Forwarded-For", "Traceparent", "Tracestate"} {
		r.Header[header] = c.asked.Header[header]
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := &answer{header: http.Header{}}
	c.api.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: http.StatusText(answer.status), StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.sent, Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler answers.
type answer struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status, a.sent = status, a.header.Clone()
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}
