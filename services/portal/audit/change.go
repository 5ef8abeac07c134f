package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// line is a field that was changed, before and after.
type line struct {
	Field string
	// Known is whether there is a text for the field.
	Known bool
	// Secret is whether the values are not told.
	Secret bool
	// Before and After are empty where there is no value.
	Before, After string
	// Were and Are are the keys of texts that say the same, of values that are a few words;
	// else empty.
	Were, Are []string
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
			Field: c.Field, Known: has("field." + c.Field), Secret: c.Secret != nil && *c.Secret,
			Before: value(c.From), After: value(c.To), Were: texts(c.Field, c.From), Are: texts(c.Field, c.To),
		})
	}
	return shown
}

func has(key string) bool {
	_, known := words[key]
	return known
}

// texts are the keys of the texts of a value, or of each of a list; nil unless there is one
// for each.
func texts(field string, v any) []string {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	var keys []string
	for _, one := range list {
		text, ok := one.(string)
		if !ok {
			return nil
		}
		key := "value." + field + "." + text
		switch { // what every page has texts for
		case field == "status" && slices.Contains([]hook.Status{hook.Active, hook.Paused, hook.Resuming, hook.Disabled, hook.Revoked}, hook.Status(text)):
			key = "status." + text
		case field == "role" && slices.Contains([]hook.Role{hook.RoleOwner, hook.RoleSettings, hook.RoleViewer}, hook.Role(text)):
			key = "role." + text
		case field == "scopes" && slices.Contains(hook.RoleOwner.Scopes(), hook.Scope(text)):
			key = "scope." + text
		case !has(key):
			return nil
		}
		keys = append(keys, key)
	}
	return keys
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
