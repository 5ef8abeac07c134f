// Package filter decides which items of an event a webhook gets, by an
// expression in CEL (https://cel.dev) over event and item (CONTRACT.md,
// "Filters"). Whatever an expression and an event are like, an answer takes
// bounded time and memory; see cost.go.
package filter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/staffetta/staffetta/pkg/hook"
)

// MaxLength bounds an expression, in characters.
const MaxLength = 4096

// Filter is an expression, ready to be asked. Any number of goroutines may use
// it.
type Filter struct {
	program cel.Program
	// most is what one evaluation costs at most.
	most uint64
	// metered: the program counts as it goes. It has a loop or a pattern, of which an
	// estimate says little, or with large data might cost more than maxCost.
	metered bool
	// perItem: the answer depends on the item.
	perItem bool
}

// Compile checks an expression and prepares it. The error is a *Fault.
func Compile(expression string) (*Filter, error) {
	env, err := language()
	if err != nil {
		return nil, &Fault{Message: err.Error()}
	}
	if n := len([]rune(expression)); n == 0 || n > MaxLength {
		return nil, &Fault{Message: fmt.Sprintf("has %d characters, which is not between 1 and %d", n, MaxLength)}
	}
	checked, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, faultOf(expression, issues.Errors())
	}
	if out := checked.OutputType(); !out.IsExactType(types.BoolType) && !out.IsExactType(types.DynType) {
		return nil, &Fault{Message: "gives " + out.String() + ", and must give bool"}
	}
	estimate, err := worst(env, checked, assumedSize)
	if err != nil {
		return nil, &Fault{Message: err.Error()}
	}
	if estimate > maxEstimate {
		return nil, &Fault{Message: fmt.Sprintf("would cost up to %d, and may cost %d: it has loops in loops, or makes large texts", estimate, maxEstimate)}
	}
	f := &Filter{}
	var loops bool
	f.perItem, loops = look(checked)
	if f.most, err = worst(env, checked, largestSize); err != nil {
		return nil, &Fault{Message: err.Error()}
	}
	known, err := patternsOf(checked)
	if err != nil {
		return nil, &Fault{Message: err.Error()}
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if f.metered = loops || len(known) > 0 || f.most > maxCost; f.metered {
		options = append(options, cel.CostLimit(maxCost), cel.CostTracking(charges{known}), known.bounded(), cel.InterruptCheckFrequency(interruptEvery))
	}
	if f.program, err = env.Program(checked, options...); err != nil {
		return nil, &Fault{Message: err.Error()}
	}
	return f, nil
}

// interruptEvery is how many rounds of a loop pass between two looks at the
// context.
const interruptEvery = 1000

// look says whether an expression names the item, and whether it has a loop.
func look(checked *cel.Ast) (item, loops bool) {
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		item = item || e.Kind() == ast.IdentKind && e.AsIdent() == "item"
		loops = loops || e.Kind() == ast.ComprehensionKind
	}))
	return item, loops
}

// Result is what a filter says of an event.
type Result struct {
	// Items are those that match; nil if all do, or none.
	Items hook.Selection
	// Count is their number.
	Count int
	// Failed is the number of items about which there was no answer: they do not
	// match. Err is the first such failure.
	Failed int
	Err    error
}

// Select asks about each item of an event. The error is ctx's: there is no
// result then.
func (f *Filter) Select(ctx context.Context, s *Subject) (Result, error) {
	if !f.perItem {
		return f.whole(ctx, s)
	}
	var r Result
	items := len(s.event.Items)
	for s.at = 0; s.at < items; s.at++ {
		matches, err := f.matches(ctx, s)
		switch {
		case ctx.Err() != nil:
			return Result{}, context.Cause(ctx)
		case err != nil:
			r.fail(err)
			fallthrough
		case !matches:
			if r.Items == nil {
				r.Items = before(s.at, items)
			}
		default:
			r.Count++
			if r.Items != nil {
				r.Items.Add(s.at)
			}
		}
	}
	if r.Count == 0 || r.Count == items {
		r.Items = nil
	}
	return r, nil
}

// before is the selection of the items before one, which all match.
func before(at, items int) hook.Selection {
	s := hook.NewSelection(items)
	for n := range at {
		s.Add(n)
	}
	return s
}

// whole asks once for all items.
func (f *Filter) whole(ctx context.Context, s *Subject) (Result, error) {
	s.at = 0
	matches, err := f.matches(ctx, s)
	var r Result
	switch {
	case ctx.Err() != nil:
		return Result{}, context.Cause(ctx)
	case err != nil:
		r.Failed, r.Err = len(s.event.Items), err
	case matches:
		r.Count = len(s.event.Items)
	}
	return r, nil
}

func (r *Result) fail(err error) {
	r.Failed++
	if r.Err == nil {
		r.Err = err
	}
}

// The failures that are not the expression's own.
var (
	errEventCost = fmt.Errorf("all filters of the account together would cost more than %d for this event", maxEventCost)
	errNoBool    = errors.New("gives something other than bool")
)

// matches asks about the item whose turn it is.
func (f *Filter) matches(ctx context.Context, s *Subject) (bool, error) {
	if s.spent > maxEventCost {
		return false, errEventCost
	}
	out, details, err := f.evaluate(ctx, s)
	s.spent += f.spent(details)
	if err != nil {
		return false, errors.New(shorten(err.Error()))
	}
	matches, ok := out.Value().(bool)
	if !ok {
		return false, errNoBool
	}
	return matches, nil
}

// maxMessage bounds what is said about a fault or a failure, in characters.
const maxMessage = 200

// shorten puts a message into one line.
func shorten(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage]) + "…"
	}
	return message
}
