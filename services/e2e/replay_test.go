package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// awaitReplay waits until a replay is done.
func (a *tenant) awaitReplay(t *testing.T, id any) (replay object) {
	t.Helper()
	eventually(t, func() error {
		replay = a.api(t, http.MethodGet, fmt.Sprintf("/v1/replays/%s", id), nil, http.StatusOK)
		return is(replay["state"], "done")
	})
	return replay
}

// deliveryIDs are those of requests, in order of their arrival.
func deliveryIDs(requests []received) (ids []string) {
	for _, request := range requests {
		ids = append(ids, request.header.Get("webhook-id"))
	}
	return ids
}

// early is before everything that the suite publishes.
func early() string { return time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) }

func retriesWhatWaits(t *testing.T, in *installation) {
	a := in.newTenant(t)
	r := newReceiver(t, func(n int, _ *http.Request) int { return []int{500, 204}[min(n, 1)] })
	_, secret := a.webhook(t, object{"itemTypes": []string{"Contact"}, "url": r.URL, "retrySchedule": []string{"10h"}})
	in.awaitLive(t)
	_, value := contact(a.account, nil)
	in.upstream(t).produce(t, record(a.account, value))
	waits := a.awaitStatus(t, "retrying", 1)[0]

	retried := a.api(t, http.MethodPost, "/v1/deliveries/"+waits["id"].(string)+"/retry", nil, http.StatusAccepted)
	require.Equal(t, waits["id"], retried["id"])
	all := r.await(t, 2)
	requireSigned(t, all[1], secret)
	require.Equal(t, waits["id"], all[1].header.Get("webhook-id"), "the id stays")
	a.awaitStatus(t, "delivered", 1)
	detail := a.api(t, http.MethodGet, "/v1/deliveries/"+waits["id"].(string), nil, http.StatusOK)
	attempts := detail["attempts"].([]any)
	require.Len(t, attempts, 2)
	require.Zero(t, attempts[0].(object)["run"])
	require.NotZero(t, attempts[1].(object)["run"], "in a run of its own")
}

func recovers(t *testing.T, in *installation) {
	a := in.newTenant(t)
	var mended atomic.Bool
	r := newReceiver(t, func(int, *http.Request) int {
		if mended.Load() {
			return 204
		}
		return 400
	})
	id, _ := a.webhook(t, object{"itemTypes": []string{"Contact"}, "url": r.URL, "retrySchedule": []string{}})
	in.awaitLive(t)
	for range 6 {
		_, value := contact(a.account, nil)
		in.upstream(t).produce(t, record(a.account, value))
	}
	given := a.awaitStatus(t, "exhausted", 6)[0]["id"].(string)
	a.api(t, http.MethodDelete, "/v1/deliveries/"+given, nil, http.StatusNoContent)
	require.Len(t, a.deliveries(t, "status=exhausted&reason=status"), 5)
	failed := slices.DeleteFunc(deliveryIDs(r.all()), func(id string) bool { return id == given })
	mended.Store(true)
	replay := a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/recover", object{"from": early()}, http.StatusAccepted)
	a.awaitStatus(t, "delivered", 5)
	require.ElementsMatch(t, slices.Concat(failed, failed, []string{given}), deliveryIDs(r.all()), "each once more, under its id, but the discarded")
	replay = a.awaitReplay(t, replay["id"])
	require.EqualValues(t, 5, replay["progress"].(object)["replayed"])
}

func replaysToAnother(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	first, _ := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL + "/first"})
	in.awaitLive(t)
	var want []string
	for n := range 12 {
		id, value := contact(a.account, func(e object) {
			e["store"] = []string{"7", "8"}[n%2]
			if n%3 == 0 {
				e["itemType"] = "Invoice"
			}
		})
		if n%2 == 0 && n%3 != 0 {
			want = append(want, id)
		}
		in.upstream(t).produce(t, record(a.account, value))
	}
	a.awaitStatus(t, "delivered", 12)

	second, _ := a.webhook(t, object{"itemTypes": []string{"Contact"}, "stores": []string{"7"}, "url": r.URL + "/second"})
	in.awaitLive(t)
	for name, body := range map[string]object{
		"the deliveries of the first": {"webhook": second, "source": first, "from": early()},
		"every event that matches":    {"webhook": second, "itemTypes": []string{"Contatto"}, "from": early()},
	} {
		before := len(r.all())
		replay := a.awaitReplay(t, a.api(t, http.MethodPost, "/v1/replays", body, http.StatusCreated)["id"])
		require.EqualValues(t, len(want), replay["progress"].(object)["replayed"], name)
		var got []string
		for _, request := range r.await(t, before+len(want))[before:] {
			require.Equal(t, "/second", request.path, name)
			got = append(got, request.json(t)["data"].(object)["id"].(string))
		}
		require.ElementsMatch(t, want, got, name)
	}
	again := a.deliveries(t, "webhook="+second)
	require.Len(t, again, len(want), "the second time under the same ids")
	for _, d := range a.deliveries(t, "webhook="+first) {
		require.NotContains(t, deliveryIDs(r.all()[12:]), d["id"], "which are its own")
	}
}

// replaysWhenKilled kills the recorder in the middle of a replay.
func replaysWhenKilled(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	first, _ := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	ids := publish(t, in, a, func() {})
	requireAll(t, a, r, ids)
	copied := newReceiver(t, nil)
	second, _ := a.webhook(t, object{"itemTypes": []string{"*"}, "url": copied.URL})
	in.awaitLive(t)
	replay := a.api(t, http.MethodPost, "/v1/replays", object{"webhook": second, "source": first, "from": early(), "rate": 30}, http.StatusCreated)
	copied.await(t, load/6)
	in.kill(t, "recorder")
	in.start(t, "recorder")
	in.awaitReady(t, "recorder")
	copied.awaitEvents(t, ids...)
	a.awaitReplay(t, replay["id"])
	seen := map[string]int{}
	for _, id := range deliveryIDs(copied.all()) {
		seen[id]++
	}
	require.Len(t, seen, load)
	for id, times := range seen {
		require.Equal(t, 1, times, "%s: what the recorder repeated was posted twice", id)
	}
}
