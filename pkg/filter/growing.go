package filter

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// growing are the functions that make a text many times as large as what they
// are given, before anybody counts what that costs.
var growing = map[string]bool{"replace": true, "join": true, "format": true}

// noGrowing refuses them. It is a cel.ASTValidator.
type noGrowing struct{}

// Name implements cel.ASTValidator.
func (noGrowing) Name() string { return "staffetta.no_growing" }

// Validate implements cel.ASTValidator.
func (noGrowing) Validate(_ *cel.Env, _ cel.ValidatorConfig, checked *ast.AST, issues *cel.Issues) {
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && growing[e.AsCall().FunctionName()] {
			issues.ReportErrorAtID(e.ID(), "the function '%s' is not offered", e.AsCall().FunctionName())
		}
	}))
}
