package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
)

// bearer and account are the names of the security schemes.
const (
	bearer  = "key"
	account = "account"
)

func securitySchemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: "bearer", Description: "An API key that has the scope, or the admin key."},
		account: {Type: "apiKey", In: "header", Name: apiauth.AccountHeader,
			Description: "The account that the admin key acts for. An API key has its own."},
	}
}

// describe completes an operation with what all have in common.
func describe(op *huma.Operation, rule access, hasBody bool) {
	if rule.scope == "" {
		op.Security = []map[string][]string{{bearer: {"admin"}}}
	} else {
		scopes := []string{string(rule.scope)}
		op.Security = []map[string][]string{{bearer: scopes}, {bearer: scopes, account: {}}}
	}
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusServiceUnavailable)
	if hasBody {
		op.Errors = append(op.Errors, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge)
	}
	// net/http says it before any handler is asked, in its own words.
	op.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusRequestHeaderFieldsTooLarge): {
		Description: "The path, its parameters and the headers are larger than 64 KiB together.",
		Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	if op.Method == http.MethodGet {
		return
	}
	op.Errors = append(op.Errors, http.StatusConflict)
	shortest, longest := 1, maxRequestKey
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: keyHeader, In: "header",
		Description: "Makes the request one that is carried out once, however often it is sent: for 24 hours the same request gets the same answer, another one 409.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest, Pattern: "^[!-~]+$", Examples: []any{"7f1c2b9e-order-4711"}},
	})
}

// statuses are what each refusal means, whatever the operation.
var statuses = map[int]string{
	http.StatusBadRequest:            "The body is not the JSON that it must be; or the admin key names no account where one is needed.",
	http.StatusUnauthorized:          "There is no key, or none that is valid.",
	http.StatusForbidden:             "The key may not do this.",
	http.StatusNotFound:              "It is not there, or belongs to another account.",
	http.StatusRequestTimeout:        "The body did not arrive in time.",
	http.StatusConflict:              "It does not go together with what is there; or the Idempotency-Key was used for another request, or is in use.",
	http.StatusGone:                  "Its payload has expired.",
	http.StatusPreconditionFailed:    "If-Match names no current version.",
	http.StatusRequestEntityTooLarge: "The body is too large.",
	http.StatusUnprocessableEntity:   "A field or a parameter breaks a rule; errors lists all faults.",
	http.StatusInternalServerError:   "An internal error; the log of the service says more.",
	http.StatusServiceUnavailable:    "A server behind the API does not answer; try again.",
}

// describeAnswers says what statuses and headers mean that huma knows nothing of.
func (s *Service) describeAnswers(method, path string) {
	op := s.operation(method, path)
	text := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	for code, answer := range op.Responses {
		status, err := strconv.Atoi(code)
		if err != nil {
			continue
		}
		if meaning, ok := statuses[status]; ok {
			answer.Description = meaning
		}
		if answer.Headers == nil {
			answer.Headers = map[string]*huma.Param{}
		}
		if status == http.StatusCreated || status == http.StatusAccepted {
			describeLocation(answer.Headers)
		} else { // operations that make a thing share their answer with others
			delete(answer.Headers, location)
		}
		switch {
		case status == http.StatusUnauthorized || status == http.StatusForbidden:
			answer.Headers["WWW-Authenticate"] = text("RFC 6750.")
		case status == http.StatusServiceUnavailable || status == http.StatusConflict:
			answer.Headers["Retry-After"] = text("Seconds after which it is worth a try, if that is known.")
		case status/100 == 2 && method != http.MethodGet:
			answer.Headers[againHeader] = text("true: the answer that the same request had before, by its Idempotency-Key.")
		}
	}
}

const location = "Location"

func describeLocation(headers map[string]*huma.Param) {
	if header, ok := headers[location]; ok {
		header.Description = "The path of what was made."
	}
}

// operation is one of the OpenAPI document.
func (s *Service) operation(method, path string) *huma.Operation {
	item := s.api.OpenAPI().Paths[path]
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[method]
}

// describeBody writes into the OpenAPI document what a body looks like.
func (s *Service) describeBody(method, path string, body any) {
	operation := s.operation(method, path)
	schema, ok := body.(*huma.Schema)
	if !ok {
		schema = s.schema(body)
	}
	operation.RequestBody.Content["application/json"] = &huma.MediaType{Schema: schema}
}

// allowNull lets null be one of the words of fields that may be null: huma leaves it out.
func (s *Service) allowNull() {
	for _, schema := range s.api.OpenAPI().Components.Schemas.Map() {
		for _, field := range schema.Properties {
			if field.Nullable && len(field.Enum) > 0 && !slices.Contains(field.Enum, nil) {
				field.Enum = append(field.Enum, nil)
			}
		}
	}
}

// schema refers to the description of a value's type.
func (s *Service) schema(value any) *huma.Schema {
	of := reflect.TypeOf(value)
	return s.api.OpenAPI().Components.Schemas.Schema(of, true, of.Name())
}

// named puts a schema among those that have a name, which generators of clients need.
func (s *Service) named(name string, schema *huma.Schema) *huma.Schema {
	s.api.OpenAPI().Components.Schemas.Map()[name] = schema
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

// OpenAPI is the document that /openapi.json serves, indented.
func (s *Service) OpenAPI() ([]byte, error) {
	document, err := json.MarshalIndent(s.api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the OpenAPI document: %w", err)
	}
	return append(document, '\n'), nil
}
