package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
	p.cmd.Env = slices.Concat(env, []string{asStaffetta + "=1"})
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// No orphan if the test is killed.
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

// end ends a process, and requires that it ends within a time.
func (p *process) end(t *testing.T, how syscall.Signal, limit time.Duration) {
	t.Helper()
	_ = p.cmd.Process.Signal(how)
	select {
	case <-p.exited:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.exited
		t.Errorf("%s did not end within %s of %s", p.name, limit, how)
	}
	if bytes.Contains(p.log.bytes(), []byte("DATA RACE")) {
		t.Errorf("race in %s:\n%s", p.name, p.log.tail())
	}
}

// awaitExit waits until a process ends by itself and returns its exit status.
func (p *process) awaitExit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(within):
		_ = p.cmd.Process.Kill()
		require.FailNow(t, "it goes on", "%s did not end within %s by itself", p.name, within)
	}
	return p.cmd.ProcessState.ExitCode()
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
