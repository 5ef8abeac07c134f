// Package client is a client of the REST API for Go. All but this file is generated of
// the OpenAPI document; each operation is a method that ends in WithResponse:
//
//	c, err := client.New("https://hooks.example.com", client.Config{Key: "sk_…"})
//	made, err := c.CreateWebhookWithResponse(ctx, nil, client.NewWebhook{
//		ItemTypes: []string{"Contact"}, URL: "https://example.com/hooks",
//	})
//	if err == nil {
//		err = client.Refused(made)
//	}
//
// An error of a method says that there is no answer; Refused says that the answer is a
// refusal. Fields that may be left out are pointers: nil leaves a field of a PATCH as it
// is. To send null in its place, use the method with WithBody in its name.
package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// DefaultTimeout bounds a request: the API waits up to 10 s for Kafka.
const DefaultTimeout = 30 * time.Second

// Config of a client.
type Config struct {
	// Key is an API key, or the admin key.
	Key string
	// Account that the admin key acts for; empty for an API key.
	Account string
	// UserAgent says who asks; empty: "staffetta-go".
	UserAgent string
	// HTTP sends the requests; nil: one with DefaultTimeout.
	HTTP HttpRequestDoer
}

// New makes a client of the API at a base URL, such as "https://hooks.example.com".
func New(base string, cfg Config) (*ClientWithResponses, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("client: the base URL must be an absolute one of http or https, not %q", base)
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "staffetta-go"
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: DefaultTimeout}
	}
	return NewClientWithResponses(base, WithHTTPClient(cfg.HTTP), WithRequestEditorFn(
		func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+cfg.Key)
			r.Header.Set("User-Agent", cfg.UserAgent)
			if cfg.Account != "" {
				r.Header.Set("Staffetta-Account", cfg.Account)
			}
			return nil
		}))
}

// Answer is what the methods of a client return.
type Answer interface {
	StatusCode() int
	GetBody() []byte
}

// Problem is an answer that is a refusal (RFC 9457).
type Problem struct{ Details }

// Error gives the status and what went wrong.
func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s", p.Status, p.Title)
	if p.Detail != nil {
		text += ": " + *p.Detail
	}
	return text
}

// Refused is nil for an answer of success, else a *Problem.
func Refused(a Answer) error {
	status := a.StatusCode()
	if status/100 == 2 {
		return nil
	}
	var p Problem
	// What stands before the API, such as a proxy, may answer in its own way.
	if err := json.Unmarshal(a.GetBody(), &p.Details); err != nil || p.Title == "" {
		p.Details = Details{Title: http.StatusText(status)}
	}
	p.Status = int64(status)
	return &p
}
