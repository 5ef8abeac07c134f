package hook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAnIDIsANumberIfJSONWouldWriteItSo(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"0": true, "7": true, "12014": true, "-3": true, "123456789012345678901234567890": true,
		"": false, "-": false, "-0": false, "007": false, "-01": false, "1.0": false, "1e3": false, "+1": false,
		"٣": false, "a1": false, " 1": false,
	} {
		require.Equal(t, want, hook.WholeNumber(id), "%q", id)
		if want {
			require.True(t, json.Valid([]byte(id)))
		}
	}
}

func TestARerunMakesTheSameDelivery(t *testing.T) {
	t.Parallel()
	id := hook.DeliveryID("evt_1", "wh_1", -1)
	require.Regexp(t, `^dlv_[0-9a-v]{26}$`, id)
	require.Equal(t, id, hook.DeliveryID("evt_1", "wh_1", -1))
	// Ids outlive a release: the log, the tiers and receivers have them.
	require.Equal(t, "dlv_tsvpbs74c3tur7kha4197sev3g", id)
	require.Equal(t, "dlv_m1ss11uadb82crts2eh965n8do", hook.DeliveryID("evt_1", "wh_1", 12))
	require.Len(t, hook.DeliveryID(strings.Repeat("e", 300), "wh_1", 0), len(id), "however long the ids are")
	seen := map[string]bool{}
	for _, id := range []string{
		id, hook.DeliveryID("evt_1", "wh_2", -1), hook.DeliveryID("evt_2", "wh_1", -1),
		hook.DeliveryID("evt_1", "wh_1", 0), hook.DeliveryID("evt_1", "wh_1", 1),
		hook.DeliveryID("evt_1w", "h_1", -1),
	} {
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestARecordWithoutAnIDAlwaysHasTheSame(t *testing.T) {
	t.Parallel()
	at := hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 41}
	require.Equal(t, "evt_kuvf8ihodqqbehf6e1fo0js6qg", hook.DerivedEventID(at))
	at.Offset++
	require.NotEqual(t, hook.DerivedEventID(hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 41}), hook.DerivedEventID(at))
}

func TestAWebhookWantsWhatItsSubscriptionCovers(t *testing.T) {
	t.Parallel()
	w := hook.Webhook{ItemTypes: []string{"Contact"}, EventTypes: []hook.EventType{hook.Create}, Stores: []string{"7"}}
	for _, c := range []struct {
		event hook.Event
		want  bool
	}{
		{hook.Event{ItemType: "Contact", Type: hook.Create, Store: "7"}, true},
		{hook.Event{ItemType: "Contact", Type: hook.Create}, true}, // without a store: visible to all
		{hook.Event{ItemType: "Contact", Type: hook.Create, Store: "8"}, false},
		{hook.Event{ItemType: "Contact", Type: hook.Update, Store: "7"}, false},
		{hook.Event{ItemType: "Invoice", Type: hook.Create, Store: "7"}, false},
	} {
		require.Equal(t, c.want, w.Wants(&c.event), "%+v", c.event)
	}
}

func TestFaultsNameFieldRuleAndValue(t *testing.T) {
	t.Parallel()
	var faults hook.Invalid
	require.NoError(t, faults.Err())
	faults.Add("eventType", "created", "must be create, update or delete")
	faults.Add("itemType", "", "is required")
	faults.AddJSON("name", []byte(`"x \u0041"`), "is wrong")
	faults.AddJSON("count", []byte(`null`), "must be a number")
	faults.Add("long", strings.Repeat("é", 100), "is too long")
	require.EqualError(t, faults.Err(), `eventType must be create, update or delete, not "created"; itemType is required; `+
		`name is wrong, not "x A"; count must be a number, not "null"; long is too long, not "`+strings.Repeat("é", 64)+`…"`)
	var again hook.Invalid
	require.ErrorAs(t, faults.Err(), &again)
	require.Len(t, again, 5)
}

func TestOnlyRetryingAndHeldGoOn(t *testing.T) {
	t.Parallel()
	for fate, final := range map[hook.Fate]bool{
		hook.FateRetrying: false, hook.FateHeld: false,
		hook.FateDelivered: true, hook.FateExhausted: true, hook.FateDropped: true, hook.FateCancelled: true, hook.FateSuperseded: true,
	} {
		require.Equal(t, final, fate.Final(), fate)
	}
}
