package observability_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/observability"
)

const dashboards = root + "charts/staffetta/dashboards/"

func TestTheDashboardsAreUpToDate(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(dashboards + "*.json")
	require.NoError(t, err)
	made := observability.Dashboards()
	for file, d := range made {
		want, err := d.JSON()
		require.NoError(t, err)
		if *update {
			require.NoError(t, os.WriteFile(dashboards+file, want, 0o600))
			continue
		}
		is, err := os.ReadFile(dashboards + file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(is), "run go generate ./services/observability")
	}
	if !*update {
		require.Len(t, files, len(made), "a file that nobody makes")
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	for file, d := range observability.Dashboards() {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			at := p.GridPos
			require.LessOrEqual(t, at.X+at.W, 24, "%s: %s", file, p.Title)
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					require.Empty(t, taken[[2]int{x, y}], "%s: under %s", file, p.Title)
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// panelQuery is an expression of a panel.
type panelQuery struct{ where, kind, expr string }

// queries are those of all panels, by kind of data source.
func queries() (all []panelQuery) {
	for file, d := range observability.Dashboards() {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				expr := q.Expr
				if expr == "" {
					expr = q.Query
				}
				all = append(all, panelQuery{file + ": " + p.Title + " " + q.RefID, q.Datasource.Type, expr})
			}
		}
	}
	return all
}

func promQL() (all []panelQuery) {
	for _, q := range queries() {
		if q.kind == "prometheus" {
			all = append(all, q)
		}
	}
	return all
}
