package demo

import (
	"context"
	"net/http"
	"time"
)

const (
	movements = "/stock-movements"
	// mostSold at a time; of less there is nothing sold.
	mostSold = 3
)

// place is where there is some of a product.
type place struct {
	equipment int64
	store     string
}

// countStock reads the levels and the movements. One may be deleted if that leaves
// no level below zero: one that took something, or one whose goods are still there.
func (s *shop) countStock(ctx context.Context) error {
	var levels struct {
		Items []struct {
			Equipment int64
			Store     string
			Quantity  float64
		}
	}
	if err := s.client.Send(ctx, http.MethodGet, "/stock-levels?limit=500", nil, &levels); err != nil {
		return err
	}
	var moved struct {
		Items []struct {
			ID, Equipment int64
			Store, Type   string
			Quantity      float64
		}
	}
	if err := s.client.Send(ctx, http.MethodGet, movements+"?limit=500", nil, &moved); err != nil {
		return err
	}
	has := make(map[place]float64)
	s.stocked, s.spare = nil, nil
	for _, l := range levels.Items {
		at := place{l.Equipment, l.Store}
		has[at] = l.Quantity
		if l.Quantity >= mostSold {
			s.stocked = append(s.stocked, at)
		}
	}
	for i := len(moved.Items) - 1; i >= 0; i-- { // newest first
		m := moved.Items[i]
		level, counted := has[place{m.Equipment, m.Store}] // not of a product that is gone
		if m.Type == "unload" || !counted || level >= m.Quantity {
			s.spare = append(s.spare, m.ID)
		}
	}
	return nil
}

func surveyMovements(ctx context.Context, s *shop) (choices, error) {
	err := s.countStock(ctx)
	return choices{edit: s.live[movements], delete: s.spare}, err
}

// movement sells something if there is something to sell, else it buys.
func movement(s *shop) fields {
	m := fields{"movedAt": time.Now().Format(time.RFC3339)}
	if len(s.stocked) > 0 && s.random.IntN(2) == 0 {
		at := s.stocked[s.random.IntN(len(s.stocked))]
		m["type"], m["reason"], m["quantity"] = "unload", "sale", 1+s.random.IntN(mostSold)
		m["equipment"], m["store"] = at.equipment, at.store
		return m
	}
	m["type"], m["reason"], m["quantity"], m["store"] = "load", "purchase", 20+s.random.IntN(20), s.store()
	return m
}

func movementEdit(s *shop) fields {
	return fields{"movedAt": time.Now().Format(time.RFC3339), "note": s.one("controllato", "bolla ricevuta", "da verificare")}
}
