package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// huma keeps its error model in a variable; the product has one form of errors,
// so it is set once, before any operation is registered.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		if message == unreadBody { // the client broke it off: nothing is wrong here
			status, errs = http.StatusBadRequest, nil
		}
		found := faults(errs)
		if message == invalidParameters && len(found) > 0 {
			message = found.Error()
		}
		return problem.New(status, "", message, found)
	}
}

// unreadBody is what huma says of a body that did not arrive whole, with 500.
const unreadBody = "cannot read request body"

// invalidParameters is what huma says of parameters that break a rule.
const invalidParameters = "validation failed"

// maxFaults bounds what one answer says: whoever mends twenty fields mends the
// rest alike.
const maxFaults = 20

// faultList collects the faults of one request: the first maxFaults of them.
type faultList struct{ found hook.Invalid }

// full reports whether more would not be kept.
func (l *faultList) full() bool { return len(l.found) >= maxFaults }

func (l *faultList) add(field, value, rule string) {
	if !l.full() {
		l.found.Add(field, value, rule)
	}
}

func (l *faultList) addJSON(field string, value []byte, rule string) {
	if !l.full() {
		l.found.AddJSON(field, value, rule)
	}
}

// err is nil if there are no faults, else a hook.Invalid.
func (l *faultList) err() error { return l.found.Err() }

// faults translates what huma found wrong with the parameters.
func faults(errs []error) hook.Invalid {
	var list faultList
	for _, err := range errs {
		var detail *huma.ErrorDetail
		switch {
		case err == nil:
		case errors.As(err, &detail):
			list.add(strings.TrimPrefix(detail.Location, "query."), shown(detail.Value), rule(detail.Message))
		default:
			list.add("", "", err.Error())
		}
	}
	return list.found
}

// shown is a parameter's value as text.
func shown(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// rule puts what huma says of a parameter into the words of our own rules:
// "expected number <= 500" becomes "must be a number <= 500".
func rule(message string) string {
	if strings.HasPrefix(message, "invalid date/time") {
		return "must be a time as in RFC 3339, such as 2023-02-02T12:07:01Z"
	}
	switch message {
	case "unknown query parameter":
		return "is not a known parameter"
	case "invalid integer":
		return "must be an integer"
	case "invalid boolean":
		return "must be true or false"
	}
	if kind, ok := strings.CutPrefix(message, "invalid "); ok {
		return "must be " + kind
	}
	expected, ok := strings.CutPrefix(message, "expected ")
	if !ok {
		return message
	}
	if bound, ok := strings.CutPrefix(expected, "number "); ok {
		return "must be a number " + bound
	}
	if list, ok := strings.CutPrefix(expected, "value to be one of "); ok {
		return "must be one of " + strings.Trim(list, `"`)
	}
	return "must be " + strings.TrimPrefix(strings.TrimPrefix(expected, "string to be "), "value to be ")
}

// failed turns an error of a handler into an answer. What nobody foresaw goes
// to the log, and only there.
func (s *Service) failed(ctx context.Context, operation string, err error) error {
	var (
		answer  huma.StatusError
		invalid hook.Invalid
		fault   hook.FieldError
	)
	switch {
	case errors.As(err, &answer):
		return answer
	case errors.As(err, &invalid):
		return problem.New(http.StatusUnprocessableEntity, "", invalid.Error(), invalid)
	case errors.As(err, &fault):
		return problem.New(http.StatusUnprocessableEntity, "", fault.Error(), hook.Invalid{fault})
	case errors.Is(err, hook.ErrNotFound):
		return problem.New(http.StatusNotFound, "", statuses[http.StatusNotFound], nil)
	case errors.Is(err, hook.ErrConflict):
		return problem.New(http.StatusConflict, "", err.Error(), nil)
	case errors.Is(err, hook.ErrRevoked):
		return problem.New(http.StatusConflict, "", "it is revoked and takes no more changes", nil)
	case errors.Is(err, hook.ErrStale):
		return problem.New(http.StatusPreconditionFailed, "", "it was changed meanwhile: read it again", nil)
	case ctx.Err() != nil:
		// The client has gone, or the process stops; nobody reads this.
		return problem.New(http.StatusServiceUnavailable, "", "the request was ended", nil)
	}
	s.log.Error("a request failed", zap.String("operation", operation), zap.Error(err), telemetry.TraceOf(ctx))
	return problem.New(http.StatusInternalServerError, "", "an internal error; the log of the service says more", nil)
}
