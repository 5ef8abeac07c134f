package demo

import (
	"context"
	"net/http"
	"strconv"
)

// documents finds what may become of the documents of a kind: the newest can be deleted, as
// it is the last of its series, unless others have it as their parent. children are
// lists of them, to which its id is added; from is the kind that it may be made of,
// by an action.
func documents(path string, from source, children ...string) func(context.Context, *shop) (choices, error) {
	return func(ctx context.Context, s *shop) (choices, error) {
		found := choices{edit: s.live[path]}
		if from.path != "" {
			if err := s.findSource(ctx, from, &found); err != nil {
				return choices{}, err
			}
		}
		if len(found.edit) == 0 {
			return found, nil
		}
		newest := found.edit[len(found.edit)-1]
		for _, list := range children {
			var page struct{ Items []struct{ ID int64 } }
			if err := s.client.Send(ctx, http.MethodGet, list+strconv.FormatInt(newest, 10)+"&limit=1", nil, &page); err != nil {
				return choices{}, err
			}
			if len(page.Items) > 0 {
				return found, nil
			}
		}
		found.delete = []int64{newest}
		return found, nil
	}
}

// source is a kind of document that becomes another one by an action; field says what it
// has become.
type source struct{ path, action, field string }

// findSource chooses a document that has become none yet.
func (s *shop) findSource(ctx context.Context, from source, found *choices) error {
	var page struct{ Items []map[string]any }
	if err := s.client.Send(ctx, http.MethodGet, from.path+"?limit=50", nil, &page); err != nil {
		return err
	}
	for _, it := range page.Items {
		if ref, ok := it["ref"].(string); ok && it[from.field] == nil {
			found.source = ref + "/" + from.action
			return nil
		}
	}
	return nil
}

// surveyCreditNotes finds an invoice of which something is left.
func surveyCreditNotes(ctx context.Context, s *shop) (choices, error) {
	found, err := documents("/credit-notes", source{})(ctx, s)
	if err != nil {
		return choices{}, err
	}
	var invoices struct {
		Items []struct {
			ID              int64
			Total, Credited float64
		}
	}
	if err := s.client.Send(ctx, http.MethodGet, "/invoices?limit=50", nil, &invoices); err != nil {
		return choices{}, err
	}
	s.credit = credit{}
	for _, i := range invoices.Items {
		if left := i.Total - i.Credited; left > s.credit.left {
			s.credit = credit{invoice: i.ID, left: left}
		}
	}
	// Half of what is left: there is always some for the next one.
	found.full = s.credit.left < 1
	return found, nil
}

// credit is the invoice that the next credit note is of.
type credit struct {
	invoice int64
	left    float64
}

func creditNote(s *shop) fields {
	return fields{
		"invoice": s.credit.invoice, "date": s.day(0), "reason": s.one("reso", "sconto", "errore di prezzo"),
		"total": float64(int(s.credit.left*50)) / 100,
	}
}

// document is one whose totals the service adds up.
func document(s *shop) fields {
	lines, _ := s.lines()
	for _, l := range lines {
		l["vat"] = 10 // food served at the table
	}
	return fields{"date": s.day(0), "currency": "EUR", "lines": lines}
}
