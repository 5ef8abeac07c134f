package filter

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/staffetta/staffetta/pkg/pattern"
)

const (
	// maxPattern bounds a regular expression, in instructions of its program: about
	// one for each character or class, times its repetitions.
	maxPattern = 200
	// maxPatterns bounds all that an expression has, equal ones once; they take about
	// 100 kB.
	maxPatterns = 1000
	// patternUnit is how many bytes of a text times instructions of a pattern make a
	// unit of cost; they take 80 to 200 ns at worst.
	patternUnit = 4
	// maxMatching is the most of those in one call: more costs more than maxCost.
	maxMatching = maxCost * patternUnit
)

// literalPatterns lets nothing but patterns that are known now, and not too large,
// into an expression: what they cost is known then, too. It is a cel.ASTValidator.
type literalPatterns struct{}

// Name implements cel.ASTValidator.
func (literalPatterns) Name() string { return "staffetta.literal_patterns" }

// Validate implements cel.ASTValidator.
func (literalPatterns) Validate(_ *cel.Env, _ cel.ValidatorConfig, checked *ast.AST, issues *cel.Issues) {
	known, total := patterns{}, 0
	eachPattern(checked, func(e ast.Expr, text string, literal bool) {
		if !literal {
			issues.ReportErrorAtID(e.ID(), "the pattern of matches must be a literal, such as \"^A\"")
			return
		}
		isNew := known[text] == nil
		p, err := known.add(text)
		switch {
		case err != nil:
			issues.ReportErrorAtID(e.ID(), "invalid matches argument: the pattern %v", err)
		case isNew:
			if total += p.Size; total > maxPatterns {
				issues.ReportErrorAtID(e.ID(), "the patterns up to here have %d instructions, and may have %d", total, maxPatterns)
			}
		}
	})
}

// eachPattern visits the patterns of an expression, which are literals if it is
// valid.
func eachPattern(checked *ast.AST, visit func(e ast.Expr, text string, literal bool)) {
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != overloads.Matches {
			return
		}
		args := e.AsCall().Args() // text.matches(pattern) or matches(text, pattern)
		last := args[len(args)-1]
		var text string
		literal := last.Kind() == ast.LiteralKind
		if literal {
			text, literal = last.AsLiteral().Value().(string)
		}
		visit(last, text, literal)
	}))
}

// patterns are those of an expression, by their text.
type patterns map[string]*pattern.Pattern

// patternsOf reads those of a valid expression.
func patternsOf(checked *cel.Ast) (patterns, error) {
	found := patterns{}
	var fault error
	eachPattern(checked.NativeRep(), func(_ ast.Expr, text string, _ bool) {
		if _, err := found.add(text); err != nil {
			fault = err
		}
	})
	return found, fault
}

// add compiles a pattern, unless it is known.
func (known patterns) add(text string) (*pattern.Pattern, error) {
	if p := known[text]; p != nil {
		return p, nil
	}
	p, err := pattern.Compile(text, maxPattern)
	if err == nil {
		known[text] = p
	}
	return p, err
}

// bounded makes matches refuse a text before it costs too much, in each of its two
// forms.
func (known patterns) bounded() cel.ProgramOption {
	bound := func(overload string) *interpreter.RegexOptimization {
		return &interpreter.RegexOptimization{
			Function: overloads.Matches, OverloadID: overload, RegexIndex: 1,
			Factory: func(call interpreter.InterpretableCall, text string) (interpreter.InterpretableCall, error) {
				p := known[text]
				if p == nil {
					return nil, fmt.Errorf("the pattern %q is not known", text)
				}
				return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), matching(p)), nil
			},
		}
	}
	return cel.OptimizeRegex(bound(overloads.Matches), bound(overloads.MatchesString))
}

// matching is matches with a pattern.
func matching(p *pattern.Pattern) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		text, ok := args[0].(types.String)
		switch {
		case !ok:
			return types.MaybeNoSuchOverloadErr(args[0])
		case len(text)*p.Size > maxMatching:
			return types.NewErr("a text of %d bytes is too long for a pattern of %d instructions: their product is more than %d",
				len(text), p.Size, maxMatching)
		default:
			return types.Bool(p.MatchString(string(text)))
		}
	}
}

// cost is what matching a text cost.
func (known patterns) cost(text, by ref.Val) uint64 {
	of, _ := by.(types.String)
	p := known[string(of)]
	if p == nil {
		return 0
	}
	s, _ := text.(types.String)
	work := len(s) * p.Size
	if work > maxMatching {
		return 0 // it was refused
	}
	return uint64(work) / patternUnit
}
