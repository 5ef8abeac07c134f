//go:build unix

package egress_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnTheWireARequestThatIsSentAgainIsTheSame(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 7, 16 << 10, 100_000} {
		listener := listen(t)
		wire := make(chan string, 2)
		r := request(t, "http://"+listener.Addr().String()+"/hook")
		r.Body = []byte(strings.Repeat("x", size))
		want := fmt.Sprintf("POST /hook HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", listener.Addr(), size, r.Body)
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					got := make([]byte, len(want))
					_, _ = io.ReadFull(conn, got)
					_, _ = io.WriteString(conn, ok)
					rest, _ := io.ReadAll(conn) // until the client closes
					wire <- string(got) + string(rest)
				}()
			}
		}()
		client := newClient(t)
		_, err := client.Post(r)
		require.NoError(t, err)
		client.BreakIdle()
		_, err = client.Post(r)
		require.NoError(t, err)
		client.Close()
		for range 2 {
			require.True(t, want == <-wire, "body of %d bytes", size)
		}
	}
}
