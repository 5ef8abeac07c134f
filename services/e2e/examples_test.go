package e2e_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the examples into docs/upstream.md as they are")

// shown is a link to an example, alone or with how it is run, and the block behind it.
var shown = regexp.MustCompile("(?ms)^\\[[^]]+\\]\\((examples/[^)]+)\\)([^\n]*):\n\n```([a-z]*)\n(.*?)^```$")

// What docs/upstream.md shows is what deliversOtherClients and deliversOutbox run.
func TestThePageOfUpstreamShowsTheExamplesAsTheyAre(t *testing.T) {
	t.Parallel()
	const page = "../../docs/upstream.md"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	files := map[string]bool{}
	fresh := shown.ReplaceAllFunc(text, func(block []byte) []byte {
		found := shown.FindSubmatchIndex(block)
		name := string(block[found[2]:found[3]])
		example, err := os.ReadFile(filepath.Join("../../docs", name))
		require.NoError(t, err)
		files[name] = true
		return append(append(append([]byte(nil), block[:found[8]]...), example...), "```"...)
	})
	if *update {
		require.NoError(t, os.WriteFile(page, fresh, 0o600))
	} else {
		require.Equal(t, string(fresh), string(text), "go test ./services/e2e -run %s -update", t.Name())
	}
	// The service in Go is of docs/publish.md; the rest is what the examples are built into, and write.
	elsewhere := regexp.MustCompile(`/(node_modules|target|python/staffetta)/|/package-lock\.json$|/shop\.db|/upstream/upstream$|\.go$|/go\.(mod|sum)$`)
	require.NoError(t, filepath.WalkDir(examples, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || elsewhere.MatchString(path) {
			return err
		}
		name, err := filepath.Rel("../../docs", path)
		require.NoError(t, err)
		require.True(t, files[name], "%s is shown", name)
		return nil
	}))
}
