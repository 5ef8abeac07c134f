package charts_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The chart's README is its values.yaml: the values with their comments.

func TestTheReadmeSaysWhatTheValuesAre(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("staffetta/values.yaml")
	require.NoError(t, err)
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &document))
	var rows strings.Builder
	require.NoError(t, describe(&rows, "", document.Content[0]))
	want := top + rows.String() + bottom
	const path = "staffetta/README.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "write it: make test-chart TESTFLAGS=-update")
}

const top = `# The chart of Staffetta

Made of values.yaml by ` + "`make test-chart TESTFLAGS=-update`" + `. How to install, by example: [docs/kubernetes.md](../../docs/kubernetes.md).

| Value | Meaning | Default |
|---|---|---|
`

const bottom = `
The keys of ` + "`defaults`" + ` are those of each service too: ` + "`services.sender.replicas`" + ` goes before
` + "`defaults.replicas`" + `. Maps are laid over each other key by key, lists are taken whole.
`

// describe writes a row for each key of a map, and of those within whose keys are described.
func describe(rows *strings.Builder, path string, keys *yaml.Node) error {
	for i := 0; i < len(keys.Content); i += 2 {
		key, value := keys.Content[i], keys.Content[i+1]
		name := path + key.Value
		if described(value) {
			if err := describe(rows, name+".", value); err != nil {
				return err
			}
			continue
		}
		if key.HeadComment == "" {
			return fmt.Errorf("%s: no comment says what it means", name)
		}
		var standing any
		if err := value.Decode(&standing); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		shown, err := json.Marshal(standing)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(rows, "| `%s` | %s | `%s` |\n", name, meaning(key.HeadComment), shown)
	}
	return nil
}

// described reports whether the keys of a map have comments, or those of the first within.
func described(value *yaml.Node) bool {
	return value.Kind == yaml.MappingNode && len(value.Content) > 0 &&
		(value.Content[0].HeadComment != "" || described(value.Content[1]))
}

// meaning is a comment in one line: of its last paragraph, as one before is about what follows.
func meaning(comment string) string {
	paragraphs := strings.Split(comment, "\n\n")
	var words []string
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		words = append(words, strings.TrimSpace(strings.TrimPrefix(line, "#")))
	}
	return strings.ReplaceAll(strings.Join(words, " "), "|", `\|`)
}
