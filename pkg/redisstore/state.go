package redisstore

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	snapshotv1 "github.com/staffetta/staffetta/proto/staffetta/snapshot/v1"
)

// encode gives the form in which an account lives in Redis.
func encode(s hook.AccountState) ([]byte, error) {
	a := &snapshotv1.Account{
		Id:      s.Account.ID,
		Version: s.Account.Version,
		Name:    s.Account.Name,
		Deleted: s.Account.Deleted,
	}
	if q := s.Account.Quota; q != nil {
		a.QuotaCalls, a.QuotaPeriodMs = q.Calls, q.Period.Milliseconds()
	}
	for i := range s.Webhooks {
		w := &s.Webhooks[i]
		a.Webhooks = append(a.Webhooks, &snapshotv1.Webhook{
			Id:              w.ID,
			Status:          string(w.Status),
			ItemTypes:       w.ItemTypes,
			EventTypes:      strings(w.EventTypes),
			Url:             w.URL,
			Stores:          w.Stores,
			Format:          string(w.Format),
			Language:        string(w.Language),
			Payload:         string(w.Payload),
			Secrets:         w.Secrets,
			RetryScheduleMs: milliseconds(w.RetrySchedule),
			TimeoutMs:       w.Timeout.Milliseconds(),
			OnPause:         string(w.OnPause),
			Concurrency:     int32(w.Concurrency),
			RateLimit:       int32(w.RateLimit),
			OnQuota:         string(w.OnQuota),
		})
	}
	return proto.Marshal(a)
}

// decode is encode's inverse, but for what the cache does not carry:
// descriptions, versions and dates of webhooks.
func decode(blob []byte) (hook.AccountState, error) {
	var a snapshotv1.Account
	if err := proto.Unmarshal(blob, &a); err != nil {
		return hook.AccountState{}, fmt.Errorf("decode account from redis: %w", err)
	}
	s := hook.AccountState{Account: hook.Account{
		ID: a.GetId(), Version: a.GetVersion(), Name: a.GetName(), Deleted: a.GetDeleted(),
	}}
	if a.GetQuotaCalls() > 0 {
		s.Account.Quota = &hook.Quota{
			Calls: a.GetQuotaCalls(), Period: time.Duration(a.GetQuotaPeriodMs()) * time.Millisecond,
		}
	}
	for _, w := range a.GetWebhooks() {
		s.Webhooks = append(s.Webhooks, hook.Webhook{
			ID:            w.GetId(),
			Account:       a.GetId(),
			Status:        hook.Status(w.GetStatus()),
			ItemTypes:     w.GetItemTypes(),
			EventTypes:    named[hook.EventType](w.GetEventTypes()),
			URL:           w.GetUrl(),
			Stores:        w.GetStores(),
			Format:        hook.Format(w.GetFormat()),
			Language:      hook.Language(w.GetLanguage()),
			Payload:       hook.Payload(w.GetPayload()),
			Secrets:       w.GetSecrets(),
			RetrySchedule: durations(w.GetRetryScheduleMs()),
			Timeout:       time.Duration(w.GetTimeoutMs()) * time.Millisecond,
			OnPause:       hook.OnPause(w.GetOnPause()),
			Concurrency:   int(w.GetConcurrency()),
			RateLimit:     int(w.GetRateLimit()),
			OnQuota:       hook.OnQuota(w.GetOnQuota()),
		})
	}
	return s, nil
}

func strings[S ~string](from []S) []string {
	to := make([]string, len(from))
	for i, s := range from {
		to[i] = string(s)
	}
	return to
}

func named[S ~string](from []string) []S {
	to := make([]S, len(from))
	for i, s := range from {
		to[i] = S(s)
	}
	return to
}

func milliseconds(from []time.Duration) []int64 {
	to := make([]int64, len(from))
	for i, d := range from {
		to[i] = d.Milliseconds()
	}
	return to
}

func durations(from []int64) []time.Duration {
	to := make([]time.Duration, len(from))
	for i, ms := range from {
		to[i] = time.Duration(ms) * time.Millisecond
	}
	return to
}
