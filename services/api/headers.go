package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Limits of a webhook's headers. Many servers take 8 KiB of header in all; ours and
// an Authorization leave room for these.
const (
	maxHeaders     = 30
	maxHeaderName  = 100     // bytes
	maxHeaderValue = 2048    // bytes
	maxHeaderBytes = 4 << 10 // names and values
)

// masked stands for a value that is secret. Sent back it keeps the one that is there.
const masked = "***"

// ownHeaders are set by the sender, or describe the connection and the body that it
// makes (RFC 9110, 7.6.1); a prefix ends in a hyphen.
var ownHeaders = []string{
	"webhook-", "x-cn-", "ce-", "staffetta-", "proxy-", "sec-",
	"digest", "traceparent", "tracestate", "user-agent", "host",
	"content-type", "content-length", "content-encoding", "content-range", "accept-encoding",
	"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "http2-settings",
}

const headerValueRule = "must be 1 to 2048 visible ASCII characters, with spaces only between them"

// readHeaders reads lines for the header of each request, sorted by name; nil if the
// body has none.
func readHeaders(d *document) []hook.Header {
	members, ok := read[map[string]*string](d, "headers", "must be an object of strings")
	if !ok {
		return nil
	}
	if len(members) > maxHeaders {
		d.fault("headers", "", "must have at most "+strconv.Itoa(maxHeaders)+" entries")
		return nil
	}
	lines := make([]hook.Header, 0, len(members))
	size := 0
	for given, value := range members {
		name := http.CanonicalHeaderKey(given)
		field := headerField(given)
		switch rule := headerNameRule(name); {
		case rule != "":
			d.fault(field, "", rule)
		case slices.ContainsFunc(lines, func(h hook.Header) bool { return h.Name == name }):
			d.fault(field, "", "must be there once: capitals do not count in names")
		case value == nil || !validHeaderValue(*value):
			d.fault(field, "", headerValueRule)
		default:
			lines = append(lines, hook.Header{Name: name, Value: *value})
			size += len(name) + len(*value)
		}
	}
	if size > maxHeaderBytes {
		d.fault("headers", "", "must have at most "+strconv.Itoa(maxHeaderBytes)+" bytes in all")
	}
	slices.SortFunc(lines, func(a, b hook.Header) int { return strings.Compare(a.Name, b.Name) })
	return lines
}

// headerField is where a fault of a header is.
func headerField(name string) string {
	if len(name) > maxHeaderName {
		name = strings.ToValidUTF8(name[:maxHeaderName], "") + "…"
	}
	return "headers." + name
}

// headerNameRule is the rule that a name breaks, or empty.
func headerNameRule(name string) string {
	// An underscore would be enough to forge ours: CGI and its heirs read it as a hyphen.
	if name == "" || len(name) > maxHeaderName || strings.ContainsFunc(name, func(r rune) bool { return !inHeaderName(r) }) {
		return "must be named by 1 to 100 letters, digits and hyphens, such as X-Api-Key"
	}
	lower := strings.ToLower(name)
	for _, own := range ownHeaders {
		if lower == own || strings.HasSuffix(own, "-") && strings.HasPrefix(lower, own) {
			return "must not be set: the sender sets it, or it belongs to the connection"
		}
	}
	return ""
}

func inHeaderName(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-'
}

func validHeaderValue(value string) bool {
	return value != "" && len(value) <= maxHeaderValue && strings.Trim(value, " ") == value &&
		!strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

// setHeaders puts lines in place of those that a webhook has, and seals their values.
// A masked one stays as it is. The error may be a hook.FieldError.
func (s *Service) setHeaders(w *hook.Webhook, lines []hook.Header) error {
	sealed := make([]hook.SealedHeader, len(lines))
	for i, line := range lines {
		sealed[i].Name = line.Name
		if line.Value == masked {
			at := slices.IndexFunc(w.Headers, func(h hook.SealedHeader) bool { return h.Name == line.Name })
			if at < 0 {
				return hook.FieldError{Field: headerField(line.Name), Rule: "must be the value itself: there is none to keep"}
			}
			sealed[i].Value = w.Headers[at].Value
			continue
		}
		value, err := s.cfg.Seal.Seal([]byte(line.Value), w.HeaderContext(line.Name))
		if err != nil {
			return fmt.Errorf("seal a header of %s: %w", w.ID, err)
		}
		sealed[i].Value = value
	}
	w.Headers = sealed
	return nil
}

// maskHeaders shows the names alone.
func maskHeaders(headers []hook.SealedHeader) map[string]string {
	shown := make(map[string]string, len(headers))
	for _, h := range headers {
		shown[h.Name] = masked
	}
	return shown
}
