package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func (k *kafka) Kept(context.Context) (map[string]time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down != nil {
		return nil, k.down
	}
	return map[string]time.Duration{"deliveries": 21 * 24 * time.Hour, "attempts": 21 * 24 * time.Hour, "crm.changes": -1}, nil
}

func TestADeletedAccountSaysWhatRemainsUntilWhen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	operator := b.as(adminKey)
	b.furnish()
	operator.get("/v1/accounts/acme/erasure").requires(404)
	operator.get("/v1/accounts/nobody/erasure").requires(404)
	b.acme().get("/v1/accounts/acme/erasure").requires(403)

	at := operator.delete("/v1/accounts/acme").requires(204).header.Get("Location")
	require.Equal(t, "/v1/accounts/acme/erasure", at)
	var e struct {
		Account             string
		DeletedAt, ErasedAt *time.Time
		Remains             []struct {
			Topic string
			Until *time.Time
		}
	}
	require.NoError(t, json.Unmarshal(operator.get(at).requires(200).body, &e))
	require.Equal(t, "acme", e.Account)
	require.WithinDuration(t, time.Now(), *e.DeletedAt, time.Minute)
	require.Nil(t, e.ErasedAt, "nobody has erased it")
	require.Len(t, e.Remains, 3)
	for i, topic := range []string{"attempts", "crm.changes", "deliveries"} {
		require.Equal(t, topic, e.Remains[i].Topic)
	}
	require.Equal(t, e.DeletedAt.Add(21*24*time.Hour+12*time.Hour), *e.Remains[0].Until)
	require.Nil(t, e.Remains[1].Until, "its owner keeps it for ever")

	for more := true; more; {
		var err error
		more, err = b.store.Erase(t.Context(), time.Hour)
		require.NoError(t, err)
	}
	require.NoError(t, json.Unmarshal(operator.get(at).requires(200).body, &e))
	require.NotNil(t, e.ErasedAt)
	operator.get("/v1/accounts/acme").requires(404)
	operator.post("/v1/accounts", `{"id": "acme"}`).requires(409)
	_, _, err := b.store.Deliveries(t.Context(), "acme", hook.DeliveryFilter{}, hook.Page{Limit: 1})
	require.NoError(t, err)

	b.kafka.mu.Lock()
	b.kafka.down = errors.New("away")
	b.kafka.mu.Unlock()
	operator.get(at).requires(503)
}
