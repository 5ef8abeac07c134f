package chaos

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// ready tells how many members say that they are.
func (in *installation) ready(ctx context.Context) int {
	var (
		asking sync.WaitGroup
		mu     sync.Mutex
		count  int
	)
	for _, m := range in.members {
		asking.Go(func() {
			answer, err := in.get(ctx, m, "/readyz")
			if err != nil {
				return
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			count++
		})
	}
	asking.Wait()
	return count
}

func (in *installation) get(ctx context.Context, m *member, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	return in.http.Do(request)
}

// awaitReady waits until every member is ready, and starts again what ended by
// itself.
func (in *installation) awaitReady(ctx context.Context) error {
	_, err := await(ctx, setUp, func(ctx context.Context) (int, bool, error) {
		for _, m := range in.members {
			if m.process.gone() {
				return 0, false, fmt.Errorf("%s ended with %s", m.name, m.process.command.ProcessState)
			}
		}
		count := in.ready(ctx)
		return count, count == len(in.members), nil
	})
	return err
}

// revive starts members that ended by themselves, which is a fault.
func (in *installation) revive() error {
	for _, m := range in.members {
		if !m.process.gone() {
			continue
		}
		in.fault(m, fmt.Sprintf("ended by itself with %s at %s", m.process.command.ProcessState, time.Now().Format(time.TimeOnly)))
		if err := in.start(m); err != nil {
			return err
		}
	}
	return nil
}

// awaitLive waits until every router and sender knows all accounts as they are
// in the database. Nobody else changes them, and versions only rise.
func (in *installation) awaitLive(ctx context.Context) error {
	digest, _, err := sqlstore.New(in.parts.DB, time.Now).Digest(ctx)
	if err != nil {
		return err
	}
	done, err := await(ctx, setUp, func(ctx context.Context) (int, bool, error) {
		know := 0
		for _, m := range append(in.of(router), in.of(sender)...) {
			versions, err := in.metric(ctx, m, "staffetta_"+m.service+"_snapshot_versions")
			if err == nil && versions >= float64(digest.Versions) {
				know++
			}
		}
		return know, know == len(in.of(router))+len(in.of(sender)), nil
	})
	if err == nil && !done {
		err = fmt.Errorf("the webhooks did not reach every router and sender within %s", setUp)
	}
	return err
}

// metric reads the sum of a metric's series.
func (in *installation) metric(ctx context.Context, m *member, name string) (sum float64, err error) {
	answer, err := in.get(ctx, m, "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return 0, fmt.Errorf("metrics of %s: %w", m.name, err)
	}
	for _, series := range families[name].GetMetric() {
		sum += series.GetCounter().GetValue() + series.GetGauge().GetValue()
	}
	return sum, nil
}
