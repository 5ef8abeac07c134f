package quarantine

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

// The documentation lists every reason; the router's and the recorder's own are theirs
// alone.
func TestEveryReasonIsToldInWords(t *testing.T) {
	t.Parallel()
	all := []string{quarantine.ReasonDefect}
	for _, reason := range codec.Reasons {
		all = append(all, string(reason))
	}
	docs, err := os.ReadFile("../../../docs/publishing.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(docs), "| Reason | What is wrong |")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+) \\|").FindAllStringSubmatch(table, -1) {
		all = append(all, regexp.MustCompile("[a-z_]+").FindAllString(row[1], -1)...)
	}
	require.Subset(t, reasons, all)
	require.Subset(t, all, reasons, "each of ours is documented")
	for _, reason := range all {
		require.Contains(t, reasonWords, "reason."+reason)
		require.Contains(t, reasonWords, "reason."+reason+".text")
	}
	for _, reason := range failures {
		require.Contains(t, reasonWords, failureText(reason))
	}
	require.Empty(t, failureText("of_a_newer_version"))
}

func TestADetailIsReadFaultByFault(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string][]fault{
		`eventType must be create, update or delete, not "made"; items[0].id must be x`: {
			{Field: "eventType", Rule: "must be create, update or delete", Value: "made"}, {Field: "items[0].id", Rule: "must be x"},
		},
		`account must be an account of this installation, not "a; b\", not \"c"`: {
			{Field: "account", Rule: "must be an account of this installation", Value: `a; b", not "c`},
		},
		"value must be JSON: at byte 12 there must be a comma or }": {
			{Field: "value", Rule: "must be JSON: at byte 12 there must be a comma or }", Byte: 12, HasByte: true, Want: "want.commaOrBrace", Rest: "a comma or }"},
		},
		"value must be JSON: at byte 1 there must be rain": {
			{Field: "value", Rule: "must be JSON: at byte 1 there must be rain", Byte: 1, HasByte: true, Rest: "rain"},
		},
		"items[2].data/lines/0/price breaks its schema: got string, want number": {
			{Field: "items[2].data/lines/0/price", Rule: "breaks its schema: got string, want number"},
		},
		`panic: "oh; no`: {{Rule: `panic: "oh; no`}},
		"":               {{}},
	} {
		require.Equal(t, want, why(detail), detail)
	}
}

func TestThePlaceOfAByteIsALineAndAColumn(t *testing.T) {
	t.Parallel()
	require.Equal(t, &place{Line: 2, Column: 2, Before: "è", Mark: "x", After: "y"}, placeOf("a\nèxy\r\nz", 4))
	require.Equal(t, &place{Line: 1, Column: 4, Before: "abc"}, placeOf("abc", 3), "at the end")
	require.Nil(t, placeOf("abc", 4))
	far := placeOf(string(make([]byte, 500)), 250)
	require.Len(t, far.Before, 60+len("…"))
	require.Len(t, far.After, 60+len("…"))
}
