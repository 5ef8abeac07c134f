package day

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/staffetta/staffetta/services/demo/rest"
)

// row is a delivery as the log has it.
type row struct {
	ID, EventID, EventType, ItemType, Status string
	ItemIDs                                  []string
	Store                                    *string
}

// key is the same for a row and for the event, or item, that it is of.
func (r row) key() string {
	return r.EventID + " " + kindOf(r.ItemType, r.EventType) + " " + strings.Join(r.ItemIDs, ",")
}

// logOf reads a webhook's deliveries, page by page.
func logOf(ctx context.Context, client *rest.Client, webhook string) ([]row, error) {
	var rows []row
	query := url.Values{"webhook": {webhook}, "limit": {"500"}}
	for {
		var page struct {
			Items []row
			Next  *string
		}
		if err := client.Send(ctx, http.MethodGet, "/v1/deliveries?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		rows = append(rows, page.Items...)
		if page.Next == nil {
			return rows, nil
		}
		query.Set("cursor", *page.Next)
	}
}

// logged is how many deliveries the log has as delivered.
func (r *receiver) logged(ctx context.Context, client *rest.Client) (delivered int, err error) {
	for _, b := range r.inboxes {
		if b.rows, err = logOf(ctx, client, b.webhook); err != nil {
			return 0, err
		}
		for _, one := range b.rows {
			if one.Status == "delivered" {
				delivered++
			}
		}
	}
	return delivered, nil
}

// compareLog compares a webhook's rows with its events: one row for each, delivered,
// under the id that its request had.
func (s *Summary) compareLog(b *inbox, events []event) {
	want := make(map[string]int)
	for _, e := range events {
		if !b.perItem {
			want[e.logKey(e.items...)]++
			continue
		}
		for _, it := range e.items {
			want[e.logKey(it)]++
		}
	}
	for _, r := range b.rows {
		if r.Status != "delivered" {
			s.disagree("the log has %s of %s as %s", r.ID, b.name(), r.Status)
		}
		if want[r.key()]--; want[r.key()] < 0 {
			s.disagree("the log has %s of %s, and nothing of that was to be delivered: %s", r.ID, b.name(), r.key())
		}
		if b.identified && b.seen[r.ID] == 0 {
			s.disagree("the log has %s of %s, which did not arrive", r.ID, b.name())
		}
	}
	for key, n := range want {
		if n > 0 {
			s.disagree("the log of %s lacks %d rows of %s", b.name(), n, key)
		}
	}
}

func (e event) logKey(items ...told) string {
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.id
	}
	return e.id + " " + e.kind + " " + strings.Join(ids, ",")
}
