package entity

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/publish"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// Authorizer decides who may do what; *apiauth.Verifier is one.
type Authorizer interface {
	// Authorize returns who sends a request, if their key has the scope and
	// acts for an account. apiauth.Respond knows the answers to its errors.
	Authorize(r *http.Request, scope hook.Scope) (apiauth.Principal, error)
}

// Config sets up a Service.
type Config struct {
	Domain
	// Topic that the events go to, such as "events.contacts".
	Topic      string
	DB         *database.DB
	Authorizer Authorizer
	// Log; nil: nothing is logged.
	Log *zap.Logger
	// Tracer of the requests' spans; nil: no spans, but a trace that a request
	// brings is continued all the same.
	Tracer trace.Tracer
	// Metrics is where the service registers its own; nil: nowhere.
	Metrics prometheus.Registerer
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Service serves collections of items. It is safe for concurrent use.
type Service struct {
	cfg         Config
	collections map[string]*Collection
	items       store
	outbox      *publish.Outbox
	// exclusive: a change has its account to itself.
	exclusive bool
	turns     *turns
	requests  *telemetry.Requests
}

// New checks the declarations, with ErrDeclaration or tables.ErrPrefix if they
// are at fault; it does no I/O.
func New(cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Authorizer == nil || cfg.Topic == "" {
		return nil, errors.New("entity: DB, Authorizer and Topic are required")
	}
	collections, err := byPath(cfg.Collections)
	if err != nil {
		return nil, err
	}
	outbox, err := publish.NewOutbox(cfg.Prefix)
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	requests := telemetry.NewRequests(cfg.Prefix, cfg.Tracer)
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(requests); err != nil {
			return nil, fmt.Errorf("entity: %w", err)
		}
	}
	return &Service{
		requests:    requests,
		turns:       newTurns(),
		cfg:         cfg,
		collections: collections,
		items:       newStore(cfg.DB, cfg.Prefix),
		outbox:      outbox,
		exclusive: slices.ContainsFunc(cfg.Collections, func(c Collection) bool {
			return c.Rules != nil || len(c.Actions) > 0
		}),
	}, nil
}

// Outbox is where the events wait for their relay.
func (s *Service) Outbox() *publish.Outbox { return s.outbox }

// Collections are the first path segments that Handler answers, in the order
// of their declaration.
func (s *Service) Collections() []string {
	paths := make([]string, len(s.cfg.Collections))
	for i, c := range s.cfg.Collections {
		paths[i] = c.Path
	}
	return paths
}

// Handler serves all collections.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, c := range s.collections {
		all, one := "/"+path, "/"+path+"/{id}"
		mux.Handle("GET "+all, s.serve(c, s.list))
		mux.Handle("POST "+all, s.serve(c, s.create))
		mux.Handle("PATCH "+all, s.serve(c, s.updateSeveral))
		mux.Handle("DELETE "+all, s.serve(c, s.removeSeveral))
		mux.Handle("GET "+one, s.serve(c, s.read))
		mux.Handle("PATCH "+one, s.serve(c, s.update))
		mux.Handle("DELETE "+one, s.serve(c, s.remove))
		for _, a := range c.Actions {
			mux.Handle("POST "+one+"/"+a.Name, s.serve(c, s.act(a)))
			mux.Handle(one+"/"+a.Name, s.serve(c, wrongMethod("POST")))
		}
		mux.Handle(all, s.serve(c, wrongMethod("GET, HEAD, POST, PATCH, DELETE")))
		mux.Handle(one, s.serve(c, wrongMethod("GET, HEAD, PATCH, DELETE")))
	}
	mux.Handle("/", s.serve(nil, func(http.ResponseWriter, *http.Request, call) error {
		return problem.New(http.StatusNotFound, "", "there is nothing at this path", nil)
	}))
	return s.requests.Around(mux)
}

// call is what is known of a request once it is authorized.
type call struct {
	account    string
	collection *Collection
}

type handler func(w http.ResponseWriter, r *http.Request, c call) error

// serve authorizes before it looks at anything else, and answers errors.
func (s *Service) serve(c *Collection, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope := hook.ScopeWrite
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			scope = hook.ScopeRead
		}
		who, err := s.cfg.Authorizer.Authorize(r, scope)
		if err != nil {
			s.deny(w, r, err)
			return
		}
		if err := h(w, r, call{account: who.Account, collection: c}); err != nil {
			s.fail(w, r, err)
		}
	})
}

// deny answers a request that was not authorized. That the keys could not be
// read is for the log.
func (s *Service) deny(w http.ResponseWriter, r *http.Request, err error) {
	known := errors.Is(err, apiauth.ErrUnauthorized) || errors.Is(err, apiauth.ErrForbidden) ||
		errors.Is(err, apiauth.ErrNoAccount) || errors.Is(err, hook.ErrNotFound)
	if !known && r.Context().Err() == nil {
		s.cfg.Log.Error("key not checked", zap.String("path", r.URL.Path), zap.Error(err), telemetry.TraceOf(r.Context()))
	}
	apiauth.Respond(w, err)
}

// maxFaults bounds what is said about one request: whoever mends a thousand
// items finds the first of them enough.
const maxFaults = 20

// fail answers an error. What is not the caller's fault is logged and not told.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	var details *problem.Details
	if !errors.As(err, &details) {
		if r.Context().Err() != nil {
			return // the caller went away: nobody reads an answer
		}
		s.cfg.Log.Error("request failed",
			zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Error(err), telemetry.TraceOf(r.Context()))
		details = problem.New(http.StatusInternalServerError, "", "the service failed; its log says why", nil)
	}
	faults := make(hook.Invalid, min(len(details.Errors), maxFaults))
	for i := range faults {
		faults[i] = hook.FieldError(details.Errors[i])
	}
	problem.Write(w, details.Status, details.Title, details.Detail, faults)
}

func wrongMethod(allowed string) handler {
	return func(w http.ResponseWriter, r *http.Request, _ call) error {
		w.Header().Set("Allow", allowed)
		return problem.New(http.StatusMethodNotAllowed, "", fmt.Sprintf("%s is not one of %s", r.Method, allowed), nil)
	}
}
