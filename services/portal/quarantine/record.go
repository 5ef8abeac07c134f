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
	"github.com/staffetta/staffetta/services/portal/page"
)

const (
	// maxHex bounds what is shown in hexadecimal, in bytes, which takes five times as much.
	maxHex = 4 << 10
	// maxIndented bounds what JSON may grow to when its lines are indented, in bytes,
	// maxPatch what a patch may, of which a page of redrives has many.
	maxIndented = 4 << 20
	maxPatch    = 256 << 10
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
	if pretty, ok := page.Indented(raw, maxIndented); ok {
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

// compact undoes what page.Indented did to a value that came in one line, so that its data is
// passed on without the lines that were for the reader. What is no JSON stays as it is.
func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}
