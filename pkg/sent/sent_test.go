package sent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sent"
)

var about = sent.About{
	Delivery: "dlv_7cju1m86nufm5t4aiq84be4t3s", TraceID: "c8d838d728ada12f80d5dd8d6b7f3b61",
	At: time.Unix(1795397348, 987_000_000),
}

// standard is the header of most requests.
var standard = []hook.Header{
	{Name: "User-Agent", Value: "Staffetta/1.2.3"},
	{Name: "Traceparent", Value: "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-00"},
	{Name: "Content-Type", Value: "application/json"},
	{Name: "Webhook-Id", Value: "dlv_7cju1m86nufm5t4aiq84be4t3s"},
	{Name: "Webhook-Signature", Value: "v1,KbNsJ4hpTFuRZk1auOwTZsSCyG5LkhnWGlZO0GxjK7E="},
	{Name: "Webhook-Timestamp", Value: "1795397348"},
}

func pack(header []hook.Header) (packed []byte) {
	for _, line := range header {
		packed = sent.Append(packed, line, about)
	}
	return packed
}

func TestAHeaderTakesAFifthOfItsBytes(t *testing.T) {
	t.Parallel()
	packed := pack(standard)
	require.Less(t, len(packed), 90)
	header, err := sent.Header(packed, about)
	require.NoError(t, err)
	require.Equal(t, standard, header)
}

func TestALengthIsALine(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 7, 1 << 40} {
		header, err := sent.Header(append(sent.AppendLength(nil, length), pack(standard)...), about)
		require.NoError(t, err)
		require.Equal(t, append([]hook.Header{{Name: "Content-Length", Value: fmt.Sprint(length)}}, standard...), header)
	}
}

func TestNoHeaderIsChanged(t *testing.T) {
	t.Parallel()
	for _, line := range []hook.Header{
		{}, {Name: "X"}, {Name: "Traceparent"}, {Name: "Webhook-Timestamp"}, {Name: "Webhook-Timestamp", Value: "01795397348"},
		{Name: "Webhook-Timestamp", Value: "+1795397348"}, {Name: "Webhook-Timestamp", Value: "1795397349"},
		{Name: "Traceparent", Value: "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340E0E6968E54D6-00"},
		{Name: "Traceparent", Value: "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-0g"},
		{Name: "Traceparent", Value: "00-c8d838d728ada12f80d5dd8d6b7f3b61_2340e0e6968e54d6-00"},
		{Name: "Traceparent", Value: "01-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-00"},
		{Name: "Traceparent", Value: "00-00000000000000000000000000000001-2340e0e6968e54d6-00"},
		{Name: "X-Delivery", Value: about.Delivery}, {Name: "Authorization", Value: "***"}, {Name: "X-Long", Value: strings.Repeat("é", 300)},
	} {
		header, err := sent.Header(pack([]hook.Header{line, standard[1]}), about)
		require.NoError(t, err)
		require.Equal(t, []hook.Header{line, standard[1]}, header)
	}
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) hook.Header {
			return hook.Header{Name: rapid.String().Draw(t, "name"), Value: rapid.String().Draw(t, "value")}
		}), 1, 5).Draw(t, "header")
		got, err := sent.Header(pack(header), about)
		require.NoError(t, err)
		require.Equal(t, header, got)
	})
}

func TestWhatIsCutOffSaysSo(t *testing.T) {
	t.Parallel()
	line := pack(standard[1:2])
	for end := 1; end < len(line); end++ {
		_, err := sent.Header(line[:end], about)
		require.ErrorIs(t, err, sent.ErrMalformed)
	}
	for _, packed := range [][]byte{{200, 0, 0}, {1, 200}, {0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}} {
		_, err := sent.Header(packed, about)
		require.ErrorIs(t, err, sent.ErrMalformed)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(pack(standard))
	f.Fuzz(func(t *testing.T, packed []byte) {
		header, err := sent.Header(packed, about)
		if err != nil {
			return
		}
		again, err := sent.Header(pack(header), about)
		require.NoError(t, err)
		require.Equal(t, header, again)
	})
}

func BenchmarkAppend(b *testing.B) {
	room := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		packed := room
		for i := range standard {
			packed = sent.Append(packed, standard[i], about)
		}
	}
}
