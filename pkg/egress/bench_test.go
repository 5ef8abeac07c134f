package egress_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

// BenchmarkPost compares Client with net/http's, each tuned for this. The receiver
// is in the same process, so its cost is in both.
func BenchmarkPost(b *testing.B) {
	url := endless(b)
	body := bytes.Repeat([]byte("x"), 300)
	header := []hook.Header{
		{Name: "User-Agent", Value: "Staffetta/dev"},
		{Name: "Traceparent", Value: "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-00"},
		{Name: "Content-Type", Value: "application/json"},
		{Name: "Webhook-Id", Value: "dlv_7cju1m86nufm5t4aiq84be4t3s"},
		{Name: "Webhook-Signature", Value: "v1,KbNsJ4hpTFuRZk1auOwTZsSCyG5LkhnWGlZO0GxjK7E="},
		{Name: "Webhook-Timestamp", Value: "1795397348"},
	}
	b.Run("egress", func(b *testing.B) {
		client := egress.NewClient(egress.Policy{Allow: loopback})
		defer client.Close()
		to, err := egress.NewDestination(url)
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			answer, err := client.Post(egress.Request{To: to, Header: header, Body: body, Deadline: time.Now().Add(patience)})
			if err != nil || answer.Status != http.StatusOK {
				b.Fatal(answer, err)
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		transport := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}
		defer transport.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithTimeout(b.Context(), patience)
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
			require.NoError(b, err)
			for _, h := range header {
				r.Header[h.Name] = []string{h.Value}
			}
			answer, err := transport.RoundTrip(r)
			require.NoError(b, err)
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			cancel()
		}
	})
}

// endless answers every request without looking at it.
func endless(b *testing.B) (url string) {
	b.Helper()
	listener := listen(b)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				room := make([]byte, 4096)
				for {
					// The requests of the benchmark come in one piece.
					if _, err := conn.Read(room); err != nil {
						return
					}
					_, _ = io.WriteString(conn, ok)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}
