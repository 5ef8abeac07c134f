package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// access is who may use an operation, and what must exist before its body is
// looked at: the checks come in the order 401, 403, 404, then the body.
type access struct {
	// scope that the key needs; empty: only the admin key may.
	scope hook.Scope
	// whole: the admin key need not name an account, and means all of them then.
	whole bool
	// find fails with hook.ErrNotFound if what the path's {id} names is not
	// there; nil if the path names nothing or the handler looks it up anyway.
	find func(ctx context.Context, p apiauth.Principal, id string) error
	// beyond: it does more than write to the store, such as produce to Kafka, which
	// no transaction undoes: see once.
	beyond bool
	// room waits until there is memory for the body, and returns what to call
	// when the request is done; nil if there was none in time. A nil room: the
	// body is small.
	room func(r *http.Request) (release func())
}

type principalKey struct{}

// principal is who sends the request; the middleware has put it there.
func principal(ctx context.Context) apiauth.Principal {
	p, _ := ctx.Value(principalKey{}).(apiauth.Principal)
	return p
}

// maxBody bounds a body but those of events, in bytes.
const maxBody = 1 << 20

// handle registers an operation behind its access rule. Bodies are read as raw
// bytes by the handlers; body is a value of the type that describes them in
// the OpenAPI document, nil for none.
func handle[I, O any](s *Service, op huma.Operation, rule access, body any, handler func(context.Context, *I) (*O, error)) {
	op.SkipValidateBody = true
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	op.Middlewares = append(op.Middlewares, s.guard(rule, op.OperationID))
	if op.Method != http.MethodGet {
		if body == nil {
			op.Middlewares = append(op.Middlewares, noFields)
		}
		op.Middlewares = append(op.Middlewares, s.once(rule))
	}
	describe(&op, rule, body != nil)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.failed(ctx, op.OperationID, err)
		}
		return out, nil
	})
	s.describeAnswers(op.Method, op.Path)
	if body != nil {
		s.describeBody(op.Method, op.Path, body)
	}
}

// guard is the middleware that applies an access rule.
func (s *Service) guard(rule access, operation string) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(c)
		// Answers hold a tenant's data, some a secret.
		w.Header().Set("Cache-Control", "no-store")
		p, err := s.admit(r, rule)
		if err == nil {
			err = find(r, p, rule)
		}
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		oneLine(r.Header, "If-Match")
		if faults := unreadable(r, c.Operation().Parameters); len(faults) > 0 {
			problem.Write(w, http.StatusUnprocessableEntity, "", "", faults)
			return
		}
		if lines, there := r.Header["If-Match"]; there && takes(c.Operation(), "If-Match") && strings.Trim(strings.Join(lines, ""), " \t,") == "" {
			// Whoever sends one does not mean to write whatever is there.
			problem.Write(w, http.StatusUnprocessableEntity, "", "", hook.Invalid{{Field: "If-Match", Rule: ifMatchRule}})
			return
		}
		if rule.room != nil {
			release := rule.room(r)
			if release == nil {
				w.Header().Set("Retry-After", "1")
				problem.Write(w, http.StatusServiceUnavailable, "", "too many large requests at once; send it again, or in smaller parts", nil)
				return
			}
			defer release()
		}
		c = huma.WithValue(c, principalKey{}, p)
		next(huma.WithContext(c, s.withOrigin(c.Context(), r, p, operation)))
	}
}

// takes reports whether an operation has such a header.
func takes(op *huma.Operation, header string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "header" && p.Name == header })
}

// noFields refuses a body with fields where an operation has none: whoever sends some
// means something by them. An empty object is what some clients send always.
func noFields(c huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(c)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		problem.Write(w, http.StatusBadRequest, "", "the body did not arrive whole, or is larger than 1 MiB", nil)
		return
	}
	if len(bytes.TrimSpace(body)) > 0 {
		d, err := readDocument(body)
		if err != nil {
			problem.Write(w, http.StatusBadRequest, "", "there is nothing to say in a body here: it must be left out", nil)
			return
		}
		var faults hook.Invalid
		if errors.As(d.end(), &faults) {
			problem.Write(w, http.StatusUnprocessableEntity, "", "", faults)
			return
		}
	}
	r.Body = http.NoBody
	next(c)
}

// oneLine joins the lines of a header that is a list (RFC 9110, 5.2): huma reads the
// first one.
func oneLine(header http.Header, name string) {
	if lines := header.Values(name); len(lines) > 1 {
		header.Set(name, strings.Join(lines, ", "))
	}
}

// find looks up what the path names.
func find(r *http.Request, p apiauth.Principal, rule access) error {
	id := r.PathValue("id")
	if !readable(id) { // nothing has such an id
		return hook.ErrNotFound
	}
	if rule.find == nil {
		return nil
	}
	return rule.find(r.Context(), p, id)
}

// unreadable are the parameters that are no text: PostgreSQL would refuse the
// whole query because of them. So are those that huma would take for absent: empty
// where they cannot be, not well encoded, or a second one of a name.
func unreadable(r *http.Request, known []*huma.Param) hook.Invalid {
	var faults faultList
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		faults.add("query", strings.ToValidUTF8(r.URL.RawQuery, "\uFFFD"), "must be name=value, parted by &, with % and ; in them escaped as %25 and %3B")
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if slices.ContainsFunc(query[name], func(v string) bool { return !readable(v) }) {
			faults.add(strings.ToValidUTF8(name, "\uFFFD"), "", "must be UTF-8 without control characters")
		}
	}
	for _, p := range known {
		text := p.Schema.Type == huma.TypeString && p.Schema.Format == "" && len(p.Schema.Enum) == 0
		if p.In == "query" && !text && slices.Contains(query[p.Name], "") {
			faults.add(p.Name, "", "must not be empty")
		}
		if p.In == "query" && len(query[p.Name]) > 1 {
			faults.add(p.Name, strings.Join(query[p.Name], " & "), "must be there once")
		}
	}
	return faults.found
}

func readable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func (s *Service) admit(r *http.Request, rule access) (apiauth.Principal, error) {
	switch {
	case rule.scope == "":
		return s.auth.AuthorizeAdmin(r)
	case rule.whole:
		return s.auth.Permit(r, rule.scope)
	}
	return s.auth.Authorize(r, rule.scope)
}

// refuse answers a request that was not admitted.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	known := errors.Is(err, apiauth.ErrUnauthorized) || errors.Is(err, apiauth.ErrForbidden) ||
		errors.Is(err, apiauth.ErrNoAccount) || errors.Is(err, hook.ErrNotFound)
	if !known && r.Context().Err() == nil {
		s.log.Error("a request could not be admitted", zap.String("path", r.URL.Path), zap.Error(err), telemetry.TraceOf(r.Context()))
	}
	apiauth.Respond(w, err)
}
