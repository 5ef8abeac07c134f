package invoices_test

import (
	"os"
	"testing"

	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
	"github.com/staffetta/staffetta/services/invoices"
)

func TestInvoices(t *testing.T) {
	t.Parallel()
	upstreamtest.Run(t, upstreamtest.Service{
		Topic:    "events.invoices",
		New:      invoices.New,
		Migrate:  invoices.Migrate,
		Database: os.Getenv("STAFFETTA_TEST_DATABASE"),
		Collections: []upstreamtest.Collection{
			{
				Path: "/orders", ItemType: "Order",
				Item:   `{"total": 90, "number": "2026/7", "status": "open", "customer": 3}`,
				Faulty: `{"total": 90, "status": "aperto"}`, Field: "status",
			},
			{
				Path: "/invoices", ItemType: "Invoice",
				Item:   `{"total": 90, "number": "2026/118", "date": "2026-11-23", "dueDate": "2026-12-23", "paid": false}`,
				Faulty: `{"number": "2026/118"}`, Field: "total",
			},
			{
				Path: "/credit-notes", ItemType: "CreditNote",
				Item:   `{"total": 10, "reason": "reso", "invoice": 1}`,
				Faulty: `{"total": 10, "invoice": 99}`, Field: "invoice",
			},
			{
				Path: "/delivery-notes", ItemType: "DeliveryNote",
				Item:   `{"total": 90, "carrier": "Corriere", "packages": 3, "order": 1}`,
				Faulty: `{"total": 90, "packages": -1}`, Field: "packages",
			},
			{
				Path: "/quotes", ItemType: "Quote",
				Item:   `{"total": 90, "currency": "EUR", "validUntil": "2026-12-31", "accepted": true}`,
				Faulty: `{"total": 90, "currency": "euro"}`, Field: "currency",
			},
		},
	})
}
