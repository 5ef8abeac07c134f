package browser_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
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

// audit gives what keeps people out of the page that a tab shows; of some rules of
// axe-core, or of all that are about the guidelines (WCAG 2.2 AA) and good practice.
func (b *tab) audit(axe string, rules ...string) []breach {
	b.t.Helper()
	if !eval[bool](b, `"axe" in window`) {
		eval[chromedp.Void](b, axe)
	}
	kind, values := "tag", []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}
	if len(rules) > 0 {
		kind, values = "rule", rules
	}
	return eval[[]breach](b, fmt.Sprintf(`axe.run(document, { runOnly: { type: %q, values: %s }, resultTypes: ["violations"] }).then((found) => found.violations)`, kind, list(values)))
}

// In English on a desktop, where contrast is looked at in dark too, and in Italian on a
// phone.
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
				found := b.audit(string(axe))
				if in == desktop {
					b.looks(in, "dark")
					found = append(found, b.audit(string(axe), "color-contrast", "link-in-text-block")...)
				}
				for _, breach := range found {
					t.Errorf("%s: %s", one.name, breach)
				}
			}
		})
	}
}
