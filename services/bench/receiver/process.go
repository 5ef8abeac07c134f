package receiver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Process is a receiver that runs as a process of its own.
type Process struct {
	command *exec.Cmd
	stdin   io.Closer
	base    string
}

// Start starts the command, which calls Serve on its standard input and output,
// and waits for its address. What it says on standard error goes to log. Close
// it; it ends with ctx too.
func Start(ctx context.Context, log io.Writer, command ...string) (*Process, error) {
	if len(command) == 0 {
		return nil, errors.New("receiver: no command to start it with")
	}
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Stderr = log
	stdin, err := c.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	p := &Process{command: c, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the receiver did not tell its address: %w", err), p.Close())
	}
	p.base = strings.TrimSpace(line)
	return p, nil
}

// URL is where deliveries go that are taken at once; their group is "".
func (p *Process) URL() string { return p.base + pathHook }

// URLOf is where deliveries go that are treated in a certain way and counted in
// a group.
func (p *Process) URLOf(b Behaviour, group string) string { return p.base + b.in(group) }

// Become gives all URLs of a group another behaviour than their own, from now
// on. What hangs there ends.
func (p *Process) Become(ctx context.Context, group string, b Behaviour) error {
	query := url.Values{"group": {group}, "as": {string(b)}}
	return p.call(ctx, http.MethodPost, pathBecome+"?"+query.Encode(), nil)
}

// Progress returns how much has arrived in all groups; it costs next to nothing.
func (p *Process) Progress(ctx context.Context) (Progress, error) {
	var answer Progress
	return answer, p.call(ctx, http.MethodGet, pathProgress, &answer)
}

// ProgressOf returns how much has arrived in one group.
func (p *Process) ProgressOf(ctx context.Context, group string) (Progress, error) {
	var answer Progress
	return answer, p.call(ctx, http.MethodGet, pathProgress+"?group="+url.QueryEscape(group), &answer)
}

// Stats returns what arrived since the last Reset, in all groups.
func (p *Process) Stats(ctx context.Context) (Stats, error) {
	var answer Stats
	return answer, p.call(ctx, http.MethodGet, pathStats, &answer)
}

// Of narrows Stats.
type Of struct {
	// Group that it is about.
	Group string
	// From (inclusive) and To (exclusive) bound the time of publication of the
	// deliveries that P50 and P99 are of; zero: unbounded. The other figures
	// stay those of all.
	From, To time.Time
}

// StatsOf returns what arrived in one group since the last Reset.
func (p *Process) StatsOf(ctx context.Context, of Of) (Stats, error) {
	query := url.Values{"group": {of.Group}}
	for name, bound := range map[string]time.Time{"from": of.From, "to": of.To} {
		if !bound.IsZero() {
			query.Set(name, strconv.FormatInt(bound.UnixNano(), 10))
		}
	}
	var answer Stats
	return answer, p.call(ctx, http.MethodGet, pathStats+"?"+query.Encode(), &answer)
}

// Reset begins a new measurement of what is published from since on.
func (p *Process) Reset(ctx context.Context, since time.Time) error {
	return p.call(ctx, http.MethodPost, pathReset+"?since="+strconv.FormatInt(since.UnixNano(), 10), nil)
}

// Close ends the process.
func (p *Process) Close() error {
	err := p.stdin.Close()
	if waited := p.command.Wait(); waited != nil {
		err = errors.Join(err, fmt.Errorf("receiver: %w", waited))
	}
	return err
}

func (p *Process) call(ctx context.Context, method, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, p.base+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the receiver: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the receiver: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("ask the receiver: %s %s: %s", method, path, response.Status)
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("the receiver's answer: %w", err)
	}
	return nil
}
