package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

const (
	// minBare and maxBare bound the requests of one try of the bare loop: enough
	// for a rate, and at about 1 KiB each no more than 20 MiB.
	minBare = 2_000
	maxBare = 20_000
	// warmBare requests are posted before the clock runs, to have connections.
	warmBare = 500
)

// bareConnections are what the bare loop tries.
var bareConnections = []int{16, 64, 256}

// prepared is a request in memory, but for what changes by the attempt.
type prepared struct {
	format.Request
	delivery string
	secrets  []format.Secret
}

// prepare makes the bodies that so many deliveries would have.
func (l load) prepare(cfg Config, count int) ([]prepared, error) {
	requests := make([]prepared, 0, count)
	for number := 0; len(requests) < count; number++ {
		t := l.tenant(number)
		_, event := l.event(number, time.Now())
		for _, w := range t.webhooks[:min(len(t.webhooks), count-len(requests))] {
			settings := hook.Webhook{Format: hook.FormatStandard, Payload: cfg.Payload}
			rendered, err := format.Render(nil, &settings, t.account, &event, "")
			if err != nil {
				return nil, err
			}
			requests = append(requests, prepared{
				Request: rendered, delivery: hook.DeliveryID(event.ID, w.id, -1), secrets: []format.Secret{{Text: w.secret}},
			})
		}
	}
	return requests, nil
}

// bestConnections is the number of connections with which the bare loop is fastest.
func bestConnections(ctx context.Context, cfg Config, r *receiver.Process, requests []prepared) (best int, err error) {
	fastest := 0.0
	for _, connections := range bareConnections {
		loop, err := bareLoop(ctx, cfg, r, requests, connections)
		if err != nil {
			return 0, err
		}
		if loop.DeliveriesPerSecond > fastest {
			best, fastest = connections, loop.DeliveriesPerSecond
		}
	}
	return best, nil
}

// bareLoop signs and posts requests from memory with so many connections.
func bareLoop(
	ctx context.Context, cfg Config, r *receiver.Process, requests []prepared, connections int,
) (loop Part, err error) {
	if err := r.Reset(ctx, time.Unix(0, 0)); err != nil {
		return Part{}, err
	}
	loop, err = post(ctx, r.URL(), "Staffetta/"+cfg.Version, requests, connections)
	if err != nil {
		return Part{}, fmt.Errorf("bare loop with %d connections: %w", connections, err)
	}
	return loop, nil
}

// post posts all requests, at least minBare.
func post(ctx context.Context, url, userAgent string, requests []prepared, connections int) (Part, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	loop := func(count int) error {
		var next atomic.Int64
		group, ctx := errgroup.WithContext(ctx)
		for range connections {
			group.Go(func() error {
				for n := int(next.Add(1)) - 1; n < count; n = int(next.Add(1)) - 1 {
					if err := requests[n%len(requests)].post(ctx, client, url, userAgent); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return group.Wait()
	}
	if err := loop(warmBare); err != nil {
		return Part{}, err
	}
	count := max(len(requests), minBare)
	begun := time.Now()
	if err := loop(count); err != nil {
		return Part{}, err
	}
	took := time.Since(begun).Seconds()
	return Part{Name: "bare", Runs: 1, Deliveries: count, Seconds: took, DeliveriesPerSecond: float64(count) / took}, nil
}

// bareTrace is a header as every delivery has one.
const bareTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"

// header signs the request, as the sender does for every attempt.
func (p prepared) header(userAgent string, now time.Time) (http.Header, error) {
	header := http.Header{"User-Agent": {userAgent}, "Traceparent": {bareTrace}}
	err := format.Sign(header, hook.FormatStandard, p.Request, format.Signing{
		Delivery: p.delivery, At: now, Secrets: p.secrets,
	})
	return header, err
}

// post signs the request and makes it.
func (p prepared) post(ctx context.Context, client *http.Client, url, userAgent string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(p.Body))
	if err != nil {
		return err
	}
	if request.Header, err = p.header(userAgent, time.Now()); err != nil {
		return err
	}
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
