package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/staffetta/staffetta/pkg/problem"
)

// routes builds the mux with every operation.
func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Staffetta", "1")
	config.Info.Description = "Webhooks for what changes: subscribe, and look up what became of each delivery."
	config.DocsPath = ""     // its page loads scripts from elsewhere
	config.SchemasPath = ""  // all schemas are in the document
	config.CreateHooks = nil // no $schema in answers
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = securitySchemes()
	s.api = humago.New(mux, config)
	s.accountRoutes()
	s.keyRoutes()
	s.webhookRoutes()
	s.testRoute()
	s.previewRoute()
	s.memberRoutes()
	s.auditRoutes()
	s.deliveryRoutes()
	s.discardRoutes()
	s.replayRoutes()
	s.usageRoutes()
	s.notificationRoutes()
	s.eventRoutes()
	s.itemTypeRoutes()
	s.storeRoutes()
	s.portalLinkRoutes()
	s.quarantineRoutes()
	s.redriveRoutes()
	s.allowNull()
	s.otherMethods(mux)
	mux.HandleFunc("/v1/", s.noSuchPath)
	mux.HandleFunc("/v1", s.noSuchPath) // or the mux would redirect to /v1/, in HTML
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, http.StatusNotFound, "", "there is nothing at this path", nil)
	})
	return problem.ExactPaths(mux)
}

// otherMethods answers 405 on the known paths, once the key is known: without
// this the mux would answer in plain text, or the catch-all with 404.
func (s *Service) otherMethods(mux *http.ServeMux) {
	for path, item := range s.api.OpenAPI().Paths {
		var methods []string
		for method, operation := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if operation != nil {
				methods = append(methods, method)
			}
		}
		if item.Get != nil {
			methods = append(methods, http.MethodHead)
		}
		slices.Sort(methods)
		allow := strings.Join(methods, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if _, err := s.auth.Identify(r); err != nil {
				s.refuse(w, r, err)
				return
			}
			w.Header().Set("Allow", allow)
			problem.Write(w, http.StatusMethodNotAllowed, "", "this path takes "+allow, nil)
		})
	}
}

// noSuchPath answers 404 to those who have a key: without one nobody learns
// which paths there are.
func (s *Service) noSuchPath(w http.ResponseWriter, r *http.Request) {
	if _, err := s.auth.Identify(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	problem.Write(w, http.StatusNotFound, "", "there is nothing at this path", nil)
}
