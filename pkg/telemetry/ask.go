package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// askTimeout is a little more than the checks of a process may take.
	askTimeout = 2 * time.Second
	// maxReadiness bounds what is read of an answer.
	maxReadiness = 64 << 10
)

// Ask asks a process for its health, at the URL of its /readyz or alike, and gives nil if it is well. The
// error names the checks that failed.
func Ask(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read as far as it matters
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var found Readiness
	var failed []string
	// Another program's answer says by its status all that we understand of it.
	if json.NewDecoder(io.LimitReader(response.Body, maxReadiness)).Decode(&found) == nil {
		for _, c := range found.Checks {
			if c.Required && !c.OK {
				failed = append(failed, c.Name+": "+c.Error)
			}
		}
	}
	if len(failed) == 0 {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return fmt.Errorf("%s answers %s: %s", url, response.Status, strings.Join(failed, "; "))
}
