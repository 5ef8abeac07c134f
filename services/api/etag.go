package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Precondition makes a change depend on what the client has read.
type Precondition struct {
	IfMatch string `header:"If-Match" example:"\"3\"" doc:"ETags, of which the webhook must have one, or *; else 412 (RFC 9110, 13.1.1)."`
}

const ifMatchRule = `must be ETags in quotation marks, parted by commas, such as "3", or *`

// etag of a webhook is its version. What the sender and the router know of it, such as
// circuit, changes without it, and so does the status when a resumption ends: so a GET is
// never answered with 304.
func etag(w hook.Webhook) string { return `"` + strconv.FormatInt(w.Version, 10) + `"` }

// etags are those of an If-Match header; nil: any will do.
type etags []string

// include compares strongly, as If-Match demands: a weak one is none of ours.
func (e etags) include(current string) bool { return e == nil || slices.Contains(e, current) }

// readIfMatch reads an If-Match header (RFC 9110, 13.1.1); empty for none. The error is
// a hook.FieldError.
func readIfMatch(header string) (etags, error) {
	rest := strings.Trim(header, " \t,")
	if rest == "" || rest == "*" {
		return nil, nil
	}
	tags := etags{}
	for rest != "" {
		tag, after, ok := cutETag(rest)
		if !ok {
			return nil, hook.FieldError{Field: "If-Match", Value: header, Rule: ifMatchRule}
		}
		tags = append(tags, tag)
		rest = strings.TrimLeft(after, " \t,")
	}
	return tags, nil
}

// cutETag takes the first ETag of a list.
func cutETag(list string) (tag, rest string, ok bool) {
	opaque := strings.TrimPrefix(list, "W/")
	if !strings.HasPrefix(opaque, `"`) {
		return "", "", false
	}
	end := strings.Index(opaque[1:], `"`)
	if end < 0 {
		return "", "", false
	}
	end += len(list) - len(opaque) + 2
	rest = strings.TrimLeft(list[end:], " \t")
	return list[:end], rest, rest == "" || rest[0] == ','
}
