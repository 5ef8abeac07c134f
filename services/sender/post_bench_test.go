package sender

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// leanVariable makes this test binary a receiver that costs next to nothing.
const leanVariable = "STAFFETTA_TEST_LEAN_RECEIVER"

// BenchmarkPost is one whole request, from the task to its outcome, to a receiver
// in another process; cpu-µs/op is what it costs the sender.
func BenchmarkPost(b *testing.B) {
	url := leanReceiver(b)
	for name, parent := range map[string]string{
		"unsampled": "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-00",
		"sampled":   "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-01",
	} {
		b.Run(name, func(b *testing.B) {
			o := testOwner()
			w := targetOf(b, hook.Webhook{ID: "wh_1", URL: url, Format: hook.FormatStandard, Payload: hook.Full, Timeout: hook.MaxTimeout},
				signature.NewSecret())
			tasks := make([]*task, 64)
			for i := range tasks {
				tasks[i] = sampleTask()
				tasks[i].event.Trace.Parent = parent
			}
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuTime(b)
			var posted atomic.Int64
			var wg sync.WaitGroup
			for i := range tasks {
				wg.Go(func() {
					for posted.Add(1) <= int64(b.N) {
						if out := o.post(tasks[i], w); out.reason != hook.ReasonNone {
							b.Errorf("%s: %s", out.reason, out.detail)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// leanReceiver starts a receiver in a process of its own and returns its URL.
func leanReceiver(b *testing.B) string {
	b.Helper()
	receiver := exec.Command(os.Args[0], "-test.run=^TestLeanReceiver$")
	receiver.Env = append(os.Environ(), leanVariable+"=1")
	out, err := receiver.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, receiver.Start())
	b.Cleanup(func() {
		_ = receiver.Process.Kill()
		_ = receiver.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return "http://" + strings.TrimSpace(address) + "/hook"
}

// TestLeanReceiver is no test but the process that leanReceiver starts.
func TestLeanReceiver(t *testing.T) {
	if os.Getenv(leanVariable) == "" {
		t.Skip("runs only as the receiver of a benchmark")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	fmt.Fprintln(os.Stdout, listener.Addr())
	for {
		conn, err := listener.Accept()
		require.NoError(t, err)
		go serveLean(conn)
	}
}

func serveLean(conn net.Conn) {
	const length = "content-length: "
	r := bufio.NewReader(conn)
	body := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case len(line) > len(length) && bytes.EqualFold(line[:len(length)], []byte(length)):
			body, _ = strconv.Atoi(string(bytes.TrimSpace(line[len(length):])))
		case len(line) <= len("\r\n"):
			if _, err := io.CopyN(io.Discard, r, int64(body)); err != nil {
				return
			}
			if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 03:33:51 GMT\r\n"+
				"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nok"); err != nil {
				return
			}
		}
	}
}
