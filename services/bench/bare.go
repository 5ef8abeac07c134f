package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

const (
	// minBare and maxBare bound the requests of one try of the bare loop: enough
	// for a rate, and at about 1.5 KiB each no more than 30 MiB.
	minBare = 2_000
	maxBare = 20_000
	// warmBare requests are posted before the clock runs, to have connections.
	warmBare = 500
)

// bareConnections are what the bare loop tries.
var bareConnections = []int{16, 64, 256}

// bare is what a plain HTTP client reaches.
type bare struct {
	connections int
	perSecond   float64
}

// prepared is a request, signed and in memory.
type prepared struct {
	header http.Header
	body   []byte
}

// prepare makes the requests that so many deliveries would be.
func (l load) prepare(cfg Config, count int) ([]prepared, error) {
	requests := make([]prepared, 0, count)
	for number := 0; len(requests) < count; number++ {
		now := time.Now()
		t := l.tenant(number)
		_, event := l.event(number, now)
		for _, w := range t.webhooks[:min(len(t.webhooks), count-len(requests))] {
			settings := hook.Webhook{Format: hook.FormatStandard, Payload: cfg.Payload}
			rendered, err := format.Render(nil, &settings, t.account, &event, format.AllItems)
			if err != nil {
				return nil, err
			}
			header := http.Header{
				"User-Agent":  {"Staffetta/" + cfg.Version},
				"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"},
			}
			err = format.Sign(header, settings.Format, rendered, format.Signing{
				Delivery: "dlv_" + strconv.Itoa(len(requests)), At: now, Secrets: []string{w.secret},
			})
			if err != nil {
				return nil, err
			}
			requests = append(requests, prepared{header: header, body: rendered.Body})
		}
	}
	return requests, nil
}

// bareRate posts requests from memory with each number of connections and
// returns the best.
func bareRate(ctx context.Context, r *receiver.Process, requests []prepared) (best bare, err error) {
	for _, connections := range bareConnections {
		if err := r.Reset(ctx, time.Unix(0, 0)); err != nil {
			return best, err
		}
		rate, err := post(ctx, r.URL(), requests, connections)
		if err != nil {
			return best, fmt.Errorf("bare loop with %d connections: %w", connections, err)
		}
		if rate > best.perSecond {
			best = bare{connections: connections, perSecond: rate}
		}
	}
	return best, nil
}

// post posts all requests, at least minBare, and returns how many a second.
func post(ctx context.Context, url string, requests []prepared, connections int) (perSecond float64, err error) {
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	loop := func(count int) error {
		var next atomic.Int64
		group, ctx := errgroup.WithContext(ctx)
		for range connections {
			group.Go(func() error {
				for n := int(next.Add(1)) - 1; n < count; n = int(next.Add(1)) - 1 {
					if err := requests[n%len(requests)].post(ctx, client, url); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return group.Wait()
	}
	if err := loop(warmBare); err != nil {
		return 0, err
	}
	count := max(len(requests), minBare)
	begun := time.Now()
	if err := loop(count); err != nil {
		return 0, err
	}
	return float64(count) / time.Since(begun).Seconds(), nil
}

func (p prepared) post(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(p.body))
	if err != nil {
		return err
	}
	request.Header = p.header
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}
