package quarantine

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/client"
)

const (
	// maxHex bounds what is shown in hexadecimal, in bytes, which takes five times as much.
	maxHex = 4 << 10
	// maxIndented bounds what JSON may grow to when its lines are indented, in bytes: what
	// nests deeply would grow a thousandfold.
	maxIndented = 4 << 20
)

// Kinds of what a record has, as it is shown.
const (
	kindNone = "none"
	kindJSON = "json"
	kindText = "text"
	kindHex  = "hex"
)

// bytesShown are a key or a value as people can read them.
type bytesShown struct {
	Kind, Text string
	// Hidden is how many bytes are not shown.
	Hidden int
	// raw is what came, as far as the API gives it.
	raw string
}

// record is one as it came.
type record struct {
	Key, Value bytesShown
	Headers    []client.Header
	// Cut: not all of it is there.
	Cut bool
}

func newRecord(r *client.Record) *record {
	return &record{
		Key: show(r.KeyBase64), Value: show(r.ValueBase64), Headers: r.Headers, Cut: r.Cut != nil && *r.Cut,
	}
}

// show shows what base64 has; nil is nothing, which differs from what is empty.
func show(encoded *string) bytesShown {
	if encoded == nil {
		return bytesShown{Kind: kindNone}
	}
	raw, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil {
		return bytesShown{Kind: kindNone}
	}
	b := bytesShown{raw: string(raw)}
	if !readable(raw) {
		b.Kind = kindHex
		b.Hidden = max(0, len(raw)-maxHex)
		b.Text = strings.TrimSuffix(hex.Dump(raw[:len(raw)-b.Hidden]), "\n")
		return b
	}
	b.Kind, b.Text = kindText, b.raw
	if pretty, ok := indented(raw); ok {
		b.Kind, b.Text = kindJSON, pretty
	}
	return b
}

// readable says whether bytes are a text.
func readable(raw []byte) bool {
	return utf8.Valid(raw) && !bytes.ContainsFunc(raw, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// indented is JSON, an object or an array, with a line for each of its parts. Its tokens
// are as they came.
func indented(raw []byte) (string, bool) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' || !json.Valid(raw) {
		return "", false
	}
	if lines, depth := extent(trimmed); len(raw)+lines*depth*len(indent) > maxIndented {
		return string(raw), true
	}
	var b bytes.Buffer
	if json.Indent(&b, trimmed, "", indent) != nil {
		return "", false
	}
	return b.String(), true
}

const indent = "  "

// extent is how many lines valid JSON takes at most, and how deep it nests.
func extent(valid []byte) (lines, depth int) {
	open, quoted := 0, false
	for i := 0; i < len(valid); i++ {
		c := valid[i]
		switch {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			open++
			lines, depth = lines+1, max(depth, open)
		case c == '}' || c == ']':
			open--
			lines++
		case c == ',':
			lines++
		}
	}
	return lines, depth
}

// compact undoes what indented did to a value that came in one line, so that its data is
// passed on without the lines that were for the reader. What is no JSON stays as it is.
func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}
