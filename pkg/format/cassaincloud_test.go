package format_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
)

func receipt(what hook.EventType, itemType, data string) hook.Event {
	item := hook.Item{ID: "4711", Ref: "/receipts/4711"}
	if data != "" {
		item.Data = []byte(data)
	}
	return hook.Event{ID: "01JZ8K", Account: "acme", Type: what, ItemType: itemType, Items: []hook.Item{item}, Date: "2023-02-02T12:07:01+01:00"}
}

// cassa is the request of an item in the format.
func cassa(t *testing.T, e hook.Event) (body string, h http.Header) {
	t.Helper()
	r, err := format.Render(nil, &hook.Webhook{Format: hook.FormatCassaInCloud}, "Acme", &e, delivery)
	require.NoError(t, err)
	h = http.Header{}
	require.NoError(t, format.Sign(h, hook.FormatCassaInCloud, r, format.Signing{Delivery: delivery, At: now, Secrets: rotating("some_secret_key")}))
	for _, line := range r.Header {
		h.Set(line.Name, line.Value)
	}
	return string(r.Body), h
}

func TestACassaInCloudBodyIsTheItemAsItWasPublished(t *testing.T) {
	t.Parallel()
	published, err := os.ReadFile(filepath.Join("testdata", "cassa-in-cloud", "receipt.json"))
	require.NoError(t, err)
	for what, operation := range map[hook.EventType]string{
		hook.Create: "RECEIPT/CREATE", hook.Update: "RECEIPT/EDIT", hook.Delete: "RECEIPT/DELETE",
	} {
		body, h := cassa(t, receipt(what, "Receipt", string(published)))
		require.Equal(t, string(published), body, "byte for byte, white space and numbers too; of a delete its last data")
		require.Equal(t, operation, h.Get("x-cn-operation"))
		require.Equal(t, "application/json", h.Get("content-type"))
		require.Len(t, h, 3, "only Content-Type and those two")
	}
}

func TestACassaInCloudBodyWithoutDataIsTheID(t *testing.T) {
	t.Parallel()
	body, _ := cassa(t, receipt(hook.Delete, "Receipt", ""))
	require.Equal(t, `{"id":4711}`, body)
	e := receipt(hook.Delete, "Receipt", "")
	e.Items[0].ID = `A "7"`
	body, _ = cassa(t, e)
	require.Equal(t, `{"id":"A \"7\""}`, body)
}

func TestACassaInCloudOperationNamesAnyType(t *testing.T) {
	t.Parallel()
	for itemType, operation := range map[string]string{
		"ClosedBill": "CLOSED_BILL/EDIT", "DeliveryNote": "DELIVERY_NOTE/EDIT", "StockMovement": "STOCK_MOVEMENT/EDIT",
		"VATCode": "VAT_CODE/EDIT", "Unità": "UNIT%C3%80/EDIT",
	} {
		_, h := cassa(t, receipt(hook.Update, itemType, "{}"))
		require.Equal(t, operation, h.Get("x-cn-operation"))
	}
}

// A receiver as a shop writes one in PHP: it takes the raw body, the signature and
// the operation from the request.
func TestAReceiverOfCassaInCloudWorksUnchanged(t *testing.T) {
	t.Parallel()
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip("not installed: php")
	}
	const receiver = `
		$raw = $argv[1];
		if (hash_hmac('sha1', $raw, 'some_secret_key') !== $argv[2]) exit('refused');
		list($entity, $operation) = explode('/', $argv[3]);
		echo $entity, ' ', $operation, ' ', json_decode($raw)->number;`
	run := func(e hook.Event) string {
		body, h := cassa(t, e)
		out, err := exec.Command(php, "-r", receiver, "--", body, h.Get("x-cn-signature"), h.Get("x-cn-operation")).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	require.Equal(t, "RECEIPT CREATE 12", run(receipt(hook.Create, "Receipt", `{"number": 12, "total": 10.50}`)))
}

func TestACassaInCloudRequestIsOfOneItem(t *testing.T) {
	t.Parallel()
	e := serialNumbers()
	_, err := format.Render(nil, &hook.Webhook{Format: hook.FormatCassaInCloud}, "Acme", &e, delivery)
	require.EqualError(t, err, `items must be one in the format cassa-in-cloud, not "2 items"`)
}
