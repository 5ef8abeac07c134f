package sender

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
)

// A million attempts may be recalled: what is kept of them must not keep the
// memory of their records.
func TestWhatIsRecalledOfAnAttemptIsNotInItsRecordsMemory(t *testing.T) {
	t.Parallel()
	o := &owner{memory: newMemory(), service: &Service{Config: Config{Snapshot: unseen{}}}}
	p := &past{fates: map[run]lastWord{}}
	value := journal.Encode(hook.Attempt{Delivery: "dlv_1", Run: 7, Step: 2, Account: "acme", Webhook: "wh_1", Fate: hook.FateHeld})
	o.learn(p, &bus.Record{Topic: bus.Attempts, Value: value})
	clear(value)
	require.Equal(t, map[run]lastWord{{"dlv_1", 7}: {step: 2, fate: hook.FateHeld}}, p.fates)
	require.Equal(t, map[string]int64{"dlv_1": 7}, o.memory.runs)
	require.Contains(t, o.memory.known, identity{"dlv_1", 7, noted})
}

// unseen is a snapshot without accounts.
type unseen struct{ Snapshot }

func (unseen) Account(string) (*Account, bool) { return nil, false }
