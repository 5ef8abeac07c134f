package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

// within bounds what should happen soon; it is only waited out by a failure.
const within = 60 * time.Second

// services of an installation, each a process, in no particular order.
var services = []string{"api", "router", "sender", "recorder", "receipts", "invoices", "contacts", "stock"}

// installation is a whole Staffetta, one process per service.
type installation struct {
	backends backends
	adminKey string
	env      []string
	bus      *bus.Client

	mu        sync.Mutex
	processes map[string]*process
	addresses map[string]string
}

// install migrates, creates the topics and starts every service.
func install(t *testing.T) *installation {
	t.Helper()
	in := &installation{
		backends: onBackends(t), adminKey: "e2e-" + rand.Text() + rand.Text(),
		processes: map[string]*process{}, addresses: map[string]string{},
	}
	var key [32]byte
	rand.Read(key[:])
	env := in.backends.environment()
	env["STAFFETTA_ADMIN_KEY"] = in.adminKey
	env["STAFFETTA_ENCRYPTION_KEY"] = base64.StdEncoding.EncodeToString(key[:])
	env["STAFFETTA_EGRESS_ALLOW"] = "127.0.0.0/8,::1/128"
	env["STAFFETTA_EVENT_TOPICS"] = "upstream.own"
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
	t.Cleanup(func() {
		for _, s := range services {
			in.stop(t, s)
		}
	})
	for _, s := range services {
		in.awaitReady(t, s)
	}
	return in
}

// run runs a command of the program to its end.
func (in *installation) run(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Env = in.env
	out, err := c.CombinedOutput()
	require.NoError(t, err, "staffetta %v: %s", args, out)
}

func (in *installation) url(service string) string { return "http://" + in.addresses[service] }

// start starts a service that does not run.
func (in *installation) start(t *testing.T, service string) {
	t.Helper()
	p := launch(t, service, append(in.env, "STAFFETTA_LISTEN="+in.addresses[service]), service)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.processes[service] = p
}

// kill ends a service as a power cut would.
func (in *installation) kill(t *testing.T, service string) {
	t.Helper()
	in.end(t, service, syscall.SIGKILL)
}

// stop ends a service in order, if it runs.
func (in *installation) stop(t *testing.T, service string) {
	t.Helper()
	in.end(t, service, syscall.SIGTERM)
}

func (in *installation) end(t *testing.T, service string, how syscall.Signal) {
	t.Helper()
	in.mu.Lock()
	p := in.processes[service]
	delete(in.processes, service)
	in.mu.Unlock()
	if p != nil {
		p.end(t, how)
	}
}

// awaitReady waits until a service says that it is ready.
func (in *installation) awaitReady(t *testing.T, service string) {
	t.Helper()
	eventually(t, func() error {
		answer, err := http.Get(in.url(service) + "/readyz")
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

// process is one running service.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    *lockedBuffer
	exited chan struct{}
}

func launch(t *testing.T, name string, env []string, args ...string) *process {
	t.Helper()
	p := &process{name: name, cmd: exec.Command(os.Args[0], args...), log: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd.Env = append(env, asStaffetta+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// Its own group, and no orphan if the test is killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, p.cmd.Start())
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("--- log of %s:\n%s", name, p.log.tail())
		}
	})
	return p
}

func (p *process) end(t *testing.T, how syscall.Signal) {
	t.Helper()
	_ = p.cmd.Process.Signal(how)
	select {
	case <-p.exited:
	case <-time.After(within):
		_ = p.cmd.Process.Kill()
		t.Errorf("%s did not end within %s of %s", p.name, within, how)
	}
	if bytes.Contains(p.log.bytes(), []byte("DATA RACE")) {
		t.Errorf("race in %s:\n%s", p.name, p.log.tail())
	}
}

// lockedBuffer keeps the end of what a process writes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const keptLog = 1 << 20

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > 2*keptLog {
		b.buf.Next(b.buf.Len() - keptLog)
	}
	return b.buf.Write(p)
}

func (b *lockedBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

func (b *lockedBuffer) tail() []byte {
	all := b.bytes()
	return all[max(0, len(all)-8<<10):]
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// eventually retries until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var last error
	require.Eventually(t, func() bool { last = check(); return last == nil }, within, 20*time.Millisecond,
		"last: %v", errorText{&last})
}

// errorText prints the error at the time of printing.
type errorText struct{ err *error }

func (e errorText) String() string {
	if *e.err == nil {
		return "<nil>"
	}
	return (*e.err).Error()
}
