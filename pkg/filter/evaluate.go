package filter

import (
	"context"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
)

// evaluate runs the program. A panic is a failure like any other: what a
// library for expressions stumbles over must not stop the account's events.
func (f *Filter) evaluate(ctx context.Context, s *Subject) (out ref.Val, details *cel.EvalDetails, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if f.metered {
		return f.program.ContextEval(ctx, s)
	}
	return f.program.Eval(s)
}

// spent is what an evaluation cost; one that did not count is taken for the most.
func (f *Filter) spent(details *cel.EvalDetails) uint64 {
	if cost := details.ActualCost(); cost != nil {
		return *cost
	}
	return min(f.most, maxCost)
}
