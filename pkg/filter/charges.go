package filter

import (
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// charges are prices beside cel's own, for a metered evaluation. cel takes one
// for whatever it does with values whose types the checker did not know, and data
// has no other; but a text that is added to itself again and again, or a list that
// is searched for each element of another, has to end somewhere.
type charges struct{ patterns patterns }

// CallCost implements cost.ActualCostEstimator.
func (c charges) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	var price uint64
	switch function {
	case operators.Add:
		price = weight(result, maxCost)
	case operators.In:
		if _, keyed := args[1].(traits.Mapper); !keyed {
			price = elements(args[1])
		}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		price = min(weight(args[0], maxCost), weight(args[1], maxCost))
	case overloads.Size, overloads.TypeConvertString, overloads.TypeConvertBytes, overloads.TypeConvertInt,
		overloads.TypeConvertUint, overloads.TypeConvertDouble, overloads.TypeConvertDuration, overloads.TypeConvertTimestamp:
		if _, list := args[0].(traits.Lister); !list {
			price = weight(args[0], maxCost)
		}
	case overloads.Matches:
		price = c.patterns.cost(args[0], args[1])
	default:
		return nil
	}
	price++
	return &price
}

// weight is a tenth of the characters of a value, and one for each element, up to
// a most: what it takes to look at all of it.
func weight(v ref.Val, most uint64) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v)) / 10
	case types.Bytes:
		return uint64(len(v)) / 10
	case traits.Lister, traits.Mapper:
		return heap(v, most)
	default:
		return 0
	}
}

// heap is the weight of a list or a map.
func heap(v ref.Val, most uint64) uint64 {
	total := elements(v)
	all, ok := v.(traits.Iterable)
	if !ok {
		return min(total, most)
	}
	byKey, _ := v.(traits.Mapper)
	for it := all.Iterator(); total < most && it.HasNext() == types.True; {
		element := it.Next()
		if byKey != nil {
			element = byKey.Get(element)
		}
		total += weight(element, most-min(total, most))
	}
	return min(total, most)
}

// elements is how many a list or a map has; 0 for anything else.
func elements(v ref.Val) uint64 {
	sized, ok := v.(traits.Sizer)
	if !ok {
		return 0
	}
	n, _ := sized.Size().(types.Int)
	return uint64(max(n, 0))
}
