package compose

import (
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// facts are what the chart knows of the program, which its tests compare with the source.
type facts struct {
	Services map[string]struct{ Env, Collections []string }
	Jobs     map[string]struct{ Env []string }
}

func known(t *testing.T) (f facts) {
	t.Helper()
	read(t, "charts/staffetta/files/services.yaml", &f)
	return f
}

// reads are the variables that a container's program reads.
func reads(t *testing.T, s types.ServiceConfig) map[string]bool {
	t.Helper()
	f, names := known(t), map[string]bool{"STAFFETTA_LISTEN": true, "STAFFETTA_LOG_LEVEL": true, "OTEL_EXPORTER_OTLP_ENDPOINT": true}
	program := s.Command[0]
	env := append(f.Services[program].Env, f.Jobs[program].Env...)
	if env == nil { // for trying things out, so none of the chart's
		source, err := os.ReadFile(repository + "/services/config/config.go")
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(`= "(STAFFETTA_(?:ADMIN_KEY|WEBHOOK_SECRET))"`).FindAllStringSubmatch(string(source), -1) {
			env = append(env, found[1])
		}
		require.Len(t, env, 2)
	}
	for _, name := range env {
		names[name] = true
	}
	return names
}

func TestEveryVariableIsOneThatItsProgramReads(t *testing.T) {
	t.Parallel()
	for name, s := range load(t).Services {
		if !ours(s) {
			continue
		}
		known := reads(t, s)
		for variable, value := range s.Environment {
			require.True(t, known[variable], "%s: %s does not read %s", name, s.Command[0], variable)
			require.NotNil(t, value, "%s: %s has no value", name, variable)
		}
	}
}

// TestEveryValueIsTaken: a program that finds fault with its settings ends with status 2; here, where nobody
// answers it, it is 1.
func TestEveryValueIsTaken(t *testing.T) {
	t.Parallel()
	root := image(t)
	for name, s := range load(t).Services {
		if !ours(s) {
			continue
		}
		var env []string
		for variable, value := range s.Environment {
			env = append(env, variable+"="+*value)
		}
		said, err := command(t, root, append(env, "STAFFETTA_LISTEN=127.0.0.1:1"), "healthcheck").CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, name)
		require.Equal(t, 1, exit.ExitCode(), "%s: %s", name, said)
	}
}

// addresses gives the host and port of each address in a container's environment and command.
func addresses(t *testing.T, s types.ServiceConfig) (all []string) {
	t.Helper()
	values := append([]string(nil), s.Command...)
	for name, value := range s.Environment {
		switch name {
		case "STAFFETTA_LISTEN", "STAFFETTA_PUBLIC_URL", "STAFFETTA_TRACE_URL": // of the host
		case "STAFFETTA_KAFKA_BROKERS":
			all = append(all, strings.Split(*value, ",")...)
		default:
			values = append(values, *value)
		}
	}
	for _, value := range values {
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			all = append(all, u.Host)
		}
	}
	return all
}

func TestEveryAddressIsAContainerThatListensThere(t *testing.T) {
	t.Parallel()
	project := load(t)
	listens := map[string]bool{
		"kafka:19092": true, "redis:6379": true, "postgres:5432": true, "gateway:8080": true,
		"collector:4318": true, "receiver:8080": true,
	}
	for name, s := range project.Services {
		if !ours(s) {
			continue
		}
		for _, address := range addresses(t, s) {
			require.True(t, listens[address], "%s: %s", name, address)
			host, _, _ := strings.Cut(address, ":")
			require.Contains(t, project.Services, host)
			shared := false
			for network := range s.Networks {
				_, in := project.Services[host].Networks[network]
				shared = shared || in
			}
			// A webhook's URL is the sender's to reach.
			require.True(t, shared || name == "demo" && host == "receiver", "%s does not reach %s", name, host)
		}
	}
}
