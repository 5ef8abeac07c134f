package names

import (
	"cmp"
	"context"
	"slices"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

// storesPage is how many stores are read at once, storesPages how often at most: the id
// of a store that is gone is in none.
const (
	storesPage  = 500
	storesPages = 4
)

// Stores are what an account's stores are called.
type Stores struct {
	names map[string]string
	// Newest are to choose from, by name; Whole: there are no others.
	Newest []Choice
	Whole  bool
}

// StoresOf asks for the newest stores, and beyond them for as many as it takes to name
// those of the ids.
func StoresOf(ctx context.Context, api *client.ClientWithResponses, ids []string) (*Stores, error) {
	s := &Stores{names: map[string]string{}}
	limit := int64(storesPage)
	var cursor *string
	for range storesPages {
		listed, err := page.Call(api.ListStoresWithResponse(ctx, &client.ListStoresParams{Limit: &limit, Cursor: cursor}))
		if err != nil {
			return nil, err
		}
		for _, store := range listed.JSON200.Items {
			s.names[store.ID] = cmp.Or(store.Name, store.ID)
			if cursor == nil {
				s.Newest = append(s.Newest, Choice{store.ID, s.names[store.ID]})
			}
		}
		s.Whole = cursor == nil && listed.JSON200.Next == nil
		cursor = listed.JSON200.Next
		if cursor == nil || !slices.ContainsFunc(ids, func(id string) bool { return s.names[id] == "" }) {
			break
		}
	}
	byName(s.Newest)
	return s, nil
}

// Name is a store's: its id if that is not known.
func (s *Stores) Name(id string) string { return cmp.Or(s.names[id], id) }
