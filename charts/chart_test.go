// Package charts tests the Helm chart, by what helm makes of it. `make test-chart` says where
// helm is, STAFFETTA_TEST_HELM, and runs them.
package charts_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the golden files anew")

// helm runs it, and returns what it prints; the error has what it complains of.
func helm(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	program := os.Getenv("STAFFETTA_TEST_HELM")
	require.NotEmpty(t, program, "STAFFETTA_TEST_HELM must name helm: run `make test-chart`")
	var out, complaint bytes.Buffer
	c := exec.CommandContext(t.Context(), program, arguments...)
	c.Stdout, c.Stderr = &out, &complaint
	c.Env = append(os.Environ(), "HELM_CACHE_HOME="+t.TempDir(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	if err := c.Run(); err != nil {
		return "", complaintError(complaint.String())
	}
	return out.String(), nil
}

// blankLines end a document of Helm 4, but none of Helm 3.
var blankLines = regexp.MustCompile(`\n\n+(---\n|$)`)

type complaintError string

func (e complaintError) Error() string { return string(e) }

// template renders the chart; values may be the path of a file, or settings key=value.
func template(t *testing.T, values ...string) (string, error) {
	t.Helper()
	arguments := []string{"template", "x", "staffetta", "--namespace", "hooks"}
	for _, v := range values {
		if strings.Contains(v, "=") {
			arguments = append(arguments, "--set", v)
		} else {
			arguments = append(arguments, "--values", v)
		}
	}
	rendered, err := helm(t, arguments...)
	return blankLines.ReplaceAllString(rendered, "\n$1"), err
}

// scenarios are the values that the chart is tried with: a folder each, with the values and
// what becomes of them.
func scenarios(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob("testdata/*/values.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for i, path := range folders {
		folders[i] = filepath.Base(filepath.Dir(path))
	}
	return folders
}

func valuesOf(scenario string) string { return filepath.Join("testdata", scenario, "values.yaml") }
func goldenOf(scenario string) string { return filepath.Join("testdata", scenario, "golden.yaml") }

// manifest is one object.
type manifest map[string]any

func (m manifest) text(path ...string) string {
	text, _ := m.at(path...).(string)
	return text
}

// at is what is found by the keys, nil where there is nothing.
func (m manifest) at(path ...string) any {
	var value any = map[string]any(m)
	for _, key := range path {
		within, _ := value.(map[string]any)
		value = within[key]
	}
	return value
}

func (m manifest) name() string { return m.text("kind") + " " + m.text("metadata", "name") }

// manifests reads what helm renders.
func manifests(t *testing.T, rendered string) []manifest {
	t.Helper()
	var all []manifest
	for document := range strings.SplitSeq("\n"+rendered, "\n---") {
		var m map[string]any // as a manifest what is within would be some too
		require.NoError(t, yaml.Unmarshal([]byte(document), &m))
		if len(m) > 0 {
			all = append(all, m)
		}
	}
	return all
}

// golden reads the objects of a scenario.
func golden(t *testing.T, scenario string) []manifest {
	t.Helper()
	text, err := os.ReadFile(goldenOf(scenario))
	require.NoError(t, err)
	return manifests(t, string(text))
}

func TestTheChartHasNothingToComplainOf(t *testing.T) {
	t.Parallel()
	for _, scenario := range scenarios(t) {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			out, err := helm(t, "lint", "--strict", "staffetta", "--values", valuesOf(scenario))
			require.NoError(t, err)
			require.Contains(t, out, "0 chart(s) failed")
		})
	}
}

func TestWhatBecomesOfValues(t *testing.T) {
	t.Parallel()
	for _, scenario := range scenarios(t) {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, valuesOf(scenario))
			require.NoError(t, err)
			rendered = withoutFiles(rendered)
			if *update {
				require.NoError(t, os.WriteFile(goldenOf(scenario), []byte(rendered), 0o600))
			}
			want, err := os.ReadFile(goldenOf(scenario))
			require.NoError(t, err, "write it with -update, and read it")
			require.Equal(t, string(want), rendered, "if this is what is wanted: make test-chart TESTFLAGS=-update")
		})
	}
}

// withoutFiles leaves out dashboards and rules, which are files of their own.
func withoutFiles(rendered string) string {
	var kept []string
	for _, document := range strings.SplitAfter(rendered, "\n---\n") {
		if !strings.Contains(document, "/templates/dashboards.yaml\n") && !strings.Contains(document, "/templates/prometheusrules.yaml\n") {
			kept = append(kept, document)
		}
	}
	return strings.Join(kept, "")
}

func TestWithoutValuesAllIsThereThatMustNotBeForgotten(t *testing.T) {
	t.Parallel()
	rendered, err := template(t)
	require.NoError(t, err)
	want, err := os.ReadFile(goldenOf("default"))
	require.NoError(t, err)
	require.Equal(t, string(want), rendered, "the scenario `default` has no values")

	kinds := map[string]int{}
	for _, m := range manifests(t, rendered) {
		kinds[m.text("kind")]++
	}
	require.Equal(t, map[string]int{
		"Deployment": 8, "Service": 8, "PodDisruptionBudget": 8, "NetworkPolicy": 10, "ServiceAccount": 2, "Job": 2,
	}, kinds)
	require.Contains(t, rendered, "value: kafka:9092")
	require.Contains(t, rendered, "value: redis://redis:6379")
	require.Contains(t, rendered, "name: staffetta\n")
}
