package demo

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

const (
	// requestSpan bounds one request.
	requestSpan = 5 * time.Second
	// maxAnswer bounds what is read of an answer: a page of 500 items.
	maxAnswer = 4 << 20
)

// refusal is an answer that is an error.
type refusal struct {
	method, path string
	status       int
	detail       string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s %s: %d %s", r.method, r.path, r.status, r.detail)
}

// refused reports whether an error is an answer with one of these statuses.
func refused(err error, statuses ...int) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, s := range statuses {
		if r.status == s {
			return true
		}
	}
	return false
}

// mayPass reports whether it helps to try again later.
func mayPass(err error) bool {
	var r *refusal
	var file *fileError
	if errors.As(err, &file) {
		return false
	}
	return !errors.As(err, &r) || r.status >= http.StatusInternalServerError || r.status == http.StatusTooManyRequests
}

// client sends JSON.
type client struct {
	base    string
	key     string
	account string // for the admin key; empty: none
	http    *http.Client
}

func newClient(base, key, account string) *client {
	return &client{
		base: strings.TrimSuffix(base, "/"), key: key, account: account,
		http: &http.Client{Timeout: requestSpan},
	}
}

// send sends a body, unless nil, and reads the answer into answer, unless nil.
// headers are names and values in turn.
func (c *client) send(ctx context.Context, method, path string, body, answer any, headers ...string) error {
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
		return &refusal{method: method, path: path, status: response.StatusCode, detail: details.Detail}
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("%s %s: answer: %w", method, path, err)
	}
	return nil
}
