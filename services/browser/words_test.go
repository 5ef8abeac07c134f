package browser_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// languages are those of the portal.
var languages = []string{"en", "it"}

// italian has what the portal says in English in Italian: each of its texts, which are
// side by side in the pages' words.go. The same English may be said in several ways.
var italian = sync.OnceValues(func() (map[string][]string, error) {
	said := map[string][]string{"English": {"English"}}
	err := filepath.WalkDir("../portal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if pair, ok := node.(*ast.CompositeLit); ok && len(pair.Elts) == len(languages) {
				english, italian := literal(pair.Elts[0]), literal(pair.Elts[1])
				if english != "" && italian != "" && !slices.Contains(said[english], italian) {
					said[english] = append(said[english], italian)
				}
			}
			return true
		})
		return nil
	})
	return said, err
})

func literal(node ast.Expr) string {
	text, ok := node.(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(text.Value)
	if err != nil {
		return ""
	}
	return value
}

// say gives a text in the language of the tab, in each way that the portal says it. A
// test that says something else fails.
func (b *tab) say(english string) []string {
	b.t.Helper()
	if b.language == "en" {
		return []string{english}
	}
	said, err := italian()
	if err == nil && len(said[english]) == 0 {
		err = fmt.Errorf("no page of the portal says %q", english)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return said[english]
}
