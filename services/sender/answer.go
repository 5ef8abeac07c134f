package sender

import (
	"errors"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// maxResponse is how much of an answer's body the log keeps, maxHeaders how
	// much of its header, names and values.
	maxResponse = 4 << 10
	maxHeaders  = 4 << 10
	// maxHeaderValue leaves room for others beside one long value.
	maxHeaderValue = 512
	// maxDetail bounds an error's text in the log.
	maxDetail = 1 << 10
	// ellipsis ends what was cut.
	ellipsis = "…"
)

// shown is an error that says what may be shown of it, such as egress.Error.
type shown interface{ Shown() string }

// detail is an error's text without secrets, as errors quote what a receiver
// said, and without what tells of our network.
func (v *veil) detail(err error) string {
	text := ""
	if fault := shown(nil); errors.As(err, &fault) {
		text = fault.Shown()
	} else {
		text = err.Error()
	}
	return shorten(v.text(text, false), maxDetail)
}

// body is what the log keeps of a body, itself if nothing in it is hidden. cut says
// that it did not come whole.
func (v *veil) body(body []byte, cut bool) []byte {
	if len(body) == 0 {
		return nil
	}
	text := string(body)
	hidden := v.text(text, cut || len(body) >= maxResponse)
	if hidden == text {
		return body[:min(len(body), maxResponse)]
	}
	return []byte(hidden[:min(len(hidden), maxResponse)])
}

// headers is what the log keeps of an answer's header, in its place.
func (v *veil) headers(h []hook.Header) []hook.Header {
	if len(h) == 0 {
		return nil
	}
	size := 0
	for i := range h {
		line := &h[i]
		if secretHeader(line.Name) {
			line.Value = masked
		} else {
			line.Value = shorten(v.text(line.Value, false), maxHeaderValue)
		}
		line.Name = v.name(line.Name)
		if size += len(line.Name) + len(line.Value); size > maxHeaders {
			return h[:i:i]
		}
	}
	return h
}

// secretWords in a header's name tell that its value is secret; by their first
// letter.
var secretWords = [256][]string{
	'a': {"api-key", "apikey"},
	'c': {"credential"},
	'p': {"password", "passwd"},
	's': {"secret", "session", "signature"},
	't': {"token"},
}

// secretHeader reports whether a header's name, in canonical form, tells that its
// value is secret, whoever sends it.
func secretHeader(name string) bool {
	switch name {
	case "Authorization", "Cookie", "Set-Cookie", "Set-Cookie2", "Authentication-Info":
		return true
	}
	if strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "X-Auth") {
		return true
	}
	const toLower = 'a' - 'A'
	for at := range len(name) {
		for _, word := range secretWords[name[at]|toLower] {
			if end := at + len(word); end <= len(name) && strings.EqualFold(name[at:end], word) {
				return true
			}
		}
	}
	return false
}

// shorten cuts a text that is too long and says so.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(ellipsis)], "") + ellipsis
}
