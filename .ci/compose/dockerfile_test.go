package compose

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/require"
)

// stages parses the Dockerfile as Docker does; what its linter warns of is an error.
func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	file, err := os.Open(repository + "/Dockerfile")
	require.NoError(t, err)
	defer file.Close()
	parsed, err := parser.Parse(file)
	require.NoError(t, err)
	require.Empty(t, parsed.Warnings)
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
		t.Errorf("%s: %s", rule, message)
	}})
	all, _, err := instructions.Parse(parsed.AST, lint)
	require.NoError(t, err)
	return all
}

// targets are those of the Makefile.
func targets(t *testing.T) map[string]bool {
	t.Helper()
	makefile, err := os.ReadFile(repository + "/Makefile")
	require.NoError(t, err)
	all := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^([a-z-]+):.*##`).FindAllStringSubmatch(string(makefile), -1) {
		all[found[1]] = true
	}
	return all
}

func TestEachStepOfTheImageIsAMakeTarget(t *testing.T) {
	t.Parallel()
	known, steps := targets(t), 0
	for _, stage := range stages(t) {
		for _, command := range stage.Commands {
			run, ok := command.(*instructions.RunCommand)
			if !ok {
				continue
			}
			line := strings.Fields(strings.Join(run.CmdLine, " "))
			require.Len(t, line, 2, "RUN %v", run.CmdLine)
			require.Equal(t, "make", line[0])
			require.True(t, known[line[1]], "make %s", line[1])
			steps++
		}
	}
	require.Positive(t, steps)
}

func TestTheImageIsBuiltFromVersionsThatDoNotMove(t *testing.T) {
	t.Parallel()
	names := map[string]bool{"scratch": true}
	for _, stage := range stages(t) {
		if !names[stage.BaseName] {
			require.Regexp(t, `:\d+\.\d+\.\d+-[a-z]+(@sha256:[0-9a-f]{64})?$`, stage.BaseName)
		}
		names[stage.Name] = true
	}
}

// The last stage is what `docker build` makes.
func TestTheImageHoldsOneProgramThatRunsAsNobody(t *testing.T) {
	t.Parallel()
	all := stages(t)
	image := all[len(all)-1]
	require.Equal(t, "staffetta", image.Name)
	require.Equal(t, "scratch", image.BaseName, "no shell, no package manager")
	var user, entrypoint string
	var files []string
	for _, command := range image.Commands {
		switch c := command.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.EntrypointCommand:
			require.False(t, c.PrependShell, "signals reach the program itself")
			entrypoint = strings.Join(c.CmdLine, " ")
		case *instructions.CopyCommand:
			require.Equal(t, "build", c.From)
			files = append(files, c.DestPath)
		}
	}
	require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, user, "by number, for runAsNonRoot")
	require.Equal(t, binary, entrypoint)
	require.Equal(t, []string{"/etc/ssl/certs/ca-certificates.crt", binary}, files)
}

func TestTheBuilderGetsTheSourceAndNothingElse(t *testing.T) {
	t.Parallel()
	file, err := os.Open(repository + "/.dockerignore")
	require.NoError(t, err)
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	require.NoError(t, err)
	matcher, err := patternmatcher.New(patterns)
	require.NoError(t, err)
	for path, ignored := range map[string]bool{
		"Makefile": false, "go.work": false, "pkg/bus/bus.go": false, "services/cmd/staffetta/hot.pgo": false,
		".ci/sbom": false, ".ci/install.sh": false, "proto/go.mod": false,
		".git/config": true, ".servers/kafka/log": true, "bin/staffetta": true, "data/admin-key": true,
		"pkg/bus/bus_test.go": true, ".env": true,
	} {
		found, err := matcher.MatchesOrParentMatches(path)
		require.NoError(t, err)
		require.Equal(t, ignored, found, path)
	}
}
