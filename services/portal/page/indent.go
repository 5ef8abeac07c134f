package page

import (
	"bytes"
	"encoding/json"
)

const indent = "  "

// Indented is JSON, an object or an array, with a line for each of its parts. Its tokens
// are as they came. What could grow beyond so many bytes stays as it is: what nests deeply
// would grow a thousandfold. false: it is neither.
func Indented(raw []byte, most int) (string, bool) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' || !json.Valid(raw) {
		return "", false
	}
	if lines, depth := extent(trimmed); len(raw)+lines*depth*len(indent) > most {
		return string(raw), true
	}
	var b bytes.Buffer
	if json.Indent(&b, trimmed, "", indent) != nil {
		return "", false
	}
	return b.String(), true
}

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
