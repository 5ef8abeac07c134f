package sender_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// asSender names the file with a sender's orders, and makes the test binary that
// sender: a process that can be killed.
const asSender = "STAFFETTA_SENDER_CHILD"

func TestMain(m *testing.M) {
	if file := os.Getenv(asSender); file != "" {
		os.Exit(beSender(file))
	}
	flag.Parse()
	// The tests wait for sessions far more than they work.
	if err := flag.Set("test.parallel", strconv.Itoa(max(16, runtime.GOMAXPROCS(0)))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// orders are what a child is told.
type orders struct {
	Brokers    string
	Session    time.Duration
	Partitions int
	Webhooks   []hook.Webhook
	// Stop is the moment, and Nth the how manieth of it, at which the process is
	// killed. Only moments of Delivery count if that is set.
	Stop     sender.Moment
	Nth      int
	Delivery string
	// HungAfter: see sender.Config.
	HungAfter time.Duration
	// Quota, unless nil, is every account's, and used up until QuotaFrom.
	Quota     *hook.Quota
	QuotaFrom time.Time
}

// beSender is the child.
func beSender(file string) int {
	var told orders
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &told)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	log, err := zap.NewDevelopment()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	client, err := bus.Dial(bus.Config{Brokers: []string{told.Brokers}, SessionTimeout: told.Session, Log: log})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer client.Close()
	var passed atomic.Int64
	cfg := senderConfig(client, log, told.Partitions, told.Webhooks)
	if told.HungAfter > 0 {
		cfg.HungAfter = told.HungAfter
	}
	if told.Quota != nil {
		cfg.Snapshot, cfg.Quotas = limited(told.Webhooks, *told.Quota), usedUp{told.QuotaFrom}
	}
	cfg.Passed = func(m sender.Moment, delivery string) {
		if m != told.Stop || told.Delivery != "" && told.Delivery != delivery || passed.Add(1) != int64(told.Nth) {
			return
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing happens any more, whenever the signal comes
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := sender.New(cfg).Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// senderConfig is a sender's on the loopback.
func senderConfig(client *bus.Client, log *zap.Logger, partitions int, webhooks []hook.Webhook) sender.Config {
	return sender.Config{
		Bus: client, Snapshot: newSnapshot(webhooks), Client: egress.NewClient(loopback),
		Circuits: nobody{}, MaxOpen: sender.DefaultMaxOpen, Partitions: partitions, HungAfter: sender.DefaultHungAfter,
		UserAgent: "Staffetta/test", Tracer: noop.NewTracerProvider().Tracer(""), Log: log, Metrics: prometheus.NewRegistry(),
	}
}

// process is a child that runs.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// launch starts a child.
func launch(t *testing.T, told orders) *process {
	t.Helper()
	text, err := json.Marshal(told)
	require.NoError(t, err)
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "orders"), text, 0o600))
	p := &process{cmd: exec.Command(os.Args[0]), exited: make(chan struct{})}
	p.cmd.Env = []string{asSender + "=" + filepath.Join(dir, "orders")}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no orphans
	require.NoError(t, p.cmd.Start())
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		p.leave()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("--- log of a sender:\n%s", text[max(0, len(text)-8<<10):])
		}
		_ = log.Close()
	})
	return p
}

// leave ends a child so that the next test need not wait for its session to end.
func (p *process) leave() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(2 * time.Second):
		p.end(syscall.SIGKILL)
	}
}

// end ends a child and waits for it.
func (p *process) end(how syscall.Signal) {
	_ = p.cmd.Process.Signal(how)
	<-p.exited
}

// stall stops a child, and returns once it does nothing any more: a signal is
// sent long before each thread of a busy machine has heard of it.
func (p *process) stall(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped(), "the sender has ended")
}

// resume lets a child go on that was stalled.
func (p *process) resume(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
}

// died waits until a child has ended by itself.
func (p *process) died(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(within):
		require.FailNow(t, "the sender did not come to the moment at which it is stopped")
	}
}
