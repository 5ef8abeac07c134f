package deliveries

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// row is a delivery as the log shows it.
type row struct {
	client.Delivery
	// Key is the row's id in the page: an event that is published again on another day is
	// there twice, with one delivery id.
	Key string
	// Type is the item type in the reader's language.
	Type      string
	Items     []string
	MoreItems int
	// HookName and StoreName are what people call them.
	HookName, StoreName string
	// StoreNamed tells that the store has a name, and not its id alone.
	StoreNamed bool
	// Took is from the event to the end of the delivery; empty while it goes on.
	Took string
	// Swap is where htmx puts the row; empty in a page.
	Swap string
}

// items is how many ids of items a row shows.
const items = 3

// version tells whether a row is another one than before.
func (r *row) version() string {
	return fmt.Sprint(r.UpdatedAt.UnixMicro(), r.Status, r.Reason, r.AttemptCount)
}

// listPage is what the log shows.
type listPage struct {
	Query query
	Rows  []row
	// All and Failed are where those are; the rest of the filters stays.
	All, Failed string
	// Choices of the filters; those of webhooks and stores are nil if there are too many.
	Statuses, ItemTypes []string
	Webhooks, Stores    []names.Choice
	Reasons             []hook.Reason
	Newest, Older       string
	Live                *live
	// Filtered tells that there may be more than is shown.
	Filtered bool
}

func (s *service) showList(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	q := readQuery(r)
	n, err := names.Of(r.Context(), v.API)
	if err != nil {
		return err
	}
	chosen := names.Webhook{}
	if id := q.Of("webhook"); id != "" {
		if chosen, err = n.Webhook(r.Context(), id); err != nil {
			return err
		}
	}
	lang := s.kit.Language(r, v)
	p := listPage{
		Query: q, All: s.kit.Path("log" + q.with("status", "")), Failed: s.kit.Path("log" + q.with("status", failed)),
		Statuses: statuses, ItemTypes: itemTypeChoices(lang), Reasons: hook.Reasons,
		Webhooks: q.webhookChoices(n, chosen), Stores: names.With(n.Stores, q.Of("store"), q.Of("store")),
		Filtered: len(q.Values) > 0 || q.Cursor != "",
	}
	if q.Faults != nil {
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.list, p)
	}
	rows, next, err := look(r.Context(), v.API, q, n, lang)
	if faults, refused := page.Refused(err); refused {
		if faults.Of("cursor") != "" || len(faults.Fields) == 0 {
			s.kit.Tell(w, r, page.NotFound)
			return nil
		}
		p.Query.Faults = faults
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.list, p)
	}
	if err != nil {
		return err
	}
	p.Rows = rows
	if q.Cursor != "" {
		p.Newest = s.kit.Path("log" + q.with("", ""))
	} else {
		p.Live = s.live(q, liveOn, digest(rows))
	}
	if next != "" {
		p.Older = s.kit.Path("log" + q.with("cursor", next))
	}
	return s.kit.Show(w, r, v, s.list, p)
}

// look asks for a page of the log.
func look(ctx context.Context, api *client.ClientWithResponses, q query, n *names.Names, lang hook.Language) (rows []row, next string, err error) {
	listed, err := page.Call(api.ListDeliveriesWithResponse(ctx, q.params()))
	if err != nil {
		return nil, "", err
	}
	rows = make([]row, len(listed.JSON200.Items))
	for i, d := range listed.JSON200.Items {
		if rows[i], err = rowOf(ctx, d, n, lang); err != nil {
			return nil, "", err
		}
	}
	if listed.JSON200.Next != nil {
		next = *listed.JSON200.Next
	}
	return rows, next, nil
}

func rowOf(ctx context.Context, d client.Delivery, n *names.Names, lang hook.Language) (row, error) {
	r := row{
		Delivery: d, Key: fmt.Sprintf("%s-%d", d.ID, d.PublishedAt.UnixMicro()),
		Type: names.Spoken(lang, d.ItemType), Items: d.ItemIds[:min(len(d.ItemIds), items)], MoreItems: max(len(d.ItemIds)-items, 0),
	}
	h, err := n.Webhook(ctx, d.Webhook)
	if err != nil {
		return r, err
	}
	r.HookName = cmp.Or(h.Name, d.Webhook)
	if d.Store != nil {
		if r.StoreName, err = n.Store(ctx, *d.Store); err != nil {
			return r, err
		}
		r.StoreNamed = r.StoreName != *d.Store
	}
	if over(string(d.Status)) && d.AttemptCount > 0 {
		r.Took = took(lang, max(d.UpdatedAt.Sub(d.PublishedAt), 0))
	}
	return r, nil
}

// over tells whether nothing further happens to a delivery by itself soon.
func over(status string) bool {
	return !slices.Contains([]string{"pending", "retrying", "held"}, status)
}

// took is a duration as people say it.
func took(lang hook.Language, d time.Duration) string {
	point := func(n float64, unit string) string {
		text := fmt.Sprintf("%.1f", n)
		if n >= 10 {
			text = fmt.Sprintf("%.0f", n)
		}
		if lang == hook.Italian {
			text = strings.Replace(text, ".", ",", 1)
		}
		return text + " " + unit
	}
	switch {
	case d < 10*time.Microsecond:
		return "0 ms"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return point(float64(d.Microseconds())/1e3, "ms")
	case d < 2*time.Minute:
		return point(d.Seconds(), "s")
	case d < 2*time.Hour:
		return point(d.Minutes(), "min")
	default:
		return point(d.Hours(), "h")
	}
}
