package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
)

// line is a field that was changed, before and after.
type line struct {
	Field string
	// Secret is whether the values are not told.
	Secret bool
	// Before and After are empty where there is no value.
	Before, After string
}

// told is an entry as the page shows it.
func told(e *client.AuditEntry) entry {
	shown := entry{
		AuditEntry: *e, Known: slices.Contains(operations, e.Operation),
		Webhook: strings.HasPrefix(e.Target, "wh_") && !strings.HasPrefix(e.Operation, "refuse"),
	}
	for i := range e.Changes {
		c := &e.Changes[i]
		shown.Lines = append(shown.Lines, line{
			Field: c.Field, Secret: c.Secret != nil && *c.Secret, Before: value(c.From), After: value(c.To),
		})
	}
	return shown
}

// value is one as people read it: a text as it is, a list of texts with commas, anything
// else as JSON.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if v == "" {
			return `""`
		}
		return v
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			text, ok := v[i].(string)
			if !ok {
				return asJSON(v)
			}
			texts[i] = text
		}
		if len(texts) == 0 {
			return "[]"
		}
		return strings.Join(texts, ", ")
	}
	return asJSON(v)
}

func asJSON(v any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // the template escapes
	if err := encoder.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(text.String())
}
