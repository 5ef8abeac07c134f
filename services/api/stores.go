package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/hook"
)

// PointOfSale is a store as the API shows it.
type PointOfSale struct {
	ID        string    `json:"id" example:"7" doc:"As events have it."`
	Name      string    `json:"name" doc:"Its id until it was given one."`
	CreatedAt time.Time `json:"createdAt" doc:"When an event had it first, or it was named first."`
}

// NamedStore is the body that names a store.
type NamedStore struct {
	Name string `json:"name" minLength:"1" maxLength:"200" example:"Milano Centrale"`
}

type storeAnswer struct {
	Body PointOfSale
}

func showStore(s hook.Store) PointOfSale {
	return PointOfSale{ID: s.ID, Name: s.Name, CreatedAt: s.CreatedAt.UTC()}
}

func (s *Service) storeRoutes() {
	tags := []string{"stores"}
	handle(s, huma.Operation{
		OperationID: "list-stores", Method: http.MethodGet, Path: "/v1/stores", Tags: tags,
		Summary: "List stores", Description: "By id: those that an event had, and those that were named.",
	}, access{scope: hook.ScopeRead}, nil, s.listStores)
	handle(s, huma.Operation{
		OperationID: "put-store", Method: http.MethodPut, Path: "/v1/stores/{id}", Tags: tags,
		Summary: "Name a store", Description: "Adds it if it is not there. No event changes its name any more.",
	}, access{scope: hook.ScopeWrite}, NamedStore{}, s.putStore)
	handle(s, huma.Operation{
		OperationID: "delete-store", Method: http.MethodDelete, Path: "/v1/stores/{id}", Tags: tags,
		Summary: "Remove a store", Description: "It comes back, with its id as its name, when an event has it again.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access{scope: hook.ScopeWrite}, nil, s.deleteStore)
}

func (s *Service) listStores(ctx context.Context, in *struct{ PageQuery }) (*listed[PointOfSale], error) {
	rows, next, err := s.cfg.Store.Stores(ctx, principal(ctx).Account, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showStore), nil
}

func (s *Service) putStore(ctx context.Context, in *IDAndBody) (*storeAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	if len(in.ID) > hook.MaxStoreID {
		d.fault("id", in.ID, "must be at most "+strconv.Itoa(hook.MaxStoreID)+" bytes")
	}
	d.require("name")
	name, _ := d.text("name", 1, maxName)
	if err := d.end("id", "createdAt"); err != nil {
		return nil, err
	}
	store, err := s.cfg.Store.PutStore(ctx, principal(ctx).Account, in.ID, name)
	if err != nil {
		return nil, err
	}
	return &storeAnswer{Body: showStore(store)}, nil
}

func (s *Service) deleteStore(ctx context.Context, in *PathID) (*empty, error) {
	return nil, s.cfg.Store.DeleteStore(ctx, principal(ctx).Account, in.ID)
}
