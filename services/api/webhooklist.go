package api

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
)

// webhookListInput has its own cursor: one of an order by URL has a whole URL.
type webhookListInput struct {
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"The most items to return."`
	Cursor    string `query:"cursor" maxLength:"16384" doc:"next of the page before, which had the same sort."`
	Status    string `query:"status" enum:"active,paused,resuming,disabled,revoked" doc:"Only those; by default all but the revoked."`
	Search    string `query:"search" maxLength:"200" doc:"Only those whose description, URL, id or an item type, in English or Italian, contains it, whatever the case of letters."`
	ItemType  string `query:"itemType" maxLength:"100" doc:"Only those that are told of its changes, those of all item types too; in English or Italian. * for those of all item types alone."`
	EventType string `query:"eventType" enum:"create,update,delete" doc:"Only those that are told of such changes."`
	Store     string `query:"store" maxLength:"256" doc:"Only those that are told of this store's changes, those of all stores too."`
	Sort      string `query:"sort" enum:"createdAt,description,url,status,suspendedAt,revokedAt,-createdAt,-description,-url,-status,-suspendedAt,-revokedAt" default:"createdAt" doc:"The order: of times the latest first, of texts the lowest letter; a leading - turns it round. Webhooks that have no such time come last either way; those of which it is the same are in the order of their ids."`
}

// minMeant is the fewest characters of a search that is looked up in the catalogue too:
// nearly every name has one or two.
const minMeant = 3

func (in *webhookListInput) filter() (hook.WebhookFilter, error) {
	f := hook.WebhookFilter{
		Status: hook.Status(in.Status), EventType: hook.EventType(in.EventType), Store: in.Store,
		Search: in.Search, SearchTypes: meantTypes(in.Search),
	}
	sort, reverse := strings.CutPrefix(in.Sort, "-")
	f.Sort, f.Reverse = hook.WebhookSort(sort), reverse
	if in.ItemType != "" {
		kept, rule := itemType(in.ItemType)
		if rule != "" {
			return f, hook.FieldError{Field: "itemType", Value: in.ItemType, Rule: rule}
		}
		f.ItemType = kept
	}
	return f, nil
}

// meantTypes are the item types of which an Italian name contains a search.
func meantTypes(search string) (names []string) {
	if utf8.RuneCountInString(search) < minMeant {
		return nil
	}
	search = strings.ToLower(search)
	for _, t := range catalogue.All() {
		for _, name := range append([]string{t.Italian}, t.Aliases...) {
			if strings.Contains(strings.ToLower(name), search) {
				names = append(names, t.Name)
				break
			}
		}
	}
	return names
}

func (s *Service) listWebhooks(ctx context.Context, in *webhookListInput) (*listed[Webhook], error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	rows, next, err := s.cfg.Store.Webhooks(ctx, principal(ctx).Account, filter, hook.Page{Limit: in.Limit, After: in.Cursor})
	if err != nil {
		return nil, err
	}
	list := newList(rows, next, s.showWebhook)
	s.showHealth(ctx, list.Body.Items, rows)
	return list, nil
}
