package charts_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The chart knows some of the program: what it knows is compared with the source. Tests of the
// program compare the rest: services/config the environment, services/assembly the paths.

type facts struct {
	Services map[string]struct {
		Lag *struct{ Group, Topic string }
	}
	Jobs map[string]struct{}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
}

func known(t *testing.T) (f facts) {
	t.Helper()
	readYAML(t, "staffetta/files/services.yaml", &f)
	return f
}

// source is the text of Go files, without those of tests.
func source(t *testing.T, glob string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", glob))
	require.NoError(t, err)
	var all strings.Builder
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			all.Write(text)
		}
	}
	require.NotEmpty(t, all.String(), glob)
	return all.String()
}

func found(text, pattern string) []string {
	var all []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

func TestTheServicesAreThoseOfTheProgram(t *testing.T) {
	t.Parallel()
	f := known(t)
	var names []string
	for name, service := range f.Services {
		names = append(names, name)
		if service.Lag != nil {
			require.Equal(t, found(source(t, "services/"+name+"/service.go"), `Group = "([a-z-]+)"`), []string{service.Lag.Group}, name)
		}
	}
	require.ElementsMatch(t, found(source(t, "services/cmd/services.go"), `\{"([a-z]+)", "Run `), names)
	for name := range f.Jobs {
		require.Contains(t, source(t, "services/cmd/services.go"), `Use: "`+name+`"`)
	}
}

// TestEverySettingCanBeSet: what is not here is nothing for a cluster.
func TestEverySettingCanBeSet(t *testing.T) {
	t.Parallel()
	set := map[string]bool{
		"STAFFETTA_LISTEN":         true, // as the chart leaves it
		"STAFFETTA_WEBHOOK_SECRET": true, // of a receiver, which the chart has none of
	}
	for _, scenario := range scenarios(t) {
		for _, m := range golden(t, scenario) {
			for _, entry := range containerOf(m).list("env") {
				set[entry.text("name")] = true
			}
		}
	}
	for _, name := range found(source(t, "services/config/config.go"), `= +"(STAFFETTA_[A-Z_]+)"`) {
		require.True(t, set[name], "%s: no scenario has it", name)
	}
}

// list is a list of objects.
func (m manifest) list(path ...string) []manifest {
	values, _ := m.at(path...).([]any)
	list := make([]manifest, len(values))
	for i, value := range values {
		fields, _ := value.(map[string]any)
		list[i] = fields
	}
	return list
}

// containerOf is the one of a Deployment's or a Job's pod; empty for anything else.
func containerOf(m manifest) manifest {
	if containers := m.list("spec", "template", "spec", "containers"); len(containers) == 1 {
		return containers[0]
	}
	return manifest{}
}

func TestTheSchemaKnowsTheServices(t *testing.T) {
	t.Parallel()
	schema := readSchema(t)
	var names []string
	for name := range known(t).Services {
		names = append(names, name)
	}
	properties, _ := manifest(schema).at("properties", "services", "properties").(map[string]any)
	var there []string
	for name := range properties {
		there = append(there, name)
	}
	require.ElementsMatch(t, names, there)
}

func readSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("staffetta/values.schema.json")
	require.NoError(t, err)
	schema := map[string]any{}
	require.NoError(t, json.Unmarshal(text, &schema))
	return schema
}

func TestNoPartOfTheSchemaTakesAnUnknownKey(t *testing.T) {
	t.Parallel()
	var walk func(path string, schema map[string]any)
	walk = func(path string, schema map[string]any) {
		if _, ok := schema["properties"]; ok {
			require.Equal(t, false, schema["additionalProperties"], path)
		}
		for key, value := range schema {
			if within, ok := value.(map[string]any); ok {
				walk(path+"/"+key, within)
			}
		}
	}
	walk("", readSchema(t))
}

// TestThePolicyClosesWhatTheProgramRefuses: the second wall stands where the first one does.
func TestThePolicyClosesWhatTheProgramRefuses(t *testing.T) {
	t.Parallel()
	var values struct {
		NetworkPolicy struct {
			Receivers struct{ Except []netip.Prefix }
		} `yaml:"networkPolicy"`
	}
	readYAML(t, "staffetta/values.yaml", &values)
	for _, text := range found(source(t, "pkg/egress/address.go"), `MustParsePrefix\("([^"]+)"\)`) {
		refused := netip.MustParsePrefix(text)
		if refused.Addr().Is4In6() {
			continue // how an IPv4 address is written; no packet has it
		}
		require.True(t, slices.ContainsFunc(values.NetworkPolicy.Receivers.Except, func(closed netip.Prefix) bool {
			return closed.Bits() <= refused.Bits() && closed.Contains(refused.Addr())
		}), "networkPolicy.receivers.except lacks %s", refused)
	}
}

func TestTheTrialHasTheImagesOfCompose(t *testing.T) {
	t.Parallel()
	var compose struct {
		Services map[string]struct{ Image string }
	}
	readYAML(t, "../docker-compose.yml", &compose)
	var values struct {
		Bundled map[string]struct{ Image string }
	}
	readYAML(t, "staffetta/values.yaml", &values)
	for name, server := range values.Bundled {
		require.Equal(t, compose.Services[name].Image, server.Image, name)
		require.False(t, slices.Contains([]string{"", "latest"}, server.Image[strings.LastIndex(server.Image, ":")+1:]))
	}
}
