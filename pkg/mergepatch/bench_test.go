package mergepatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/mergepatch"
)

// A patch of 5,000 members of a value of 100,000, of which half are not there.
func BenchmarkApplyALargePatch(b *testing.B) {
	var value, patch strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&value, `,"m%d":%d`, n, n)
	}
	for n := range 5_000 {
		fmt.Fprintf(&patch, `,"m%d":null`, 97_500+n)
	}
	text, change := "{"+value.String()[1:]+"}", "{"+patch.String()[1:]+"}"
	b.ReportAllocs()
	for b.Loop() {
		_, err := mergepatch.Apply(text, change)
		require.NoError(b, err)
	}
}
