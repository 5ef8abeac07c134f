package pattern_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/pattern"
)

func TestAPatternKnowsItsSize(t *testing.T) {
	t.Parallel()
	p, err := pattern.Compile(`^[A-Z]{2}-[0-9]+$`, 9)
	require.NoError(t, err)
	require.Equal(t, 9, p.Size)
	require.True(t, p.MatchString("AB-1"))
	require.False(t, p.MatchString("A-1"))
}

func TestAPatternThatIsTooLargeIsRefusedBeforeItIsBuilt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`^[A-Z]{2}-[0-9]+$`:                       "may have 8 instructions",
		strings.Repeat(`(?:[ab]?c?){1000}`, 200):  "is too large",
		strings.Repeat(`(?:\pL{30}){30}`, 250):    "is too large",
		`((((a{0,10}){0,10}){0,9}))`:              "is too large",
		strings.Repeat(`a`, pattern.MaxBytes+1):   "has 4097 bytes",
		`(`:                                       "missing closing )",
		`(?:(?:(?:a{1000}){1000}){1000}){1000}`:   "invalid repeat count",
		strings.Repeat("[a-c]x|y[d-f]|", 4) + "z": "is too large",
		`a{2,}b{2,}c{2,}`:                         "is too large",
		strings.Repeat("x", pattern.MaxBytes/100): "is too large",
	} {
		_, err := pattern.Compile(text, 8)
		require.ErrorContains(t, err, want, text)
	}
}
