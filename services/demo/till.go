package demo

import (
	"context"
	"net/http"
	"time"
)

const (
	receiptsPath = "/receipts"
	closingsPath = "/cash-closings"
	// daysBack is where the tills of the demo begin: a closing takes its store one day
	// further, and there are never so many of them that they reach today.
	daysBack = 30
)

// till is what the closings of the stores leave open.
type till struct {
	// today of each store, as YYYY-MM-DD: the day after the last one that is closed.
	today map[string]string
	// last are the closings of the last days, which can be deleted.
	last []int64
	// sold are the stores that have receipts of their today.
	sold []string
}

// countTill reads the closings.
func (s *shop) countTill(ctx context.Context) error {
	var closings struct {
		Items []struct {
			ID          int64
			Store, Date string
		}
	}
	if err := s.client.Send(ctx, http.MethodGet, closingsPath+"?limit=500", nil, &closings); err != nil {
		return err
	}
	s.till = till{today: make(map[string]string)}
	last := make(map[string]int64)
	for _, c := range closings.Items {
		if date, err := time.Parse(time.DateOnly, c.Date); err == nil && c.Date >= s.till.today[c.Store] {
			s.till.today[c.Store] = date.AddDate(0, 0, 1).Format(time.DateOnly)
			last[c.Store] = c.ID
		}
	}
	for _, store := range stores {
		if s.till.today[store] == "" {
			s.till.today[store] = time.Now().AddDate(0, 0, -daysBack).Format(time.DateOnly)
		}
	}
	for _, id := range last {
		s.till.last = append(s.till.last, id)
	}
	return nil
}

// surveyReceipts finds the receipts that are not of a day that is closed.
func surveyReceipts(ctx context.Context, s *shop) (choices, error) {
	if err := s.countTill(ctx); err != nil {
		return choices{}, err
	}
	var receipts struct {
		Items []struct {
			ID         int64
			Store, Day string
		}
	}
	if err := s.client.Send(ctx, http.MethodGet, receiptsPath+"?limit=500", nil, &receipts); err != nil {
		return choices{}, err
	}
	var open []int64
	for i := len(receipts.Items) - 1; i >= 0; i-- { // newest first
		r := receipts.Items[i]
		if r.Day >= s.till.today[r.Store] {
			open = append(open, r.ID)
			s.till.sold = append(s.till.sold, r.Store)
		}
	}
	return choices{edit: open, delete: open}, nil
}

// surveyClosings finds the closings that can be deleted.
func surveyClosings(ctx context.Context, s *shop) (choices, error) {
	if _, err := surveyReceipts(ctx, s); err != nil {
		return choices{}, err
	}
	return choices{edit: s.live[closingsPath], delete: s.till.last}, nil
}

func receipt(s *shop) fields {
	lines, total := s.lines()
	store, now := s.store(), time.Now()
	day, err := time.ParseInLocation(time.DateOnly, s.till.today[store], now.Location())
	if err != nil {
		day = now // there are closings of days that are none
	}
	issued := time.Date(day.Year(), day.Month(), day.Day(), now.Hour(), now.Minute(), now.Second(), 0, now.Location())
	return fields{
		"total": total, "lines": lines, "currency": "EUR", "issuedAt": issued.Format(time.RFC3339), "payment": s.payment(),
		"number": s.serial(), "store": store,
	}
}

// closing closes the today of a store, one that sold something if there is one.
func closing(s *shop) fields {
	store := s.store()
	if len(s.till.sold) > 0 {
		store = s.one(s.till.sold...)
	}
	return fields{"store": store, "date": s.till.today[store]}
}

func closingEdit(s *shop) fields {
	return fields{"note": s.one("controllata", "fondo cassa 200,00", "verificata da Giulia", "chiusa in ritardo")}
}
