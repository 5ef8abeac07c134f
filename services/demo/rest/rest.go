// Package rest sends JSON to the API and the domain services.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer: a page of 500 items, or many at once.
const maxAnswer = 4 << 20

// Refusal is an answer that is an error.
type Refusal struct {
	Method, Path string
	Status       int
	// Detail is what the answer says went wrong.
	Detail string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s %s: %d %s", r.Method, r.Path, r.Status, r.Detail)
}

// Refused reports whether an error is an answer with one of these statuses.
func Refused(err error, statuses ...int) bool {
	var r *Refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, s := range statuses {
		if r.Status == s {
			return true
		}
	}
	return false
}

// Client sends JSON. It is safe for concurrent use.
type Client struct {
	base    string
	key     string
	account string // for the admin key; empty: none
	http    *http.Client
}

// atOnce is how many connections are kept for the next requests.
const atOnce = 32

// New makes a client of a base URL. account is that for which the admin key acts,
// empty with any other key; timeout bounds one request.
func New(base, key, account string, timeout time.Duration) *Client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: time.Minute}
	return &Client{
		base: strings.TrimSuffix(base, "/"), key: key, account: account,
		http: &http.Client{Timeout: timeout, Transport: transport},
	}
}

// Send sends a body, unless nil, and reads the answer into answer, unless nil.
// headers are names and values in turn.
func (c *Client) Send(ctx context.Context, method, path string, body, answer any, headers ...string) error {
	var text io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		text = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, text)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("User-Agent", "Staffetta demo")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.account != "" {
		request.Header.Set("Staffetta-Account", c.account)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or given up
	b, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		var details struct{ Detail string }
		if json.Unmarshal(b, &details) != nil {
			details.Detail = http.StatusText(response.StatusCode)
		}
		return &Refusal{Method: method, Path: path, Status: response.StatusCode, Detail: details.Detail}
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("%s %s: answer: %w", method, path, err)
	}
	return nil
}
