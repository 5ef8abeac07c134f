package hook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// A reason that is added to the constants but not to the list would be missing
// from the API's document.
func TestReasonsListsEveryReason(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "attempt.go", nil, 0)
	require.NoError(t, err)
	var declared []hook.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Reason" {
			literal, ok := spec.Values[0].(*ast.BasicLit)
			require.True(t, ok)
			text, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if text != "" {
				declared = append(declared, hook.Reason(text))
			}
		}
		return true
	})
	require.ElementsMatch(t, declared, hook.Reasons)
}
