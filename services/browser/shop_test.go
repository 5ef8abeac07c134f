package browser_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// shop is an account in which there is something to see on every page: what its
// webhooks did in the last weeks, and what befalls them now.
type shop struct {
	*account
	// webhooks are the ids of some, by what their description is about.
	webhooks map[string]string
	// delivered and failed are deliveries, quarantined is a record, replay a replay.
	delivered, failed, quarantined, replay string
}

var (
	shopOnce sync.Once
	theShop  shop
)

// openShop gives the one shop, for tests that change nothing in it.
func openShop(t *testing.T) *shop {
	t.Helper()
	in := plain(t)
	shopOnce.Do(func() { theShop = newShop(t, in) })
	if theShop.account == nil {
		t.Fatal("there is no shop: see the test that failed to make it")
	}
	s, a := theShop, *theShop.account
	a.t, s.account = t, &a
	return &s
}

// What the webhooks of the shop are for, and where they seem to lead.
const (
	sales     = "Vendite al data warehouse"
	customers = "Clienti verso il CRM"
	documents = "Fatture in contabilità"
	goods     = "Movimenti per il magazzino centrale"
	loyalty   = "Punti fedeltà"
	former    = "Vecchio gestionale"
)

func newShop(t *testing.T, in *standalone) shop {
	t.Helper()
	well, ill := newReceiver(t, http.StatusNoContent), newReceiver(t, http.StatusInternalServerError)
	s := shop{webhooks: map[string]string{}, account: newAccountIn(t, in, object{
		"id": "bottega-ferri", "name": "Bottega Ferri", "streak": object{"notify": []int{2, 3}, "disable": 5},
	})}
	for id, name := range map[string]string{"1": "Milano, Via Torino", "2": "Roma, Termini", "7": "Negozio online"} {
		s.api(http.MethodPut, "/v1/stores/"+id, object{"name": name}, http.StatusOK)
	}
	for _, member := range []object{
		{"email": "giulia@bottegaferri.example", "name": "Giulia Ferri", "role": "owner", "language": "it"},
		{"email": "amit@bottegaferri.example", "name": "Amit Rao", "role": "settings", "language": "en"},
		{"email": "studio@conti.example", "name": "Studio Conti", "role": "viewer", "language": "it"},
	} {
		s.api(http.MethodPost, "/v1/members", member, http.StatusCreated)
	}
	s.api(http.MethodPost, "/v1/api-keys", object{"name": "Data warehouse", "scopes": []string{"read"}}, http.StatusCreated)
	both := []string{"create", "update"}
	for about, settings := range map[string]object{
		sales:     {"itemTypes": []string{"ClosedBill", "Receipt", "CashClosing"}, "rateLimit": 50},
		customers: {"itemTypes": []string{"Customer", "Company", "Contact"}, "eventTypes": both, "payload": "full", "stores": []string{"7"}},
		documents: {"itemTypes": []string{"Invoice", "CreditNote"}, "retrySchedule": []string{"1h", "3h"}, "url": ill.URL},
		goods:     {"itemTypes": []string{"StockMovement"}, "stores": []string{"1", "2"}, "ordering": "item"},
		loyalty:   {"itemTypes": []string{"Order"}, "url": ill.URL, "retrySchedule": []string{"1h"}},
		former:    {"itemTypes": []string{"*"}, "format": "cassa-in-cloud"},
	} {
		settings["description"] = about
		url := well.URL
		if settings["url"] != nil {
			url = settings["url"].(string)
			delete(settings, "url")
		}
		s.webhooks[about] = s.webhook(url, settings)
	}
	s.api(http.MethodDelete, "/v1/webhooks/"+s.webhooks[former], nil, http.StatusNoContent)
	s.remember()
	s.happen()
	s.disguise(well, ill)
	return s
}

