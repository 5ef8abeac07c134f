package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// grace is how long a service may take to stop: what Kubernetes gives.
	grace = 30 * time.Second
	// loggedFlags add each start of a service to its one log.
	loggedFlags = os.O_CREATE | os.O_APPEND | os.O_WRONLY
)

// process is one running service.
type process struct {
	command *exec.Cmd
	meant   atomic.Bool // to end
	exited  chan struct{}
}

// launch starts the program; what it says is added to the log of its name.
func (cfg *Config) launch(name string, environment []string, args ...string) (*process, error) {
	log, err := os.OpenFile(cfg.logOf(name), loggedFlags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	defer log.Close() // the process has its own
	// Not of a context: a service that is to be stopped is stopped in order.
	c := exec.Command(cfg.Program[0], append(cfg.Program[1:len(cfg.Program):len(cfg.Program)], args...)...) //nolint:noctx // see above
	c.Env = append(append(c.Environ(), environment...), cfg.Environment...)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = orphanless()
	fmt.Fprintf(log, "--- %s starts %v\n", time.Now().Format(time.RFC3339Nano), args)
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{command: c, exited: make(chan struct{})}
	go func() {
		_ = c.Wait() // its status is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

func (cfg *Config) logOf(name string) string { return filepath.Join(cfg.Logs, name+".log") }

// kill ends the process as a power cut would and returns between which moments
// it did.
func (p *process) kill() (from, to time.Time) {
	p.meant.Store(true)
	from = time.Now()
	_ = p.command.Process.Kill() // it has ended already if that fails
	to = time.Now()
	<-p.exited
	return from, to
}

// stop ends the process in order, and tells what was wrong with how it ended.
func (p *process) stop() (signalled time.Time, fault string) {
	p.meant.Store(true)
	signalled = time.Now()
	_ = p.command.Process.Signal(syscall.SIGTERM)
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-p.exited:
	case <-late.C:
		p.kill()
		return signalled, fmt.Sprintf("did not stop within %s", grace)
	}
	if state := p.command.ProcessState; !state.Success() {
		return signalled, fmt.Sprintf("was stopped and ended with %s", state)
	}
	return signalled, ""
}

// gone tells whether the process ended by itself.
func (p *process) gone() bool {
	select {
	case <-p.exited:
		return !p.meant.Load()
	default:
		return false
	}
}
