package chaos

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// receiving starts receivers with a ledger that expects dlv_0 … dlv_999.
func receiving(t *testing.T) *receivers {
	t.Helper()
	l := newLedger(time.Now())
	for n := range 1000 {
		l.expect("dlv_"+strconv.Itoa(n), stream{}, time.Now())
	}
	r, err := receive(t.Context(), l)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.close()) })
	return r
}

func (r *receivers) post(ctx context.Context, t *testing.T, k kind, id string) (status int, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/"+string(k)+"/acme", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("webhook-id", id)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode, nil
}

func TestQuickAndSlowReceiversAlwaysAnswer(t *testing.T) {
	t.Parallel()
	r := receiving(t)
	for _, k := range []kind{quick, slow} {
		status, err := r.post(t.Context(), t, k, "dlv_1")
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, status)
	}
	require.Equal(t, 2, r.ledger.seen("dlv_1"))
	require.Eventually(t, func() (noted bool) {
		r.ledger.each(func(id string, d *delivery) {
			noted = noted || id == "dlv_1" && d.requests[1].ended.Sub(d.requests[1].arrived) >= slowness
		})
		return noted
	}, 10*time.Second, time.Millisecond)
}

func TestAFlakyReceiverFailsATenthAndNoDeliveryMoreThanTwice(t *testing.T) {
	t.Parallel()
	failed := 0
	for n := range 1000 {
		id := "dlv_" + strconv.Itoa(n)
		if flaky.answer(t.Context(), id, 0) != http.StatusNoContent {
			failed++
		}
		require.Equal(t, http.StatusNoContent, flaky.answer(t.Context(), id, maxFailures))
	}
	require.InDelta(t, 100, failed, 40)
}

func TestAHangingReceiverHoldsSomeRequestsUntilTheirSenderGivesUp(t *testing.T) {
	t.Parallel()
	r := receiving(t)
	id := ""
	for n := 0; id == ""; n++ {
		if candidate := "dlv_" + strconv.Itoa(n); lot(candidate, 0)%hangShare == 0 {
			id = candidate
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() {
		_, err := r.post(ctx, t, hanging, id)
		gaveUp <- err
	}()
	require.Eventually(t, func() bool { return r.ledger.seen(id) == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-gaveUp, context.Canceled)
	require.Eventually(t, func() (cut bool) {
		r.ledger.each(func(name string, d *delivery) {
			cut = cut || name == id && !d.requests[0].ended.IsZero() && d.requests[0].status == 0
		})
		return cut
	}, 10*time.Second, time.Millisecond)
}