// happen makes what is new in the shop.
func (s *shop) happen() {
	s.t.Helper()
	s.publishUntilKnown(change("create", "Receipt", 5501, object{"store": "1"}))
	s.api(http.MethodPost, "/v1/webhooks/"+s.webhooks[goods]+"/pause", nil, http.StatusOK)
	user := object{"id": 33, "itemType": "Crew", "ref": "/crew/33"}
	s.publish(
		change("create", "Receipt", 5502, object{"store": "2", "user": user}),
		change("update", "Contact", 118, object{"store": "7", "items": []object{{"id": 118, "ref": "/contacts/118", "version": 4,
			"data": object{"id": 118, "name": "Caffè Nazionale", "email": "ordini@nazionale.example", "city": "Torino", "discount": 12.5}}}}),
		change("create", "Invoice", "2026/118", object{"user": user}),
		change("create", "CreditNote", "2026/9", nil),
		change("update", "StockMovement", 90, object{"store": "1"}),
		change("delete", "Receipt", 5490, object{"store": "1"}),
	)
	for n := range 6 { // more in a row than its account's webhooks may fail
		s.publish(change("create", "Order", 700+n, object{"store": "7"}))
	}
	s.eventually(func() error {
		if w := s.api(http.MethodGet, "/v1/webhooks/"+s.webhooks[loyalty], nil, http.StatusOK); w["status"] != "disabled" {
			return fmt.Errorf("the webhook is %v", w["status"])
		}
		return nil
	})
	delivered := s.awaitDeliveries("status=delivered&itemType=Contact", 1)
	s.delivered = delivered[0]["id"].(string)
	s.failed = s.awaitDeliveries("status=failed&webhook="+s.webhooks[documents]+"&from="+lately(), 1)[0]["id"].(string)
	s.quarantine(`{"account": "bottega-ferri", "eventType": "created", "itemType": "Contact", "items": [{"id": 12014, "ref": "/contacts/12014"}]}`,
		`{"account": "bottega-ferri", "eventType": "create", "itemType": "Receipt", "items": []}`, `{"account": "bottega-ferri", `)
	for _, record := range s.await("/v1/quarantine", 3) {
		if strings.Contains(record["detail"].(string), "eventType") {
			s.quarantined = record["id"].(string)
		}
	}
	s.replay = s.api(http.MethodPost, "/v1/replays", object{"webhook": s.webhooks[sales], "source": s.webhooks[sales], "from": lately()}, http.StatusCreated)["id"].(string)
	s.eventually(func() error {
		if r := s.api(http.MethodGet, "/v1/replays/"+s.replay, nil, http.StatusOK); r["state"] == "running" {
			return errors.New("the replay goes on")
		}
		return nil
	})
}

// awaitDeliveries waits until the log has so many deliveries, or more.
func (a *account) awaitDeliveries(query string, count int) []object {
	a.t.Helper()
	var found []object
	a.eventually(func() error {
		if found = a.list("/v1/deliveries?" + query); len(found) < count {
			return fmt.Errorf("%d deliveries of %s", len(found), query)
		}
		return nil
	})
	return found
}

var kafkaAddress = regexp.MustCompile(`(?m)^ *Kafka +(\S+)`)

// quarantine produces records to a topic, as an upstream system does; bad ones end there.
func (a *account) quarantine(values ...string) {
	a.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(string(kafkaAddress.FindSubmatch(a.in.log.bytes())[1])))
	require.NoError(a.t, err)
	defer client.Close()
	var records []*kgo.Record
	for _, value := range values {
		records = append(records, &kgo.Record{Topic: "events.contacts", Key: []byte(a.id + "/Contact"), Value: []byte(value)})
	}
	ctx, end := context.WithTimeout(context.Background(), within)
	defer end()
	require.NoError(a.t, client.ProduceSync(ctx, records...).FirstErr())
}

