package page

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Whatever the API has to say against a form of a webhook, an Italian reads it in
// Italian: the rules are taken from where they are written.
func TestEveryRuleOfAWebhookHasItsItalian(t *testing.T) {
	t.Parallel()
	for folder, names := range map[string][]string{
		"../../api": {
			"auth", "certificate", "credentials", "filter", "headers", "operational", "preview", "secret", "settings", "webhooks", "field", "document",
		},
		"../../../pkg/egress":    {"policy", "host"},
		"../../../pkg/signature": {"standard", "ed25519", "digest"},
		"../subscribe":           {"edit"},
	} {
		for _, name := range names {
			for _, english := range rulesIn(t, filepath.Join(folder, name+".go")) {
				assert.NotEqual(t, english, rule(hook.Italian, english), "%s.go: %s", name, english)
				require.Equal(t, english, rule(hook.English, english))
			}
		}
	}
}

// elsewhere are texts that are put together in another way than by +.
var elsewhere = []string{
	"must be 1 to 7 %s",                                         // see the test below
	"must be a duration", "must be a duration of whole seconds", // they go on with their limits
	"must be 7", // of oneOf, see the test below
}

// rulesIn are the rules in a source file, with 7 for what is not known before it runs.
func rulesIn(t *testing.T, file string) (found []string) {
	t.Helper()
	parsed, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		text, whole := written(e)
		if !whole {
			return true
		}
		text = strings.ReplaceAll(text, "%d", "7")
		if (strings.HasPrefix(text, "must ") || strings.HasPrefix(text, "needs ") || strings.HasPrefix(text, "is required")) && !slices.Contains(elsewhere, text) {
			found = append(found, text)
		}
		return false
	})
	return found
}

// written is a text as its source puts it together; whole is false of what is none.
func written(e ast.Expr) (text string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == gotoken.STRING && err == nil
	case *ast.BinaryExpr:
		if e.Op != gotoken.ADD {
			return "", false
		}
		left, leftWhole := written(e.X)
		right, rightWhole := written(e.Y)
		if !leftWhole && !rightWhole {
			return "", false
		}
		if !leftWhole {
			left = "7"
		}
		if !rightWhole {
			right = "7"
		}
		return left + right, true
	default:
		return "", false
	}
}

func TestRulesKeepWhatIsTheFieldsOwn(t *testing.T) {
	t.Parallel()
	for english, italian := range map[string]string{
		"must be an integer from 0 to 1000":                                "deve essere un numero intero da 0 a 1000",
		"must be a duration from 1s to 30s":                                "deve essere una durata da 1s a 30s, per esempio 15s",
		"must be a list of 1 to 100 strings":                               "scegline almeno uno (al massimo 100)",
		"must be a list of 0 to 1000 strings":                              "deve avere da 0 a 1000 voci",
		"must be thin or full":                                             "deve essere thin o full",
		"must be none, basic, bearer, oauth2 or mtls":                      "deve essere none, basic, bearer, oauth2 o mtls",
		"must be 1 to 256 characters without colons":                       "deve avere da 1 a 256 caratteri, senza due punti",
		"must be 1 to 1024 characters without control characters":          "deve avere da 1 a 1024 caratteri, senza caratteri di controllo",
		"must be 1 to 4096 visible ASCII characters":                       "deve avere da 1 a 4096 caratteri ASCII visibili",
		"must be 1 to 1024 printable ASCII characters":                     "deve avere da 1 a 1024 caratteri ASCII stampabili",
		"must be a CEL expression: undeclared reference to '%' at %":       "deve essere un'espressione CEL: undeclared reference to '%' at %",
		"must be a CEL expression: must not be x":                          "deve essere un'espressione CEL: must not be x",
		"is not a known field; known are description, itemTypes":           "non è un campo conosciuto",
		"something that nobody has translated":                             "something that nobody has translated",
		"must be 1 to 32768 ASCII characters of certificates in PEM form":  "deve avere da 1 a 32768 caratteri ASCII di certificati in forma PEM",
		"must be 1 to 32768 ASCII characters of a private key in PEM form": "deve avere da 1 a 32768 caratteri ASCII di una chiave privata in forma PEM",
	} {
		require.Equal(t, italian, rule(hook.Italian, english))
	}
}
