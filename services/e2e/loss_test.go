package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// load is what each test below puts on the path.
const load = 120

// requireAll waits until the receiver got every event, and the log knows it.
func requireAll(t *testing.T, a *tenant, r *receiver, want []string) {
	t.Helper()
	r.awaitEvents(t, want...)
	a.awaitStatus(t, "delivered", len(want))
}

// publish produces events and calls halfway in their middle.
func publish(t *testing.T, in *installation, a *tenant, halfway func()) (ids []string) {
	t.Helper()
	u := in.upstream(t)
	for n := range load {
		if n == load/2 {
			halfway()
		}
		id, value := contact(a.account, nil)
		u.produce(t, record(a.account, value))
		ids = append(ids, id)
	}
	return ids
}

func survivesKill(t *testing.T, in *installation, service string) {
	a := in.newTenant(t)
	// The first request is under way when the service is killed.
	r, release := newSlowReceiver(t)
	_, secret := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)

	ids := publish(t, in, a, func() {
		r.await(t, 1)
		if slices.Contains([]string{"receipts", "invoices", "contacts", "stock"}, service) {
			killUnderWrites(t, in, a, service)
		} else {
			in.kill(t, service)
		}
		release()
	})
	in.start(t, service)
	in.awaitReady(t, service)
	if path, ok := collections[service]; ok {
		ids = append(ids, told(t, in, a, r, service, path, load/4)...)
	}
	requireAll(t, a, r, ids)
	requireSigned(t, r.all()[0], secret)

	// And it works on.
	ids = append(ids, publish(t, in, a, func() {})...)
	requireAll(t, a, r, ids)
}

// collections is one of each domain service.
var collections = map[string]string{
	"receipts": "/receipts", "invoices": "/invoices", "contacts": "/contacts", "stock": "/equipment",
}

// body suits every one of them.
func body(n int) object {
	return object{"name": fmt.Sprintf("No. %d", n), "total": n}
}

// killUnderWrites kills a domain service while it takes changes.
func killUnderWrites(t *testing.T, in *installation, a *tenant, service string) {
	t.Helper()
	var accepted atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			status, _, err := in.try(service, http.MethodPost, collections[service], a.key, "", body(n))
			if err != nil || status != http.StatusCreated {
				return // it is gone
			}
			accepted.Add(1)
		}
	}()
	eventually(t, func() error {
		select {
		case <-ended:
			t.Fatalf("%s refuses changes before it is killed", service)
		default:
		}
		if n := accepted.Load(); n < load/4 {
			return fmt.Errorf("%s has taken %d changes", service, n)
		}
		return nil
	})
	in.kill(t, service)
	<-ended
}

// told waits until the receiver was told of every item that the service has, at
// least so many, and returns the ids of the events that did.
func told(t *testing.T, in *installation, a *tenant, r *receiver, service, path string, atLeast int) (ids []string) {
	t.Helper()
	list := in.call(t, service, http.MethodGet, path+"?limit=500", a.key, "", nil, http.StatusOK)
	items := list["items"].([]any)
	require.GreaterOrEqual(t, len(items), atLeast)
	eventually(t, func() error {
		told := map[any]string{}
		for _, request := range r.all() {
			data := request.json(t)["data"].(object)
			ref := data["items"].([]any)[0].(object)["ref"]
			told[ref] = data["id"].(string)
		}
		ids = nil
		for _, item := range items {
			event, ok := told[item.(object)["ref"]]
			if !ok {
				return fmt.Errorf("nobody was told of %v", item.(object)["ref"])
			}
			ids = append(ids, event)
		}
		return nil
	})
	return ids
}

func survivesServer(t *testing.T, in *installation, server string) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	ids := publish(t, in, a, func() { awayDuring(t, in.backends, server, func() {}) })
	requireAll(t, a, r, ids)

	// A change made afterwards is live too.
	b := in.newTenant(t)
	b.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	requireAll(t, b, r, publish(t, in, b, func() {}))
}

func stopsInOrder(t *testing.T, in *installation) {
	a := in.newTenant(t)
	r, release := newSlowReceiver(t)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	id, value := contact(a.account, nil)
	in.upstream(t).produce(t, record(a.account, value))
	r.await(t, 1)
	stopped := make(chan struct{})
	go func() { defer close(stopped); in.stop(t, "sender", requireSuccess) }()
	// It takes no new connections for health any more once it is stopping.
	eventually(t, func() error {
		if _, err := in.metric("sender", "up"); err == nil {
			return errors.New("it goes on as if nothing had happened")
		}
		return nil
	})
	release()
	<-stopped
	in.start(t, "sender")
	in.awaitReady(t, "sender")
	ids := append(publish(t, in, a, func() {}), id)
	requireAll(t, a, r, ids)
	seen := map[string]int{}
	for _, request := range r.all() {
		seen[request.header.Get("webhook-id")]++
	}
	for delivery, times := range seen {
		require.Equal(t, 1, times, "%s is repeated; the first was %s", delivery, r.all()[0].header.Get("webhook-id"))
	}
}
