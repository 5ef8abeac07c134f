package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
)

// ItemType is an entry of the catalogue as the API shows it.
type ItemType struct {
	Name    string `json:"name" example:"Contact"`
	Italian string `json:"italian" example:"Contatto" doc:"Its name in Italian bodies; webhooks may be made with it too."`

	Aliases []string `json:"aliases" nullable:"false" doc:"Further Italian names that are understood, and never written."`
	Source  string   `json:"source,omitempty" enum:"rentman,cassa-in-cloud" doc:"The system whose catalogue it is of; left out of the installation's own."`
	Schema  bool     `json:"schema,omitempty" doc:"true: the account has a schema for the data of its items."`
}

func (s *Service) itemTypeRoutes() {
	handle(s, huma.Operation{
		OperationID: "list-item-types", Method: http.MethodGet, Path: "/v1/item-types", Tags: []string{"item-types"},
		Summary:     "List the known item types",
		Description: "The whole catalogue, then the types outside of it that have a schema. A webhook may name others too.",
	}, access{scope: hook.ScopeRead}, nil, s.listItemTypes)
	s.itemSchemaRoutes()
}

func (s *Service) listItemTypes(ctx context.Context, _ *struct{}) (*listed[ItemType], error) {
	schemas, err := s.cfg.Store.ItemSchemas(ctx, principal(ctx).Account)
	if err != nil {
		return nil, err
	}
	described := map[string]bool{}
	for _, schema := range schemas {
		described[schema.ItemType] = true
	}
	var types []ItemType
	for _, t := range catalogue.All() {
		types = append(types, ItemType{
			Name: t.Name, Italian: t.Italian, Aliases: append([]string{}, t.Aliases...), Source: string(t.Source), Schema: described[t.Name],
		})
		delete(described, t.Name)
	}
	for _, schema := range schemas {
		if name := schema.ItemType; described[name] {
			types = append(types, ItemType{Name: name, Italian: name, Aliases: []string{}, Schema: true})
		}
	}
	return newList(types, "", func(t ItemType) ItemType { return t }), nil
}
