package filter_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/filter"
)

// One event asked about by 1,000 webhooks, each with a filter of its own.
func BenchmarkSelectOfAThousandFilters(b *testing.B) {
	filters := make([]*filter.Filter, 1000)
	for i := range filters {
		f, err := filter.Compile(fmt.Sprintf(`event.itemType == "Invoice" && has(item.data.total) && item.data.total > %d.0`, i))
		require.NoError(b, err)
		filters[i] = f
	}
	event := invoice()
	event.Items = event.Items[:1]
	b.ReportAllocs()
	for b.Loop() {
		s := filter.NewSubject(event)
		for _, f := range filters {
			if r, err := f.Select(context.Background(), s); err != nil || r.Count != 1 {
				b.Fatal(r, err)
			}
		}
	}
}

// A filter that counts as it goes, over a list of 10,000.
func BenchmarkSelectOfALongList(b *testing.B) {
	f, err := filter.Compile(`item.data.a.exists(x, x == 2.0)`)
	require.NoError(b, err)
	event := invoice()
	event.Items = event.Items[:1]
	event.Items[0].Data = []byte(`{"a": [1` + strings.Repeat(",1", 10_000) + `]}`)
	b.ReportAllocs()
	for b.Loop() {
		_, err := f.Select(context.Background(), filter.NewSubject(event))
		require.NoError(b, err)
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, err := filter.Compile(`event.itemType == "Invoice" && has(item.data.total) && item.data.total > 1000.0`)
		require.NoError(b, err)
	}
}
