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
}

func (s *Service) itemTypeRoutes() {
	handle(s, huma.Operation{
		OperationID: "list-item-types", Method: http.MethodGet, Path: "/v1/item-types", Tags: []string{"item-types"},
		Summary:     "List the known item types",
		Description: "The whole catalogue. A webhook may name types outside of it.",
	}, access{scope: hook.ScopeRead}, nil, s.listItemTypes)
}

func (s *Service) listItemTypes(context.Context, *struct{}) (*listed[ItemType], error) {
	return newList(catalogue.All(), "", func(t catalogue.ItemType) ItemType {
		return ItemType{Name: t.Name, Italian: t.Italian}
	}), nil
}
