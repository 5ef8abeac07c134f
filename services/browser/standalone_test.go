package browser_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// object is a JSON object of the API.
type object = map[string]any

// standalone is one as a process, with a data folder of its own.
type standalone struct {
	// url is its own, without a slash at the end.
	url      string
	dir      string
	adminKey string
	log      *lockedBuffer
}

var greeting = regexp.MustCompile(`(?m)^ *API +(http:\S+)`)

// startStandalone starts one that ends with the tests.
func startStandalone(env ...string) (*standalone, error) {
	dir, err := os.MkdirTemp("", "staffetta-browser-")
	if err != nil {
		return nil, err
	}
	return startStandaloneIn(dir, env...)
}

// startStandaloneIn takes the data of a folder, which is removed at the end.
func startStandaloneIn(dir string, env ...string) (*standalone, error) {
	s := &standalone{dir: dir, log: &lockedBuffer{}}
	command := exec.Command(os.Args[0], "standalone", "--data", dir, "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0")
	command.Env = slices.Concat([]string{"HOME=" + dir, asStaffetta + "=1", "STAFFETTA_LOG_LEVEL=warn"}, env)
	command.Stdout, command.Stderr = s.log, s.log
	// No orphan if the tests are killed.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() { _ = command.Wait(); close(exited) }()
	atEnd(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(within):
			_ = command.Process.Kill()
			<-exited
		}
		_ = os.RemoveAll(dir)
	})
	err := eventually(func() error {
		select {
		case <-exited:
			return errGivenUp
		default:
		}
		found := greeting.FindSubmatch(s.log.bytes())
		if found == nil {
			return errors.New("it has not told its address")
		}
		s.url = string(found[1])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("standalone: %w\n%s", err, s.log.bytes())
	}
	key, err := os.ReadFile(filepath.Join(dir, "admin-key"))
	s.adminKey = strings.TrimSpace(string(key))
	return s, err
}

// call makes a request of the API; an answer with another status than want is an error.
func (s *standalone) call(method, path, key, account string, body any, want int) (object, error) {
	var payload io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, s.url+path, payload)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	if account != "" {
		request.Header.Set("Staffetta-Account", account)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	var decoded object
	if len(text) > 0 {
		err = json.Unmarshal(text, &decoded)
	}
	return decoded, err
}

// within bounds what should happen soon; it is only waited out by a failure.
const within = time.Minute

var client = &http.Client{Timeout: within}

// errGivenUp ends a wait before its time.
var errGivenUp = errors.New("it has ended")

// errNothing is what a check says that waits for anything at all.
var errNothing = errors.New("there is nothing")

// eventually retries until check returns nil.
func eventually(check func() error) error {
	deadline := time.Now().Add(within)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := check()
		if err == nil || errors.Is(err, errGivenUp) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", within, err)
		}
		<-again.C
	}
}

// lockedBuffer keeps what a process writes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}
