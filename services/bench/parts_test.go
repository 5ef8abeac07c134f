package bench

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

func TestWebhooksAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{1}, spread(1, 1))
	require.Equal(t, []int{3, 2, 2}, spread(7, 3))
	require.Equal(t, []int{1, 1, 1}, spread(3, 3))
}

func TestTheWarmUpIsShortButReachesEveryAccount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                   string
		accounts, webhooks, is int
	}{
		{"one webhook", 1, 1, 500},
		{"a webhook each", 100, 100, 500},
		{"a thousand webhooks of one account", 1, 1000, 5},
		{"very many webhooks of one account", 1, 100_000, 1},
		{"very many accounts", 3000, 3000, 3000},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.is, warmUp(Config{Accounts: test.accounts, Webhooks: test.webhooks}))
		})
	}
}

func TestEveryEventIsOneThatUpstreamMayPublishAndHasItsOwnID(t *testing.T) {
	t.Parallel()
	l := load{tenants: []tenant{{account: "a"}, {account: "b"}}}
	ids, topics, types := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for number := range 100 {
		topic, event := l.event(number, time.Now())
		require.NoError(t, codec.Validate(event))
		ids[event.ID], topics[topic], types[event.Account+"/"+event.ItemType] = true, true, true
	}
	require.Len(t, ids, 100)
	require.Len(t, topics, len(subjects))
	require.Len(t, types, 2*len(subjects), "every account has every subject")
}

func TestDeliveriesAreThoseOfTheAccountOfEachEvent(t *testing.T) {
	t.Parallel()
	l := load{tenants: []tenant{{webhooks: make([]webhook, 3)}, {webhooks: make([]webhook, 1)}}}
	require.Equal(t, 3, l.deliveriesTo(everyone, 0, 1))
	require.Equal(t, 1, l.deliveriesTo(everyone, 1, 1))
	require.Equal(t, 4+4+3, l.deliveriesTo(everyone, 2, 5))
}

func TestRequestsAreAsManyAsAskedForAndAllDiffer(t *testing.T) {
	t.Parallel()
	const secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	hooks := []webhook{{id: "1", secret: secret}, {id: "2", secret: secret}, {id: "3", secret: secret}}
	l := load{tenants: []tenant{{account: "a", webhooks: hooks}}}
	requests, err := l.prepare(Config{Payload: hook.Full, Version: "test"}, 7)
	require.NoError(t, err)
	require.Len(t, requests, 7)
	ids := map[string]bool{}
	for _, r := range requests {
		ids[r.delivery] = true
		require.Contains(t, string(r.Body), "vatNumber", "the payload is full")
	}
	require.Len(t, ids, 7)
}

func TestTheBareLoopSignsEveryRequestAnew(t *testing.T) {
	t.Parallel()
	const secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	l := load{tenants: []tenant{{account: "a", webhooks: []webhook{{id: "1", secret: secret}}}}}
	requests, err := l.prepare(Config{Payload: hook.Thin}, 1)
	require.NoError(t, err)
	key, err := signature.ParseSecret(secret)
	require.NoError(t, err)
	for _, at := range []time.Time{time.Unix(1_760_000_000, 0), time.Unix(1_760_000_001, 0)} {
		header, err := requests[0].header("Staffetta/test", at)
		require.NoError(t, err)
		require.Equal(t, strconv.FormatInt(at.Unix(), 10), header.Get(signature.HeaderTimestamp))
		require.Equal(t, signature.Standard(key, requests[0].delivery, at, requests[0].Body), header.Get(signature.HeaderSignature))
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	t.Run("ends when all has arrived", func(t *testing.T) {
		t.Parallel()
		arrived := 0
		got, err := await(t.Context(), func(context.Context) (int, error) { arrived++; return arrived, nil }, 3, time.Hour)
		require.NoError(t, err)
		require.Equal(t, 3, got)
	})
	t.Run("gives up when nothing arrives any more", func(t *testing.T) {
		t.Parallel()
		got, err := await(t.Context(), func(context.Context) (int, error) { return 2, nil }, 3, time.Millisecond)
		require.NoError(t, err)
		require.Equal(t, 2, got)
	})
	t.Run("ends with its context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := await(ctx, func(context.Context) (int, error) { cancel(); return 0, nil }, 3, time.Hour)
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("tells of a receiver that does not answer", func(t *testing.T) {
		t.Parallel()
		gone := errors.New("gone")
		_, err := await(t.Context(), func(context.Context) (int, error) { return 0, gone }, 3, time.Hour)
		require.ErrorIs(t, err, gone)
	})
}

func TestRatesFollowFromTheFigures(t *testing.T) {
	t.Parallel()
	begun := time.Unix(1_760_000_000, 0)
	p := partOf("whole", begun, 1003, receiver.Stats{
		Progress: receiver.Progress{Deliveries: 1000}, LastNS: begun.Add(250 * time.Millisecond).UnixNano(),
	})
	require.InDelta(t, 0.25, p.Seconds, 1e-9)
	require.InDelta(t, 4000, p.DeliveriesPerSecond, 1e-9)
	require.Equal(t, 3, p.Lost)
	var r Result
	r.of(p)
	require.InDelta(t, 4000, r.DeliveriesPerSecond, 1e-9)
}

func TestNothingArrivedIsNoRate(t *testing.T) {
	t.Parallel()
	var r Result
	r.of(partOf("whole", time.Now(), 7, receiver.Stats{}))
	r.Ratio = medianRatio([]Part{{}}, []Part{{}}, rateOf)
	var text bytes.Buffer
	require.NoError(t, r.WriteJSON(&text), "neither is infinite")
	require.Zero(t, r.DeliveriesPerSecond)
	require.Zero(t, r.Ratio)
	require.Equal(t, 7, r.Lost)
}

func TestTheTableTellsWhatPeopleAskFirst(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	require.NoError(t, Result{
		Scenario: "throughput", Servers: Embedded, Deliveries: 20_000, Seconds: 2, DeliveriesPerSecond: 10_000,
		BarePerSecond: 12_500, BareConnections: 64, Ratio: 0.8, Lost: 3, P50: 4.14, P99: 7.26,
	}.WriteText(&text))
	lines := strings.Split(text.String(), "\n")
	require.Contains(t, lines, "deliveries          20000 in 2.00 s: 10000/s")
	require.Contains(t, lines, "bare HTTP loop      12500/s with 64 connections; ratio 0.80")
	require.Contains(t, lines, "lost                3")
	require.Contains(t, lines, "publish to arrival  p50 4.1 ms, p99 7.3 ms")
}

func TestUsageRises(t *testing.T) {
	t.Parallel()
	first, err := used()
	require.NoError(t, err)
	require.Greater(t, first.peak, 1.0, "a Go process takes more than a MiB")
	require.Eventually(t, func() bool {
		now, err := used()
		return err == nil && now.cpu > first.cpu && now.peak >= first.peak
	}, 30*time.Second, time.Millisecond)
}
