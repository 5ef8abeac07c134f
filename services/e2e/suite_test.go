package e2e_test

import (
	"testing"
)

// TestInstallation is the end-to-end suite: the whole product, a process per
// service, on the embedded servers, or on the real ones that the environment
// names. What changes the installation itself comes last, one after the other.
func TestInstallation(t *testing.T) {
	in := install(t)
	t.Run("delivers", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *installation){
			"a change in each domain service, signed":           deliversDomainChanges,
			"in the rentman format, in both languages":          deliversRentman,
			"item by item in the cassa-in-cloud format":         deliversItemByItem,
			"in the cloudevents format, in both modes":          deliversCloudEvents,
			"a test in each format, whatever the state":         triesOut,
			"with both secrets while one rotates":               rotatesSecrets,
			"with headers and a token, also after rekey":        authenticates,
			"events of any Kafka client, in every form":         deliversEveryForm,
			"events of kcat, Python, Node.js and Java":          deliversOtherClients,
			"the outbox that Debezium relays":                   deliversOutbox,
			"events of REST ingest":                             deliversIngested,
			"events of a topic that the installation adds":      deliversAddedTopic,
			"the event after bad input, which is quarantined":   quarantinesBadInput,
			"bad input once it was mended and sent again":       mendsAndRedrives,
			"nothing of a transaction that was aborted":         skipsAborted,
			"after failures, on the webhook's schedule":         retries,
			"until its attempts are used up":                    exhausts,
			"what a paused webhook missed, when it is resumed":  holdsAndResumes,
			"what a changed webhook wants from then on":         followsChanges,
			"nothing to a receiver that is gone, until told":    disablesGone,
			"nothing after fifty failures, until told":          disablesFailing,
			"what befalls webhooks, to an operational one":      tellsOperationalWebhooks,
			"nothing but probes to a receiver that is away":     opensTheBreaker,
			"nothing after a webhook is deleted":                cancelsRevoked,
			"to others while one receiver hangs":                keepsOthersGoing,
			"only what the store and the types of a hook allow": matchesStoresAndTypes,
			"in the producer's trace":                           continuesTraces,
			"a delivery that waits at once, on demand":          retriesWhatWaits,
			"what failed, once more, on demand":                 recovers,
			"what happened before, to a new webhook":            replaysToAnother,
			"the items that match a filter, again and again":    deliversFiltered,
			"what keeps to its account's schema":                quarantinesWhatBreaksASchema,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, in)
			})
		}
	})
	t.Run("loses nothing", func(t *testing.T) {
		for _, service := range services {
			t.Run("when "+service+" is killed", func(t *testing.T) { survivesKill(t, in, service) })
		}
		t.Run("of a replay when recorder is killed", func(t *testing.T) { replaysWhenKilled(t, in) })
		t.Run("of a redrive when recorder is killed", func(t *testing.T) { redrivesWhenKilled(t, in) })
		for _, server := range in.backends.servers() {
			t.Run("when "+server+" is killed", func(t *testing.T) { survivesServer(t, in, server) })
		}
		t.Run("when everything is stopped while kafka is away", func(t *testing.T) { stopsWithoutKafka(t, in) })
		t.Run("when a sender is stopped in order, and repeats nothing", func(t *testing.T) { stopsInOrder(t, in) })
	})
	t.Run("delivers without postgres, and tells of it later", func(t *testing.T) { goesOnWithoutPostgres(t, in) })
	t.Run("keeps others going while redis is away and a deleted webhook has a backlog",
		func(t *testing.T) { keepsOthersGoingWithoutRedis(t, in) })
}
