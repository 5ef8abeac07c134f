package receipts_test

import (
	"os"
	"testing"

	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
	"github.com/staffetta/staffetta/services/receipts"
)

func TestReceipts(t *testing.T) {
	t.Parallel()
	upstreamtest.Run(t, upstreamtest.Service{
		Topic:    "events.receipts",
		New:      receipts.New,
		Migrate:  receipts.Migrate,
		Database: os.Getenv("STAFFETTA_TEST_DATABASE"),
		Collections: []upstreamtest.Collection{
			{
				Path: "/closed-bills", ItemType: "ClosedBill",
				Item: `{"total": 36.50, "number": "118", "table": "12", "covers": 2, "closedAt": "2026-11-23T21:04:00+01:00",
					"payment": "card", "lines": [{"description": "Risotto", "quantity": 2, "price": 13}], "store": "7"}`,
				Faulty: `{"total": "36.50"}`, Field: "total",
			},
			{
				Path: "/receipts", ItemType: "Receipt",
				Item:   `{"total": 36.50, "number": "0118-004%d", "currency": "EUR", "issuedAt": "2026-11-23T21:05:00+01:00", "payment": "cash", "closedBill": 1}`,
				Faulty: `{"total": 1, "closedBill": 99}`, Field: "closedBill",
			},
			{
				Path: "/cash-closings", ItemType: "CashClosing",
				Item:   `{"store": "7", "date": "2026-11-2%d"}`,
				Faulty: `{"date": "23.11.2026"}`, Field: "date",
			},
		},
	})
}
