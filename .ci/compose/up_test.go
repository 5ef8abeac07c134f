package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	v1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// within bounds what must happen; machines may be busy.
const within = 90 * time.Second

// installation is what `docker compose up` makes, as processes of this machine: the same commands in the same
// order, each with the environment and the files of its container. Only addresses differ.
type installation struct {
	t       *testing.T
	project *types.Project
	root    string
	// at is where on this machine each address of the file is.
	at map[string]string
	// gateway is nginx's configuration file.
	gateway string

	running map[string]*running
}

// running is a command that was started.
type running struct {
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
}

// output is what a command wrote, both ways.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// spans counts what the services' traces say, by service.
type spans struct {
	mu    sync.Mutex
	count map[string]int
}

// ServeHTTP is the collector's OTLP receiver.
func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request v1.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		for _, a := range resource.Resource.Attributes {
			if a.Key != "service.name" {
				continue
			}
			for _, scope := range resource.ScopeSpans {
				s.count[a.Value.GetStringValue()] += len(scope.Spans)
			}
		}
	}
}

func (s *spans) of(service string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[service]
}

// free is an address below those that a system takes for outgoing connections, so that it is still free in a moment.
func free(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(10_000)) //nolint:gosec // any will do
		if l, err := config.Listen(t.Context(), "tcp", address); err == nil {
			require.NoError(t, l.Close())
			return address
		}
	}
	require.Fail(t, "no address is free")
	return ""
}

func hostOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u.Host
}

// prepare finds the servers and gives every container an address.
func prepare(t *testing.T, traces http.Handler) *installation {
	t.Helper()
	kafka := os.Getenv("STAFFETTA_TEST_KAFKA")
	if kafka == "" {
		t.Skip("needs real servers of its own: make try-compose")
	}
	collector := httptest.NewServer(traces)
	t.Cleanup(collector.Close)
	in := &installation{
		t: t, project: load(t), root: image(t), running: map[string]*running{},
		at: map[string]string{
			"kafka:19092": kafka, "redis:6379": hostOf(t, os.Getenv("STAFFETTA_TEST_REDIS")),
			"postgres:5432": hostOf(t, os.Getenv("STAFFETTA_TEST_DATABASE")), "collector:4318": collector.Listener.Addr().String(),
		},
	}
	for name, s := range in.project.Services {
		if ours(s) || name == "gateway" {
			in.at[name+":8080"] = free(t)
		}
	}
	in.prepareGateway()
	return in
}

// prepareGateway writes nginx's configuration with the addresses of this machine.
func (in *installation) prepareGateway() {
	text, err := os.ReadFile(repository + "/.compose/nginx.conf")
	require.NoError(in.t, err)
	folder := in.t.TempDir()
	require.NoError(in.t, os.Chmod(folder, 0o777)) //nolint:gosec // nginx's other account
	require.NoError(in.t, os.Chmod(filepath.Dir(folder), 0o755))
	conf := strings.ReplaceAll(string(text), "/tmp/", folder+"/")
	conf = strings.Replace(conf, "listen 8080;", "listen "+in.at["gateway:8080"]+";", 1)
	in.gateway = folder + "/nginx.conf"
	require.NoError(in.t, os.WriteFile(in.gateway, []byte(in.here(conf)), 0o644)) //nolint:gosec // likewise
}

// here replaces the addresses of containers.
func (in *installation) here(text string) string {
	for there, here := range in.at {
		text = regexp.MustCompile(`\b`+regexp.QuoteMeta(there)+`\b`).ReplaceAllString(text, here)
	}
	return text
}

func (in *installation) environment(name string) (env []string) {
	for variable, value := range in.project.Services[name].Environment {
		text := in.here(*value)
		switch variable {
		case "STAFFETTA_LISTEN": // below
			continue
		case "STAFFETTA_EGRESS_ALLOW":
			text = "127.0.0.0/8"
		case "STAFFETTA_PUBLIC_URL":
			text = "http://" + in.at["gateway:8080"]
		}
		env = append(env, variable+"="+text)
	}
	return append(env, "STAFFETTA_LISTEN="+in.at[name+":8080"])
}

// up starts a container that does not run yet, after those that it waits for.
func (in *installation) up(name string) {
	if in.running[name] != nil {
		return
	}
	s := in.project.Services[name]
	if !ours(s) && name != "gateway" {
		return // a server, which is there already
	}
	for other, d := range s.DependsOn {
		in.up(other)
		if r := in.running[other]; r == nil {
			continue
		} else if d.Condition == types.ServiceConditionCompletedSuccessfully {
			in.ended(other, within)
		} else {
			in.healthy(other)
		}
	}
	var args []string
	for _, arg := range s.Command {
		args = append(args, in.here(arg))
	}
	cmd := command(in.t, in.root, in.environment(name), args...)
	if name == "gateway" {
		cmd = exec.Command("nginx", "-c", in.gateway, "-g", args[len(args)-1])
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	}
	r := &running{cmd: cmd, out: &output{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = r.out, r.out, time.Second
	require.NoError(in.t, cmd.Start(), name)
	go func() { _ = cmd.Wait(); close(r.done) }()
	in.running[name] = r
	in.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // if it is still there; nginx ends its workers
		select {
		case <-r.done:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-r.done
		}
		if in.t.Failed() {
			text := r.out.String()
			in.t.Logf("--- %s:\n%s", name, text[max(0, len(text)-3000):])
		}
	})
}

