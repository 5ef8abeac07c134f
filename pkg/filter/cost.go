package filter

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
)

// Costs are counted in cel's units: one for each step and each element that a
// macro walks over, a tenth for each character that is looked at. A unit is about
// 50 ns on the machines that this was measured on.
const (
	// maxEstimate is what one evaluation may cost by the estimate, about 5 ms, if
	// lists and texts of the data have assumedSize elements or characters. Walking a
	// list is about 600, a list in a list 60,000, and one more level too much.
	maxEstimate = 100_000
	assumedSize = 100
	// maxCost is what one evaluation may really cost: about 50 ms.
	maxCost = 500_000
	// maxEventCost is what all filters of an account may cost for one event: about
	// a second. 1,000 simple filters on an event of 1,000 items take 7 million.
	maxEventCost = 10_000_000
	// largestSize is more than any list or text of an event has (codec.MaxBytes).
	largestSize = 1 << 20
)

// sizes is how large everything is that comes from the event.
type sizes uint64

// EstimateSize implements cost.Estimator.
func (s sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if e := node.Expr(); e != nil && e.Kind() == ast.LiteralKind {
		return nil
	}
	return &cost.SizeEstimate{Min: 0, Max: uint64(s)}
}

// EstimateCallCost implements cost.Estimator: as cel has it.
func (s sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// worst is the most that an evaluation costs with data of a size.
func worst(env *cel.Env, checked *cel.Ast, size uint64) (uint64, error) {
	estimate, err := env.EstimateCost(checked, sizes(size))
	return estimate.Max, err
}
