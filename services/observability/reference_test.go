package observability_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what is made from Go: dashboards, and the table of metrics")

// root is the repository's.
const root = "../../"

// metric is one that the source declares.
type metric struct {
	name, kind, help string
	labels           []string
}

// unit is what its values are in, which its name tells.
func (m metric) unit() string {
	switch {
	case strings.HasSuffix(m.name, "_seconds"):
		return "seconds"
	case strings.HasSuffix(m.name, "_ready"), strings.HasSuffix(m.name, "_ok"), strings.HasSuffix(m.name, "_stale"):
		return "0 or 1"
	default:
		return "count"
	}
}

// declared finds every metric in the source: the calls of client_golang that make one.
func declared(t *testing.T) map[string]metric {
	t.Helper()
	all := map[string]metric{}
	for _, module := range []string{"pkg", "services"} {
		require.NoError(t, filepath.WalkDir(root+module, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if m, ok := declares(call); ok {
						all[m.name] = m
					}
				}
				return true
			})
			return nil
		}))
	}
	require.NotEmpty(t, all)
	return all
}

// declares reads a call such as prometheus.NewCounterVec.
func declares(call *ast.CallExpr) (m metric, ok bool) {
	if short, ok := call.Fun.(*ast.Ident); ok && len(call.Args) == 2 && (short.Name == "gauge" || short.Name == "counter") {
		// The outbox's, which all have its name as their label.
		m = metric{name: text(call.Args[0]), kind: short.Name, help: text(call.Args[1]), labels: []string{"outbox"}}
		return m, strings.HasPrefix(m.name, "staffetta_outbox_")
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || fmt.Sprint(function.X) != "prometheus" || !strings.HasPrefix(function.Sel.Name, "New") {
		return m, false
	}
	made := strings.TrimPrefix(function.Sel.Name, "New")
	if made == "Desc" { // ours are all gauges, which the scrape confirms
		m.name, m.help, m.kind = text(call.Args[0]), text(call.Args[1]), "gauge"
		m.labels = append(texts(call.Args[2]), texts(call.Args[3])...)
		return m, true
	}
	if len(call.Args) == 0 {
		return m, false
	}
	options, ok := call.Args[0].(*ast.CompositeLit)
	if !ok {
		return m, false
	}
	m.kind = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(made, "Vec"), "Func"))
	for _, e := range options.Elts {
		field, _ := e.(*ast.KeyValueExpr)
		switch fmt.Sprint(field.Key) {
		case "Name":
			m.name = text(field.Value)
		case "Help":
			m.help = text(field.Value)
		case "ConstLabels":
			if name, ok := field.Value.(*ast.Ident); ok && name.Name == "labels" {
				m.labels = append(m.labels, "outbox")
			} else {
				m.labels = append(m.labels, texts(field.Value)...)
			}
		}
	}
	if strings.HasSuffix(made, "Vec") {
		m.labels = append(m.labels, texts(call.Args[1])...)
	}
	return m, m.name != ""
}

func text(e ast.Expr) string {
	if literal, ok := e.(*ast.BasicLit); ok {
		s, _ := strconv.Unquote(literal.Value)
		return s
	}
	return ""
}

// texts are the elements of a list, or the keys of a map.
func texts(e ast.Expr) (all []string) {
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, e := range list.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			e = pair.Key
		}
		all = append(all, text(e))
	}
	return all
}

const (
	reference = root + "docs/observability.md"
	tableFrom = "<!-- metrics: made by go generate ./services/observability -->\n"
	tableTo   = "<!-- metrics end -->\n"
)

// table is the reference of metrics, as the documentation has it.
func table(metrics map[string]metric) string {
	var b strings.Builder
	b.WriteString("| Name | Type | Labels | Unit | Meaning |\n|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		m := metrics[name]
		labels := make([]string, len(m.labels))
		for i, l := range m.labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.name, m.kind, strings.Join(labels, ", "), m.unit(), m.help)
	}
	return b.String()
}

func TestTheReferenceHasEveryMetric(t *testing.T) {
	t.Parallel()
	all, err := os.ReadFile(reference)
	require.NoError(t, err)
	before, rest, found := bytes.Cut(all, []byte(tableFrom))
	require.True(t, found, "%s has no %s", reference, tableFrom)
	is, after, found := bytes.Cut(rest, []byte(tableTo))
	require.True(t, found, "%s has no %s", reference, tableTo)
	want := table(declared(t))
	if *update {
		text := string(before) + tableFrom + want + tableTo + string(after)
		require.NoError(t, os.WriteFile(reference, []byte(text), 0o600))
		return
	}
	require.Equal(t, want, string(is), "run go generate ./services/observability")
}

// bounded are the labels that metrics may have: what each can be is known, or is as many
// as there are processes or partitions.
var bounded = map[string]string{
	"service": "the eight services", "outbox": "the four domain services", "group": "the consumer groups",
	"topic": "Kafka's topics", "partition": "their partitions", "route": "patterns of paths", "method": "HTTP's methods",
	"status": "HTTP's statuses", "fate": "hook.Fate", "reason": "hook.Reason, codec.Reason", "cause": "why tasks are deferred",
	"trust": "of lanes", "state": "of breakers and lanes", "deferred": "true, false", "outcome": "of calls and redrives",
	"kind": "of skipped records", "check": "what /readyz names",
}

func TestNoMetricHasALabelWithoutABound(t *testing.T) {
	t.Parallel()
	for _, m := range declared(t) {
		for _, l := range m.labels {
			require.Contains(t, bounded, l, "label of %s: accounts, webhooks and ids belong into logs and traces", m.name)
		}
		require.NotEmpty(t, m.help, m.name)
	}
}
