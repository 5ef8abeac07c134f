package browser_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// breach is what axe-core finds.
type breach struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (b breach) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s", b.ID, b.Help)
	for i, node := range b.Nodes {
		if i == 3 {
			fmt.Fprintf(&text, "\n  and %d more", len(b.Nodes)-i)
			break
		}
		fmt.Fprintf(&text, "\n  %.300s\n    %s", node.HTML, strings.ReplaceAll(node.FailureSummary, "\n", " "))
	}
	return text.String()
}

// audit gives what keeps people out of the page that a tab shows.
func (b *tab) audit(axe string) []breach {
	b.t.Helper()
	return eval[[]breach](b, axe+`; axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }, resultTypes: ["violations"] }).then((found) => found.violations)`)
}

// In English on a desktop, in Italian on a phone, each in light and dark.
func TestEverybodyCanUseEveryPage(t *testing.T) {
	t.Parallel()
	needChromium(t)
	axe, err := os.ReadFile(os.Getenv(axeVar))
	require.NoError(t, err, "%s names axe-core: run make test-browser", axeVar)
	for language, in := range map[string]size{"en": desktop, "it": phone} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			visits := newVisits(t, language)
			for _, one := range visits.shop.views() {
				b := visits.show(one, in)
				for _, colours := range []string{"light", "dark"} {
					b.looks(in, colours)
					for _, found := range b.audit(string(axe)) {
						t.Errorf("%s, %s: %s", one.name, colours, found)
					}
				}
			}
		})
	}
}
