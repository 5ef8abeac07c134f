package stock_test

import (
	"os"
	"testing"

	"github.com/staffetta/staffetta/pkg/upstream"
	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
	"github.com/staffetta/staffetta/services/stock"
)

func TestStock(t *testing.T) {
	t.Parallel()
	upstreamtest.Run(t, upstreamtest.Service{
		Topic: "events.stock",
		New: func(cfg upstream.Config) (*upstream.Service, error) {
			service, err := stock.New(cfg)
			if err != nil {
				return nil, err
			}
			return service.Service, nil
		},
		Migrate:  stock.Migrate,
		Database: os.Getenv("STAFFETTA_TEST_DATABASE"),
		Collections: []upstreamtest.Collection{
			{
				Path: "/equipment", ItemType: "Equipment",
				Item:   `{"name": "Forno", "code": "AT-1", "unit": "pz", "price": 1200.50}`,
				Faulty: `{"name": "Forno", "price": 1e400}`, Field: "price",
			},
			{
				Path: "/serial-numbers", ItemType: "SerialNumber",
				Item:   `{"serial": "SN%d", "purchaseDate": "2026-01-02", "equipment": 1}`,
				Faulty: `{"equipment": 1}`, Field: "serial",
			},
			{
				Path: "/stock-movements", ItemType: "StockMovement",
				Item:   `{"type": "load", "quantity": 1, "reason": "purchase", "movedAt": "2026-11-23T10:00:00Z", "equipment": 1, "store": "7"}`,
				Faulty: `{"type": "load", "quantity": 1, "equipment": 99}`, Field: "equipment",
			},
		},
	})
}
