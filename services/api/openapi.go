package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// describeBody writes into the OpenAPI document what a body looks like.
func (s *Service) describeBody(method, path string, body any) {
	item := s.api.OpenAPI().Paths[path]
	operation := map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch}[method]
	schema, ok := body.(*huma.Schema)
	if !ok {
		schema = s.schema(body)
	}
	operation.RequestBody.Content["application/json"] = &huma.MediaType{Schema: schema}
}

// schema refers to the description of a value's type.
func (s *Service) schema(value any) *huma.Schema {
	of := reflect.TypeOf(value)
	return s.api.OpenAPI().Components.Schemas.Schema(of, true, of.Name())
}

// OpenAPI is the document that /openapi.json serves, indented.
func (s *Service) OpenAPI() ([]byte, error) {
	document, err := json.MarshalIndent(s.api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the OpenAPI document: %w", err)
	}
	return append(document, '\n'), nil
}
