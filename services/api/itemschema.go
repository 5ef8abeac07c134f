package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/itemschema"
)

// ItemTypeInput names an item type in the path.
type ItemTypeInput struct {
	ItemType string `path:"itemType" doc:"In English or Italian; it need not be in the catalogue."`
}

type itemSchemaInput struct {
	ItemTypeInput
	JSONBody
}

type itemSchemaAnswer struct {
	Body json.RawMessage
}

func (s *Service) itemSchemaRoutes() {
	tags := []string{"item-types"}
	const path = "/v1/item-types/{itemType}/schema"
	handle(s, huma.Operation{
		OperationID: "get-item-schema", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "Get the schema of an item type's data", Errors: []int{http.StatusNotFound},
	}, access{scope: hook.ScopeRead}, nil, s.getItemSchema)
	handle(s, huma.Operation{
		OperationID: "put-item-schema", Method: http.MethodPut, Path: path, Tags: tags,
		Summary: "Set the schema of an item type's data",
		Description: "A JSON Schema. From now on an event goes to quarantine if the data of one of its items breaks it; " +
			"deletes, and items without data, are not checked.",
		DefaultStatus: http.StatusNoContent,
	}, access{scope: hook.ScopeWrite}, &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}, s.putItemSchema)
	handle(s, huma.Operation{
		OperationID: "delete-item-schema", Method: http.MethodDelete, Path: path, Tags: tags,
		Summary:       "Remove the schema of an item type's data",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access{scope: hook.ScopeWrite}, nil, s.deleteItemSchema)
}

func (s *Service) getItemSchema(ctx context.Context, in *ItemTypeInput) (*itemSchemaAnswer, error) {
	name := catalogue.Canonical(in.ItemType)
	schemas, err := s.cfg.Store.ItemSchemas(ctx, principal(ctx).Account)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(schemas, func(s hook.ItemSchema) bool { return s.ItemType == name })
	if at < 0 {
		return nil, fmt.Errorf("schema of %q: %w", name, hook.ErrNotFound)
	}
	return &itemSchemaAnswer{Body: schemas[at].Schema}, nil
}

func (s *Service) putItemSchema(ctx context.Context, in *itemSchemaInput) (*empty, error) {
	account := principal(ctx).Account
	var faults faultList
	name, rule := itemType(in.ItemType)
	if rule != "" {
		faults.add("itemType", in.ItemType, rule)
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	if _, err := itemschema.Compile(in.RawBody); err != nil {
		return nil, err
	}
	schemas, err := s.cfg.Store.ItemSchemas(ctx, account)
	if err != nil {
		return nil, err
	}
	// Two at the same moment may make one too many, which does no harm.
	isNew := !slices.ContainsFunc(schemas, func(s hook.ItemSchema) bool { return s.ItemType == name })
	if isNew && len(schemas) >= itemschema.MaxSchemas {
		return nil, hook.FieldError{Field: "itemType", Value: name, Rule: "must be one of the " +
			strconv.Itoa(itemschema.MaxSchemas) + " that have a schema: an account has no more"}
	}
	if err := s.cfg.Store.PutItemSchema(ctx, account, hook.ItemSchema{ItemType: name, Schema: in.RawBody}); err != nil {
		return nil, err
	}
	s.publisher.wake()
	return nil, nil
}

func (s *Service) deleteItemSchema(ctx context.Context, in *ItemTypeInput) (*empty, error) {
	name, rule := itemType(in.ItemType)
	if rule != "" { // what no item type is called has no schema
		return nil, fmt.Errorf("schema of %q: %w", in.ItemType, hook.ErrNotFound)
	}
	if err := s.cfg.Store.DeleteItemSchema(ctx, principal(ctx).Account, name); err != nil {
		return nil, err
	}
	s.publisher.wake()
	return nil, nil
}
