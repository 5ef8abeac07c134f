package webhooks

import (
	"context"
	"slices"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// labels are the names of item types and stores, as the reader knows them.
type labels struct {
	language hook.Language
	// types are all item types, by name.
	types  []names.Choice
	stores *names.Stores
}

// learn reads the names, of stores those that webhooks have too.
func learn(ctx context.Context, v *page.Visitor, language hook.Language, webhooks []client.Webhook) (*labels, error) {
	k := &labels{language: language}
	var err error
	if k.types, err = names.Types(ctx, v.API, language); err != nil {
		return nil, err
	}
	var stores []string
	for i := range webhooks {
		stores = append(stores, webhooks[i].Stores...)
	}
	k.stores, err = names.StoresOf(ctx, v.API, stores)
	return k, err
}

// typeNames are the names of item types.
func (k *labels) typeNames(types []string) []string {
	return each(types, func(name string) string { return names.Spoken(k.language, name) })
}

// storeNames are the names of stores by their ids.
func (k *labels) storeNames(ids []string) []string { return each(ids, k.stores.Name) }

func each(ids []string, name func(string) string) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = name(id)
	}
	return list
}

// choice is an entry of a filter.
type choice struct {
	Value, Name string
	Chosen      bool
}

// chosen are choices of which the one with the value is chosen, which is added if it is
// not there.
func chosen(all []names.Choice, value string) []choice {
	list := make([]choice, len(all), len(all)+1)
	for i, c := range all {
		list[i] = choice{Value: c.ID, Name: c.Name, Chosen: c.ID == value}
	}
	if value != "" && !slices.ContainsFunc(list, func(c choice) bool { return c.Chosen }) {
		list = append(list, choice{Value: value, Name: value, Chosen: true})
	}
	return list
}
