package compose

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// first is a file itself, or one in a folder.
func first(path string) string {
	found := path
	_ = filepath.WalkDir(path, func(p string, e fs.DirEntry, _ error) error {
		if e != nil && !e.IsDir() {
			found = p
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// read decodes a file of one YAML document; a key that is there twice is an error.
func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(repository + "/" + path)
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	require.NoError(t, decoder.Decode(into), path)
	require.True(t, errors.Is(decoder.Decode(new(any)), io.EOF), "%s has one document", path)
}

func TestTheGatewayKnowsEveryCollection(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(repository + "/.compose/nginx.conf")
	require.NoError(t, err)
	routed := map[string][]string{}
	for _, found := range regexp.MustCompile(`location ~ \^/\(([^)]*)\)\(/\|\$\) \{\s*set \$service (\w+):8080;`).FindAllStringSubmatch(string(text), -1) {
		collections := strings.Split(found[1], "|")
		slices.Sort(collections)
		routed[found[2]] = collections
	}
	served := map[string][]string{}
	for name, service := range known(t).Services {
		if len(service.Collections) > 0 {
			served[name] = slices.Sorted(slices.Values(service.Collections))
		}
	}
	require.Len(t, served, 4)
	require.Equal(t, served, routed)
}

// pipelines is the part of the collector's settings that names other parts.
type pipelines struct {
	Receivers, Processors, Exporters map[string]any
	Service                          struct {
		Pipelines map[string]struct{ Receivers, Processors, Exporters []string }
	}
}

func TestTheCollectorUsesWhatItSetsUp(t *testing.T) {
	t.Parallel()
	// A collector that is given several files merges their maps.
	var c pipelines
	for _, file := range load(t).Services["collector"].Volumes {
		path, err := filepath.Rel(load(t).WorkingDir, file.Source)
		require.NoError(t, err)
		read(t, path, &c)
	}
	require.Len(t, c.Service.Pipelines, 2)
	used := map[string]bool{}
	for name, p := range c.Service.Pipelines {
		for _, part := range []struct {
			kind  string
			names []string
			there map[string]any
		}{{"receiver ", p.Receivers, c.Receivers}, {"processor ", p.Processors, c.Processors}, {"exporter ", p.Exporters, c.Exporters}} {
			for _, one := range part.names {
				require.Contains(t, part.there, one, "pipeline %s", name)
				used[part.kind+one] = true
			}
		}
	}
	require.Len(t, used, len(c.Receivers)+len(c.Processors)+len(c.Exporters), "nothing is set up in vain")
}

func TestPrometheusAsksEveryService(t *testing.T) {
	t.Parallel()
	var c struct {
		Configs []struct {
			Found []struct {
				Names []string
				Port  int
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	read(t, ".compose/prometheus.yml", &c)
	project := load(t)
	var want []string
	for name, s := range project.Services {
		if ours(s) && s.Command[0] == name && !job(project, name) && name != "demo" {
			want = append(want, name)
		}
	}
	require.ElementsMatch(t, want, c.Configs[0].Found[0].Names)
	require.Equal(t, 8080, c.Configs[0].Found[0].Port)
}

func TestGrafanaKnowsWhereEverythingIs(t *testing.T) {
	t.Parallel()
	var sources struct {
		Datasources []struct{ UID, Type, URL string }
	}
	read(t, ".compose/grafana/provisioning/datasources/staffetta.yaml", &sources)
	var found []string
	for _, s := range sources.Datasources {
		require.Equal(t, s.Type, s.UID, "dashboards and links name them so")
		found = append(found, s.URL)
	}
	require.Equal(t, []string{"http://prometheus:9090", "http://loki:3100", "http://tempo:3200"}, found)

	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read(t, ".compose/grafana/provisioning/dashboards/staffetta.yaml", &providers)
	grafana := load(t).Services["grafana"]
	path := providers.Providers[0].Options.Path
	require.True(t, slices.ContainsFunc(grafana.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == path }))
	require.Contains(t, *grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"], path+"/")
}

func TestLokiAndTempoListenWhereTheyAreAsked(t *testing.T) {
	t.Parallel()
	for file, port := range map[string]int{"loki": 3100, "tempo": 3200} {
		var c struct {
			Server struct {
				Port int `yaml:"http_listen_port"`
			}
		}
		read(t, ".compose/"+file+".yaml", &c)
		require.Equal(t, port, c.Server.Port)
	}
}
