package egress

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func BenchmarkAppendHead(b *testing.B) {
	to, err := NewDestination("https://example.com/hooks/7")
	require.NoError(b, err)
	r := Request{To: to, Body: make([]byte, 300), Header: []hook.Header{
		{Name: "User-Agent", Value: "Staffetta/dev"},
		{Name: "Traceparent", Value: "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-00"},
		{Name: "Content-Type", Value: "application/json"},
		{Name: "Webhook-Id", Value: "dlv_7cju1m86nufm5t4aiq84be4t3s"},
		{Name: "Webhook-Signature", Value: "v1,KbNsJ4hpTFuRZk1auOwTZsSCyG5LkhnWGlZO0GxjK7E="},
		{Name: "Webhook-Timestamp", Value: "1795397348"},
	}}
	room := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.appendHead(room); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadHead(b *testing.B) {
	source := strings.NewReader(usual)
	in := bufio.NewReader(source)
	for name, read := range map[string]func() bool{
		"plain": func() bool { _, ok := readPlain(in); return ok },
		"net-http": func() bool {
			r, err := http.ReadResponse(in, post) //nolint:bodyclose // it has none but what is in memory
			return err == nil && listed(r.Header) != nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				source.Reset(usual)
				in.Reset(source)
				_, _ = in.Peek(1)
				if !read() {
					b.Fatal("not read")
				}
			}
		})
	}
}
