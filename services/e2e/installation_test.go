package e2e_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

// grace is how long a service may take to stop: what Kubernetes gives.
const grace = 30 * time.Second

// services of an installation, each a process, in no particular order.
var services = []string{"api", "router", "sender", "recorder", "receipts", "invoices", "contacts", "stock"}

// installation is a whole Staffetta, one process per service.
type installation struct {
	whole    *testing.T // as long as it, where parts of the test are shorter
	backends backends
	adminKey string
	keys     []string // of encryption
	env      []string
	bus      *bus.Client
	// spans are what the services export.
	spans *spans

	mu        sync.Mutex
	processes map[string]*process
	addresses map[string]string
}

// install migrates, creates the topics and starts every service.
func install(t *testing.T) *installation {
	t.Helper()
	in := &installation{
		whole: t, backends: onBackends(t), adminKey: "e2e-" + rand.Text() + rand.Text(),
		processes: map[string]*process{}, addresses: map[string]string{},
	}
	for range 2 {
		var key [32]byte
		rand.Read(key[:])
		in.keys = append(in.keys, base64.StdEncoding.EncodeToString(key[:]))
	}
	env := in.backends.environment()
	env["STAFFETTA_ADMIN_KEY"] = in.adminKey
	env["STAFFETTA_ENCRYPTION_KEY"] = in.keys[0] + "," + in.keys[1]
	env["STAFFETTA_EGRESS_ALLOW"] = "127.0.0.0/8,::1/128"
	env["STAFFETTA_EVENT_TOPICS"] = "upstream.own,outbox.event.Contact"
	in.spans = collectSpans(t)
	env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = in.spans.URL + "/v1/traces"
	env["OTEL_BSP_SCHEDULE_DELAY"] = "100" // milliseconds
	env[asStaffetta] = "1"
	for name, value := range env {
		in.env = append(in.env, name+"="+value)
	}
	var err error
	in.bus, err = bus.Dial(bus.Config{Brokers: []string{env["STAFFETTA_KAFKA_BROKERS"]}})
	require.NoError(t, err)
	t.Cleanup(in.bus.Close)

	in.run(t, "migrate")
	in.run(t, "topics", "--partitions", "8", "--replication", "1")
	for _, s := range services {
		in.addresses[s] = freeAddress(t)
		in.start(t, s)
	}
	t.Cleanup(func() { in.stopAll(t, requireSuccess) })
	for _, s := range services {
		in.awaitReady(t, s)
	}
	return in
}

// run runs a command of the program to its end.
func (in *installation) run(t *testing.T, args ...string) {
	t.Helper()
	in.runWith(t, nil, args...)
}

// runWith adds to the environment, and gives what the command said.
func (in *installation) runWith(t *testing.T, env []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Env = slices.Concat(in.env, env)
	out, err := c.CombinedOutput()
	require.NoError(t, err, "staffetta %v: %s", args, out)
	return string(out)
}

func (in *installation) url(service string) string { return "http://" + in.addresses[service] }

// start starts a service that does not run.
func (in *installation) start(t *testing.T, service string) {
	t.Helper()
	// With the whole test, so that its log is shown whichever part fails.
	p := launch(in.whole, service, slices.Concat(in.env, []string{"STAFFETTA_LISTEN=" + in.addresses[service]}), service)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.processes[service] = p
}

// kill ends a service as a power cut would.
func (in *installation) kill(t *testing.T, service string) {
	t.Helper()
	if p := in.take(service); p != nil {
		p.end(t, syscall.SIGKILL, within)
	}
}

// requireSuccess and anyStatus say which exit status a service may end with that
// was stopped. With a server away it may say that not all was well.
const (
	requireSuccess = true
	anyStatus      = false
)

// stop ends a service in order, if it runs, and requires that it does so in time.
func (in *installation) stop(t *testing.T, service string, success bool) {
	t.Helper()
	p := in.take(service)
	if p == nil {
		return
	}
	p.end(t, syscall.SIGTERM, grace)
	if success {
		assert.Zero(t, p.cmd.ProcessState.ExitCode(), "exit status of %s", service)
	}
}

// stopAll stops every service, all at the same time.
func (in *installation) stopAll(t *testing.T, success bool) {
	t.Helper()
	var stopping sync.WaitGroup
	for _, s := range services {
		stopping.Go(func() { in.stop(t, s, success) })
	}
	stopping.Wait()
}

// take returns the process of a service, nil if it does not run, and forgets it.
func (in *installation) take(service string) *process {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := in.processes[service]
	delete(in.processes, service)
	return p
}

// stall stops a service that runs, and returns once it does nothing any more.
func (in *installation) stall(t *testing.T, service string) {
	t.Helper()
	pid := in.signal(t, service, syscall.SIGSTOP)
	var status syscall.WaitStatus
	_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped(), "%s has ended", service)
}

// resume lets a service go on that was stalled.
func (in *installation) resume(t *testing.T, service string) {
	t.Helper()
	in.signal(t, service, syscall.SIGCONT)
}

// signal sends one to a service that runs.
func (in *installation) signal(t *testing.T, service string, how syscall.Signal) (pid int) {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	p := in.processes[service].cmd.Process
	require.NoError(t, p.Signal(how))
	return p.Pid
}

// awaitReady waits until a service says that it is ready.
func (in *installation) awaitReady(t *testing.T, service string) {
	t.Helper()
	eventually(t, func() error {
		answer, err := client.Get(in.url(service) + "/readyz")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", service, answer.Status)
		}
		return nil
	})
}
