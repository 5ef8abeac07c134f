package observability_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// rule of a rules file: an alert or a record.
type rule struct {
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	files, err := filepath.Glob(root + "charts/staffetta/rules/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var parsed struct {
			Groups []struct {
				Rules []rule `yaml:"rules"`
			} `yaml:"groups"`
		}
		require.NoError(t, yaml.Unmarshal(text, &parsed), file)
		for _, g := range parsed.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func TestEveryAlertHasItsEntryInTheRunbookAndNoOther(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile(root + "docs/runbook.md")
	require.NoError(t, err)
	var entries []string
	for _, m := range regexp.MustCompile(`(?m)^## (Staffetta\w+)$`).FindAllStringSubmatch(string(runbook), -1) {
		entries = append(entries, m[1])
	}
	var alerts []string
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		alerts = append(alerts, r.Alert)
		require.Equal(t, "https://github.com/staffetta/staffetta/blob/main/docs/runbook.md#"+strings.ToLower(r.Alert),
			r.Annotations["runbook_url"])
		require.Contains(t, []string{"page", "ticket"}, r.Labels["severity"], r.Alert)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.NotEmpty(t, r.Annotations["description"], r.Alert)
	}
	slices.Sort(alerts)
	slices.Sort(entries)
	require.Equal(t, alerts, entries)
}

func TestRulesAndDashboardsNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := declared(t)
	recorded := map[string]bool{}
	for _, r := range rules(t) {
		recorded[r.Record] = true
	}
	names := regexp.MustCompile(`\bstaffetta[_:][a-z0-9_:]+`)
	suffix := regexp.MustCompile(`_(bucket|count|sum)$`)
	quoted := regexp.MustCompile(`"[^"]*"`)
	check := func(where, expr string) {
		for _, name := range names.FindAllString(quoted.ReplaceAllString(expr, ""), -1) {
			_, ok := known[name]
			base, cut := known[suffix.ReplaceAllString(name, "")]
			require.True(t, ok || recorded[name] || cut && base.kind == "histogram", "%s: there is no %s", where, name)
		}
	}
	for _, r := range rules(t) {
		check(r.Alert+r.Record, r.Expr)
	}
	for _, p := range promQL() {
		check(p.where, p.expr)
	}
}