// ended requires that a command ends by itself, or after a signal, and well.
func (in *installation) ended(name string, limit time.Duration) {
	r := in.running[name]
	select {
	case <-r.done:
	case <-time.After(limit):
		require.Fail(in.t, "it goes on", "%s for %s", name, limit)
	}
	require.Zero(in.t, r.cmd.ProcessState.ExitCode(), name)
}

// healthy waits until the container's own health check says so.
func (in *installation) healthy(name string) {
	r := in.running[name]
	require.EventuallyWithT(in.t, func(c *assert.CollectT) {
		select {
		case <-r.done:
			c.FailNow()
		default:
		}
		if name == "gateway" {
			answer, err := http.Get("http://" + in.at["gateway:8080"] + "/gateway")
			require.NoError(c, err)
			require.NoError(c, answer.Body.Close())
			require.Equal(c, http.StatusNoContent, answer.StatusCode)
			return
		}
		check := in.project.Services[name].HealthCheck.Test[2:]
		said, err := command(in.t, in.root, in.environment(name), check...).CombinedOutput()
		require.NoError(c, err, "%s: %s", name, said)
	}, within, 200*time.Millisecond)
}

// ask asks the gateway as an operator does, for the demo's account.
func (in *installation) ask(ctx context.Context, path string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.at["gateway:8080"]+path, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+*in.project.Services["api"].Environment["STAFFETTA_ADMIN_KEY"])
	request.Header.Set("Staffetta-Account", "demo")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

func TestUp(t *testing.T) {
	t.Parallel()
	traces := &spans{count: map[string]int{}}
	in := prepare(t, traces)
	for name := range in.project.Services {
		in.up(name)
	}
	in.healthy("demo")

	t.Log("the receiver gets what the demo changes, of all 16 kinds, and trusts all of it")
	kinds := regexp.MustCompile(`"type": "([a-z_]+)\.(create|update|delete)"`)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		found := map[string]bool{}
		for _, one := range kinds.FindAllStringSubmatch(in.running["receiver"].out.String(), -1) {
			found[one[1]] = true
		}
		require.Len(c, found, 16)
	}, within, 200*time.Millisecond)
	received := in.running["receiver"].out.String()
	require.NotContains(t, received, "REFUSED")
	require.Contains(t, received, "verified")

	t.Log("base URL and an item's ref answer, and so do API and portal")
	refs := map[string]bool{}
	for _, found := range regexp.MustCompile(`"ref": "/([a-z-]+)/\d+"`).FindAllStringSubmatch(received, -1) {
		refs[found[1]] = true
	}
	require.GreaterOrEqual(t, len(refs), 16)
	for collection := range refs {
		status, body, err := in.ask(t.Context(), "/"+collection+"?limit=1")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, string(body))
		require.Contains(t, string(body), `"items"`)
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		status, body, err := in.ask(t.Context(), "/v1/deliveries?status=delivered&limit=500")
		require.NoError(c, err)
		require.Equal(c, http.StatusOK, status, string(body))
		var page struct{ Items []struct{ TraceID string } }
		require.NoError(c, json.Unmarshal(body, &page))
		require.GreaterOrEqual(c, len(page.Items), 16)
		require.Len(c, page.Items[0].TraceID, 32)
	}, within, 200*time.Millisecond)
	status, _, err := in.ask(t.Context(), "/portal/")
	require.NoError(t, err)
	require.Less(t, status, http.StatusInternalServerError)

	t.Log("their traces reach the collector")
	for _, service := range []string{"router", "sender", "contacts"} {
		require.Eventually(t, func() bool { return traces.of("staffetta-"+service) > 0 }, within, 100*time.Millisecond, service)
	}

	t.Log("every line of a log is an object that names its service, and an attempt its account and trace")
	for name, r := range in.running {
		if name == "gateway" || name == "receiver" {
			continue
		}
		for line := range strings.Lines(r.out.String()) {
			var entry struct{ Service, Msg, Account, TraceID string }
			require.NoError(t, json.Unmarshal([]byte(line), &entry), "%s: %s", name, line)
			require.Equal(t, name, entry.Service)
			if entry.Msg == "attempt" {
				require.Equal(t, "demo", entry.Account)
				require.Len(t, entry.TraceID, 32)
			}
		}
	}
	require.Contains(t, in.running["sender"].out.String(), `"msg":"attempt"`)

	t.Log("all of them end in order within their time")
	for name, r := range in.running {
		if name != "gateway" && !job(in.project, name) {
			require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
		}
	}
	for name := range in.running {
		if name != "gateway" && !job(in.project, name) {
			in.ended(name, time.Duration(*in.project.Services[name].StopGracePeriod))
		}
	}
	fmt.Fprintf(os.Stderr, "received by the demo's receiver: %d deliveries\n", strings.Count(received, "verified"))
}
