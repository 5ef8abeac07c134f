package webhooks

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// shown is how many webhooks one page has.
const shown = 50

// listPage is what the list shows.
type listPage struct {
	// History: those that were revoked.
	History bool
	// Sort, Search and the like are what it is ordered and narrowed by. Narrowed: by
	// something.
	Sort, Search, Status, Store string
	Narrowed                    bool
	Statuses                    []string
	Types, Stores               []choice
	// AllStores: Stores are all that there are.
	AllStores bool
	Rows      []row
	Heads     map[string]head
	// First and Next are where other pages are; empty: there are none. All is the list
	// that nothing narrows.
	First, Next, All string
	// Never: the account never had a webhook.
	Never bool
}

// head is of a column by which the list can be ordered.
type head struct {
	Name, URL string
	// Order is "ascending" or "descending" if the list is ordered by it; else empty.
	Order string
}

// defaultSort is the order that the page has if none is chosen.
func defaultSort(history bool) string {
	if history {
		return string(hook.ByRevocation)
	}
	return string(hook.ByCreation)
}

func (s *service) showList(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	query := r.URL.Query()
	status := query.Get("status")
	c := listPage{
		History: status == string(hook.Revoked), Status: status, Search: strings.TrimSpace(query.Get("search")), Store: query.Get("store"), Sort: query.Get("sort"),
		Statuses: []string{string(hook.Active), string(hook.Paused), string(hook.Resuming), string(hook.Disabled)},
	}
	if c.Sort == "" {
		c.Sort = defaultSort(c.History)
	}
	itemType := query.Get("itemType")
	asked := params(c, itemType, query.Get("cursor"))
	listed, err := page.Call(v.API.ListWebhooksWithResponse(r.Context(), asked))
	if _, refused := page.Refused(err); refused { // a link that was cut, or typed
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	n, err := learn(r.Context(), v, s.kit.Language(r, v), listed.JSON200.Items)
	if err != nil {
		return err
	}
	for i := range listed.JSON200.Items {
		c.Rows = append(c.Rows, newRow(&listed.JSON200.Items[i], n))
	}
	c.Types, c.Stores, c.AllStores = chosen(n.types, itemType), chosen(n.stores.Newest, c.Store), n.stores.Whole
	c.Narrowed = c.Search != "" || itemType != "" || c.Store != "" || status != "" && !c.History
	kept := kept(c, itemType)
	s.link(&c, kept, query.Has("cursor"), listed.JSON200.Next)
	if len(c.Rows) == 0 && !c.Narrowed && !query.Has("cursor") {
		if c.Never, err = never(r, v, !c.History); err != nil {
			return err
		}
	}
	if page.IsPart(r) {
		w.Header().Set("HX-Push-Url", s.at(kept))
		return s.kit.Fragment(w, r, v, s.list, "list again", c)
	}
	return s.kit.Show(w, r, v, s.list, c)
}

func params(c listPage, itemType, cursor string) *client.ListWebhooksParams {
	limit, sort := int64(shown), client.ListWebhooksParamsSort(c.Sort)
	p := &client.ListWebhooksParams{Limit: &limit, Sort: &sort}
	if c.Status != "" {
		status := client.ListWebhooksParamsStatus(c.Status)
		p.Status = &status
	}
	for to, text := range map[**string]string{&p.Search: c.Search, &p.ItemType: itemType, &p.Store: c.Store, &p.Cursor: cursor} {
		if text != "" {
			*to = &text
		}
	}
	return p
}

// kept is the query of the page, without a cursor and what is as it is by default.
func kept(c listPage, itemType string) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"search": c.Search, "itemType": itemType, "store": c.Store, "status": c.Status} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Sort != defaultSort(c.History) {
		q.Set("sort", c.Sort)
	}
	return q
}

func (s *service) at(query url.Values) string {
	if len(query) == 0 {
		return s.kit.Path("webhooks")
	}
	return s.kit.Path("webhooks?" + query.Encode())
}

// link fills in where the list is in other orders, and its other pages.
func (s *service) link(c *listPage, kept url.Values, later bool, next *string) {
	if later {
		c.First = s.at(kept)
	}
	with := func(name, value string) string {
		q := url.Values{}
		for name, values := range kept {
			q[name] = values
		}
		q.Set(name, value)
		return s.at(q)
	}
	if next != nil {
		c.Next = with("cursor", *next)
	}
	c.Heads = map[string]head{}
	for _, by := range []hook.WebhookSort{hook.ByCreation, hook.ByDescription, hook.ByURL, hook.ByStatus, hook.BySuspension, hook.ByRevocation} {
		name := string(by)
		h := head{Name: name, URL: with("sort", name)}
		// Times begin with the latest.
		order, other := "ascending", "descending"
		if strings.HasSuffix(name, "At") {
			order, other = other, order
		}
		switch c.Sort {
		case name:
			h.Order, h.URL = order, with("sort", "-"+name)
		case "-" + name:
			h.Order = other
		}
		c.Heads[name] = h
	}
	all := url.Values{}
	if c.History {
		all.Set("status", c.Status)
	}
	c.All = s.at(all)
}

// never reports whether an account has no webhooks of the other kind either, revoked
// or not.
func never(r *http.Request, v *page.Visitor, revoked bool) (bool, error) {
	limit := int64(1)
	p := &client.ListWebhooksParams{Limit: &limit}
	if revoked {
		status := client.ListWebhooksParamsStatus(hook.Revoked)
		p.Status = &status
	}
	listed, err := page.Call(v.API.ListWebhooksWithResponse(r.Context(), p))
	if err != nil {
		return false, err
	}
	return len(listed.JSON200.Items) == 0, nil
}
