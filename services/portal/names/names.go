// Package names tells what people call the webhooks, stores and item types that pages
// show by their ids.
package names

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// offered is how many webhooks or stores are offered in a form to choose from. Where
// there are more, their ids are entered: nobody finds one in a longer list, and it
// would be made for each page.
const offered = 200

// Choice is one of those that a form offers.
type Choice struct{ ID, Name string }

// Names are those of an account. They are for one request, or for one stream.
type Names struct {
	api      *client.ClientWithResponses
	webhooks map[string]Webhook
	// stores is nil until they were asked for.
	stores *Stores
	// Webhooks and Stores are all that there are, by name, to choose from; nil if they are
	// too many.
	Webhooks, Stores []Choice
}

// Webhook is what a page says of one.
type Webhook struct {
	// Name is its description, or else where it leads; its id if it is not known.
	Name string
	// URL is without what may be secret in it.
	URL    string
	Status string
}

// Unnamed says that the name is but where it leads.
func (w Webhook) Unnamed() bool { return strings.HasSuffix(w.URL, "://"+w.Name) }

// New are names that are asked for one by one.
func New(api *client.ClientWithResponses) *Names {
	return &Names{api: api, webhooks: map[string]Webhook{}}
}

// Of asks for what there is to choose from.
func Of(ctx context.Context, api *client.ClientWithResponses) (*Names, error) {
	n := New(api)
	limit := int64(offered)
	listed, err := page.Call(api.ListWebhooksWithResponse(ctx, &client.ListWebhooksParams{Limit: &limit}))
	if err != nil {
		return nil, err
	}
	for i := range listed.JSON200.Items {
		h := &listed.JSON200.Items[i]
		n.webhooks[h.ID] = describe(h)
		n.Webhooks = append(n.Webhooks, Choice{h.ID, n.webhooks[h.ID].Name})
	}
	if listed.JSON200.Next != nil {
		n.Webhooks = nil
	}
	byName(n.Webhooks)
	return n, n.readStores(ctx)
}

// readStores asks for the newest stores; those behind keep their ids.
func (n *Names) readStores(ctx context.Context) (err error) {
	n.stores, err = StoresOf(ctx, n.api, nil)
	if err == nil && n.stores.Whole && len(n.stores.Newest) <= offered {
		n.Stores = n.stores.Newest
	}
	return err
}

func byName(choices []Choice) {
	slices.SortStableFunc(choices, func(a, b Choice) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
}

func describe(h *client.Webhook) Webhook {
	w := Webhook{Name: h.Description, Status: string(h.Status)}
	if u, err := url.Parse(h.URL); err == nil && h.URL != "" {
		w.URL = hook.ShownURL(u)
	}
	if w.Name == "" {
		w.Name = cmp.Or(strings.TrimPrefix(strings.TrimPrefix(w.URL, "https://"), "http://"), h.ID)
	}
	return w
}

// Webhook tells what a webhook is called, also of one that was revoked.
func (n *Names) Webhook(ctx context.Context, id string) (Webhook, error) {
	if w, known := n.webhooks[id]; known {
		return w, nil
	}
	got, err := page.Call(n.api.GetWebhookWithResponse(ctx, id))
	var refused *client.Problem
	switch {
	case err == nil:
		n.webhooks[id] = describe(got.JSON200)
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		n.webhooks[id] = Webhook{Name: id} // or else it would be asked for again
	default:
		return Webhook{}, err
	}
	return n.webhooks[id], nil
}

// Store tells what a store is called: its id if that is not known.
func (n *Names) Store(ctx context.Context, id string) (string, error) {
	if n.stores == nil {
		if err := n.readStores(ctx); err != nil {
			return "", err
		}
	}
	return n.stores.Name(id), nil
}

// With is choices with the one that is chosen already among them, such as a webhook that
// was revoked; nil if there are none to choose from.
func With(choices []Choice, id, name string) []Choice {
	if choices == nil || id == "" || slices.ContainsFunc(choices, func(c Choice) bool { return c.ID == id }) {
		return choices
	}
	return append(slices.Clone(choices), Choice{id, name})
}

// ItemType is the name of an item type in a language.
func ItemType(lang hook.Language, name string) string {
	if lang == hook.Italian {
		return catalogue.Italian(name)
	}
	return name
}

// Spoken is the name of an item type in a language as people read it, with its words
// apart: "Contact person" of ContactPerson. One that is not in the catalogue is the
// installation's own, and stays as it is.
func Spoken(lang hook.Language, name string) string {
	if !slices.ContainsFunc(catalogue.All(), func(t catalogue.ItemType) bool { return t.Name == name }) {
		return name
	}
	return catalogue.Words(ItemType(lang, name))
}

// Types asks for all item types that there are, with their names as people read them in a
// language, by name.
func Types(ctx context.Context, api *client.ClientWithResponses, lang hook.Language) ([]Choice, error) {
	types, err := page.Call(api.ListItemTypesWithResponse(ctx))
	if err != nil {
		return nil, err
	}
	var all []Choice
	for _, t := range types.JSON200.Items {
		all = append(all, Choice{t.Name, Spoken(lang, t.Name)})
	}
	byName(all)
	return all, nil
}

// ItemTypes are the names of those in the catalogue, sorted.
func ItemTypes(lang hook.Language) []string {
	all := map[string]bool{}
	for _, t := range catalogue.All() {
		all[ItemType(lang, t.Name)] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// Instants as forms have them: <input type="datetime-local">, in UTC. portal.js shows them
// in the reader's own time zone.
const (
	minutes = "2006-01-02T15:04"
	seconds = "2006-01-02T15:04:05"
)

// Instant reads one; also one in RFC 3339, which others put into a URL.
func Instant(text string) (time.Time, error) {
	for _, layout := range []string{minutes, seconds} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at.UTC(), err
}

// InForm writes one.
func InForm(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	at = at.UTC()
	if at.Second() == 0 {
		return at.Format(minutes)
	}
	return at.Format(seconds)
}
