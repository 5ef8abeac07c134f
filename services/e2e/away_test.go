package e2e_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// stopsWithoutKafka stops every service while Kafka is away and answers of
// receivers cannot be written down.
func stopsWithoutKafka(t *testing.T, in *installation) {
	a := in.newTenant(t)
	r, release := newSlowReceiver(t)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	ids := publish(t, in, a, func() {})
	r.await(t, 1)

	awayDuring(t, in.backends, "kafka", func() {
		release()
		// This one is told of when Kafka is back.
		in.call(t, "contacts", http.MethodPost, "/contacts", a.key, "", object{"name": "Mario Rossi"}, http.StatusCreated)
		in.stopAll(t, anyStatus)
	})
	for _, service := range services {
		in.start(t, service)
	}
	for _, service := range services {
		in.awaitReady(t, service)
	}
	ids = append(ids, told(t, in, a, r, "contacts", "/contacts", 1)...)
	requireAll(t, a, r, ids)
}

// keepsOthersGoingWithoutRedis leaves a sender with more than it may hold at a
// time (10,000 tasks, or 80 MB) for webhooks that it does not know, and with no
// Redis to ask whether they are new or deleted.
func keepsOthersGoingWithoutRedis(t *testing.T, in *installation) {
	const (
		deleted = 40
		backlog = 25
		size    = 100_000 // × 25 × 40 = 100 MB
		healthy = 8       // on most partitions
		rounds  = 30
	)
	a, gone := in.newTenant(t), newReceiver(t, nil)
	var webhooks []string
	for range deleted {
		id, _ := a.webhook(t, object{"itemTypes": []string{"*"}, "url": gone.URL})
		webhooks = append(webhooks, id)
	}
	b, others := in.newTenant(t), newReceiver(t, nil)
	for range healthy {
		b.webhook(t, object{"itemTypes": []string{"*"}, "url": others.URL})
	}
	in.awaitLive(t)

	// The router misses the deletion and the sender does not: so it is with a
	// backlog, and here nobody has to wait for one.
	in.stall(t, "router")
	running := sync.OnceFunc(func() { in.resume(t, "router") })
	defer running()
	for _, id := range webhooks {
		a.api(t, http.MethodDelete, "/v1/webhooks/"+id, nil, http.StatusNoContent)
	}
	in.awaitKnown(t, "sender")

	awayDuring(t, in.backends, "redis", func() {
		running()
		routed := in.counted(t, "router", "staffetta_router_deliveries_total")
		var records []*kgo.Record
		for range backlog {
			_, value := contact(a.account, func(e object) {
				e["items"] = []object{{"id": 1, "data": object{"pad": strings.Repeat("x", size)}}}
			})
			records = append(records, record(a.account, value))
		}
		u := in.upstream(t)
		u.produce(t, records...)
		in.awaitCounted(t, "router", "staffetta_router_deliveries_total", routed+deleted*backlog)
		for n := range rounds {
			_, value := contact(b.account, nil)
			u.produce(t, record(b.account, value))
			others.await(t, healthy*(n+1))
		}
		require.Empty(t, gone.all())
	})

	// Now it is known that they are deleted, and not new. Not all are asked about
	// at once: the longer Redis was away, the later.
	eventually(t, func() error {
		if len(a.deliveries(t, "status=cancelled")) == 0 {
			return errors.New("the log does not show that they are cancelled")
		}
		return nil
	})
	require.Empty(t, gone.all(), "nothing after a webhook is deleted")
}

// goesOnWithoutPostgres delivers all that comes while the database is away, retries
// too, and then tells of it as if nothing had been. `staffetta bench outage` does it
// for a minute, and measures.
func goesOnWithoutPostgres(t *testing.T, in *installation) {
	if !slices.Contains(in.backends.servers(), "postgres") {
		t.Skip("SQLite is no server that could be away")
	}
	a := in.newTenant(t)
	var failed atomic.Int64
	r := newReceiver(t, func(n int, _ *http.Request) int {
		if n%10 == 0 {
			failed.Add(1)
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	id, _ := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL, "retrySchedule": []string{"1s", "1s", "1s", "1s", "1s"}})
	in.awaitLive(t)
	answered := func() int { return len(r.all()) - int(failed.Load()) }
	awayDuring(t, in.backends, "postgres", func() {
		publish(t, in, a, func() {})
		eventually(t, func() error { return is(answered(), load) })
	})
	a.awaitStatus(t, "delivered", load)
	require.Len(t, a.deliveries(t, ""), load)
	eventually(t, func() error {
		var executed, delivered float64
		for _, item := range a.api(t, http.MethodGet, "/v1/usage", nil, http.StatusOK)["items"].([]any) {
			executed += item.(object)["executed"].(float64)
		}
		series := a.api(t, http.MethodGet, "/v1/usage/series?webhook="+id, nil, http.StatusOK)
		for _, item := range series["items"].([]any) {
			delivered += item.(object)["delivered"].(float64)
		}
		return is([2]float64{executed, delivered}, [2]float64{float64(len(r.all())), load})
	})
}
