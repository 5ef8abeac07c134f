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
				Path: "/quotes", ItemType: "Quote",
				Item:   `{"date": "2026-11-2%d", "customer": 3, "currency": "EUR", "validUntil": "2026-12-31", "accepted": true, "annulled": false, "total": 90}`,
				Faulty: `{"total": 90, "currency": "euro"}`, Field: "currency",
			},
			{
				Path: "/orders", ItemType: "Order",
				Item: `{"status": "open", "lines": [{"description": "Vino", "quantity": 6, "price": 10, "discount": 10, "vat": 22},
					{"description": "Libro", "price": 34.12, "vat": 0, "nature": "N2.2"}]}`,
				Faulty: `{"total": 90, "status": "aperto"}`, Field: "status",
			},
			{
				Path: "/invoices", ItemType: "Invoice",
				Item:   `{"total": 90, "date": "2026-11-23", "dueDate": "2026-12-23", "paid": false}`,
				Faulty: `{"date": "2026-11-23"}`, Field: "total",
			},
			{
				Path: "/credit-notes", ItemType: "CreditNote",
				Item:   `{"total": 10, "reason": "reso", "invoice": 1}`,
				Faulty: `{"total": 10, "invoice": 99}`, Field: "invoice",
				Also: []string{"update Invoice 1"},
			},
			{
				Path: "/delivery-notes", ItemType: "DeliveryNote",
				Item:   `{"total": 90, "carrier": "Corriere", "packages": 3, "order": 1}`,
				Faulty: `{"total": 90, "packages": -1}`, Field: "packages",
			},
		},
	})
}