// database opens that of the standalone, beside it.
func (s *standalone) database(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(s.dir, "staffetta.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// historyPartition is none of those that the standalone records.
const historyPartition = 1000

// remember makes what happened in the two weeks before, as the recorder would have: more
// by day than by night, and a bad hour.
func (s *shop) remember() {
	s.t.Helper()
	chance := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same pictures at each run
	var records []hook.Recorded
	now := time.Now()
	for _, about := range []string{sales, customers, documents} {
		kinds := map[string][]string{sales: {"Receipt", "ClosedBill", "Receipt"}, customers: {"Customer", "Contact"}, documents: {"Invoice"}}[about]
		busy := map[string]int{sales: 6, customers: 3, documents: 2}[about]
		for at := now.AddDate(0, 0, -14); at.Before(now.Add(-time.Hour)); at = at.Add(time.Hour) {
			if hour := at.Hour(); hour < 7 || hour > 21 || at.Weekday() == time.Sunday {
				continue
			}
			bad := about == documents && at.Day()%5 == 0 && at.Hour() == 15
			for range 1 + chance.IntN(busy) {
				records = append(records, hook.Recorded{Attempt: past(s.id, s.webhooks[about], kinds, len(records), at, chance, bad)})
			}
		}
	}
	store := sqlstore.New(s.in.database(s.t), time.Now)
	for i := range records {
		records[i].Offset = int64(i)
	}
	require.NoError(s.t, store.Record(s.t.Context(), []hook.Range{{Partition: historyPartition, To: int64(len(records)), Records: records}}))
}

func past(account, webhook string, kinds []string, n int, hour time.Time, chance *rand.Rand, bad bool) hook.Attempt {
	at := hour.Add(time.Duration(chance.IntN(3600)) * time.Second)
	a := hook.Attempt{
		Delivery: fmt.Sprintf("dlv_%026d", n), Number: 1, Fate: hook.FateDelivered, StatusCode: http.StatusNoContent,
		Account: account, Webhook: webhook, Store: []string{"1", "2", "7", "1"}[n%4], Event: fmt.Sprintf("evt_%020d", n),
		EventType: []hook.EventType{hook.Create, hook.Update, hook.Create}[n%3], ItemType: kinds[n%len(kinds)],
		Items: []string{fmt.Sprint(4000 + n)}, Bundle: hook.Coordinates{Topic: "deliveries", Offset: int64(n)},
		Source: hook.Coordinates{Topic: "events.receipts", Offset: int64(n)}, Published: at, At: at.Add(8 * time.Millisecond),
		Duration: time.Duration(20+chance.IntN(180)) * time.Millisecond, URL: "https://hooks.bottegaferri.example/",
		TraceID: fmt.Sprintf("%032x", 7_000_000+n),
	}
	a.Timing.FirstByte = a.Duration - time.Millisecond
	if bad {
		a.Fate, a.Reason, a.StatusCode, a.Response = hook.FateExhausted, hook.ReasonStatus, http.StatusInternalServerError, []byte("out of order")
	}
	return a
}

// addresses are where the webhooks of the shop seem to lead.
var addresses = map[string]string{
	sales:     "https://dwh.bottegaferri.example/hooks/staffetta",
	customers: "https://crm.bottegaferri.example/api/webhooks",
	documents: "https://contabilita.example/in/9f2c",
	goods:     "https://magazzino.bottegaferri.example/movimenti",
	loyalty:   "https://punti.bottegaferri.example/staffetta",
	former:    "https://gestionale.example/hook.php",
}

// disguise gives the shop's webhooks addresses as people would have them: all that was
// to be delivered to the tests' own receivers has been.
func (s *shop) disguise(receivers ...*receiver) {
	s.t.Helper()
	db := s.in.database(s.t)
	run := func(statement string, arguments ...any) {
		s.t.Helper()
		_, err := db.ExecContext(s.t.Context(), statement, arguments...)
		require.NoError(s.t, err)
	}
	for about, address := range addresses {
		for _, r := range receivers {
			run(`UPDATE webhooks SET settings = replace(settings, $1, $2) WHERE id = $3`, r.URL, address, s.webhooks[about])
			run(`UPDATE deliveries SET url = $2 WHERE url = $1 AND webhook = $3`, r.URL, address, s.webhooks[about])
			run(`UPDATE attempts SET url = $2 WHERE url = $1 AND delivery IN (SELECT id FROM deliveries WHERE webhook = $3)`, r.URL, address, s.webhooks[about])
		}
	}
}
