package receiver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// post posts a delivery to a URL and returns the status, once there is one.
func post(ctx context.Context, r http.Handler, uri, id string, published time.Time) int {
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(Ref(published, 1)+`"`))
	request.Header.Set("webhook-id", id)
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	return answer.Code
}

// become changes a group's behaviour.
func become(t *testing.T, r http.Handler, group string, as Behaviour) int {
	t.Helper()
	query := url.Values{"group": {group}, "as": {string(as)}}
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/become?"+query.Encode(), http.NoBody))
	return answer.Code
}

func TestEveryBehaviourAnswersAsItSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		as      Behaviour
		status  int
		counted Progress
	}{
		{OK, http.StatusNoContent, Progress{Requests: 1, Deliveries: 1}},
		{Status(500), http.StatusInternalServerError, Progress{Requests: 1, Refused: 1}},
		{Status(202), http.StatusAccepted, Progress{Requests: 1, Deliveries: 1}},
		{Slow(time.Millisecond), http.StatusNoContent, Progress{Requests: 1, Deliveries: 1}},
		{Rate("a key", 1_000), http.StatusNoContent, Progress{Requests: 1, Deliveries: 1}},
	} {
		t.Run(string(test.as), func(t *testing.T) {
			t.Parallel()
			r := &Receiver{}
			require.Equal(t, test.status, post(t.Context(), r, test.as.in("a group"), "1", time.Now()))
			require.Equal(t, test.counted, get[Progress](t, r, "/progress?group=a+group"))
			require.Equal(t, Progress{}, get[Progress](t, r, "/progress?group=another"))
			require.Equal(t, test.counted, get[Progress](t, r, "/progress"))
		})
	}
}

func TestWhatHangsIsNotAnsweredUntilTheSenderGivesUp(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	ctx, giveUp := context.WithCancel(t.Context())
	answered := make(chan int)
	go func() { answered <- post(ctx, r, Hang.in("x"), "1", time.Now()) }()
	hanging := func() bool { return get[Progress](t, r, "/progress?group=x") == Progress{Requests: 1, Refused: 1} }
	require.Eventually(t, hanging, 30*time.Second, time.Millisecond)
	select {
	case <-answered:
		t.Fatal("it was answered")
	default:
	}
	giveUp()
	require.NotEqual(t, 2, <-answered/100)
}

func TestAGroupThatBecomesWellLetsGoOfWhatHangsAndTakesTheRest(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	require.Equal(t, http.StatusNoContent, become(t, r, "x", Hang))
	answered := make(chan int)
	go func() { answered <- post(t.Context(), r, OK.in("x"), "1", time.Now()) }()
	hanging := func() bool { return get[Progress](t, r, "/progress?group=x").Refused == 1 }
	require.Eventually(t, hanging, 30*time.Second, time.Millisecond)

	require.Equal(t, http.StatusNoContent, become(t, r, "x", OK))
	require.Equal(t, http.StatusServiceUnavailable, <-answered)
	require.Equal(t, http.StatusNoContent, post(t.Context(), r, OK.in("x"), "1", time.Now()))
	stats := get[Stats](t, r, "/stats?group=x")
	require.Equal(t, Progress{Requests: 2, Deliveries: 1, Refused: 1}, stats.Progress)
	require.Zero(t, stats.Duplicated, "what was refused is sent again")
}

func TestOneGroupsBehaviourIsNotAnothers(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	require.Equal(t, http.StatusNoContent, become(t, r, "x", Status(500)))
	require.Equal(t, http.StatusInternalServerError, post(t.Context(), r, OK.in("x"), "1", time.Now()))
	require.Equal(t, http.StatusNoContent, post(t.Context(), r, OK.in("y"), "1", time.Now()))
	require.Equal(t, http.StatusNoContent, post(t.Context(), r, "/hook", "2", time.Now()))
}

func TestARateGivesEvenPlacesAndNoneInThePast(t *testing.T) {
	t.Parallel()
	var c clock
	now := time.Unix(1_760_000_000, 0)
	const every = time.Millisecond
	for n := range 3 {
		require.Equal(t, now.Add(time.Duration(n)*every), c.place(now, every))
	}
	later := now.Add(time.Hour)
	require.Equal(t, later, c.place(later, every), "what was not used is gone")
}

func TestURLsWithOneKeyShareTheirRate(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	require.Same(t, r.clock("a"), r.clock("a"))
	require.NotSame(t, r.clock("a"), r.clock("b"))
}

func TestABehaviourThatThereIsNotIsRefused(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	for _, uri := range []string{"/", "/sing", "/status/99", "/status/ok", "/slow", "/slow?ms=0", "/rate?per_s=0&key=a", "/rate?key=a"} {
		require.Equal(t, http.StatusNotFound, post(t.Context(), r, uri, "1", time.Now()), uri)
		require.Equal(t, http.StatusBadRequest, become(t, r, "x", Behaviour(uri)), uri)
	}
	require.Equal(t, Progress{}, get[Progress](t, r, "/progress"))
}

func TestTimesCanBeThoseOfASpanOfPublication(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	begun := time.Now().Add(-time.Hour)
	post(t.Context(), r, "/hook", "early", begun)
	post(t.Context(), r, "/hook", "late", begun.Add(time.Minute))
	at := func(d time.Duration) string { return strconv.FormatInt(begun.Add(d).UnixNano(), 10) }

	first := get[Stats](t, r, "/stats?group=&from="+at(0)+"&to="+at(time.Minute))
	require.Equal(t, 1, first.Timed)
	require.Equal(t, 2, first.Deliveries, "counts are of all")
	second := get[Stats](t, r, "/stats?group=&from="+at(time.Nanosecond))
	require.Equal(t, 1, second.Timed)
	require.Greater(t, first.P50, second.P50)

	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/stats?from=noon", http.NoBody))
	require.Equal(t, http.StatusBadRequest, answer.Code)
}
