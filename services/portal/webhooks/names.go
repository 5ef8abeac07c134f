package webhooks

import (
	"context"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// choice is an entry of a filter.
type choice struct {
	Value, Name string
	Chosen      bool
}

// names are those of item types and stores, as the reader knows them. What is not in
// them is called by its id.
type names struct {
	types, stores map[string]string
	// catalogue are the item types in the order of their names, shops the stores: all of
	// them if whole, else the newest.
	catalogue, shops []choice
	whole            bool
}

// storesPage is how many stores are read at once, storesPages how often at most: the id
// of a store that is gone is in none.
const (
	storesPage  = 500
	storesPages = 4
)

// learn reads the names; of stores the newest, and beyond them as many as it takes to
// name those of the webhooks.
func learn(ctx context.Context, v *page.Visitor, language hook.Language, webhooks []client.Webhook) (*names, error) {
	types, err := page.Call(v.API.ListItemTypesWithResponse(ctx))
	if err != nil {
		return nil, err
	}
	n := &names{types: map[string]string{}, stores: map[string]string{}}
	for _, t := range types.JSON200.Items {
		name := catalogue.Words(t.Name)
		if language == hook.Italian {
			name = catalogue.Words(t.Italian)
		}
		n.types[t.Name] = name
		n.catalogue = append(n.catalogue, choice{Value: t.Name, Name: name})
	}
	slices.SortFunc(n.catalogue, byName)
	limit := int64(storesPage)
	var cursor *string
	for range storesPages {
		listed, err := page.Call(v.API.ListStoresWithResponse(ctx, &client.ListStoresParams{Limit: &limit, Cursor: cursor}))
		if err != nil {
			return nil, err
		}
		for _, store := range listed.JSON200.Items {
			n.stores[store.ID] = store.Name
			if cursor == nil {
				n.shops = append(n.shops, choice{Value: store.ID, Name: store.Name})
			}
		}
		n.whole = cursor == nil && listed.JSON200.Next == nil
		cursor = listed.JSON200.Next
		if cursor == nil || n.know(webhooks) {
			break
		}
	}
	slices.SortFunc(n.shops, byName)
	return n, nil
}

// know reports whether the stores of webhooks have names.
func (n *names) know(webhooks []client.Webhook) bool {
	for i := range webhooks {
		for _, id := range webhooks[i].Stores {
			if _, known := n.stores[id]; !known {
				return false
			}
		}
	}
	return true
}

func byName(a, b choice) int {
	return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
}

// of gives the names of ids.
func of(known map[string]string, ids []string) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id
		if name := known[id]; name != "" {
			list[i] = name
		}
	}
	return list
}

// chosen marks an entry, which is added if it is not there.
func chosen(all []choice, value string) []choice {
	if value == "" {
		return all
	}
	marked := slices.Clone(all)
	for i := range marked {
		if marked[i].Value == value {
			marked[i].Chosen = true
			return marked
		}
	}
	return append(marked, choice{Value: value, Name: value, Chosen: true})
}
