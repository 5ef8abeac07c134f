package audit

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

func TestValuesAreReadable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`null`: "", `""`: `""`, `"a <b>"`: "a <b>", `["a","b"]`: "a, b", `[]`: "[]", `[1,"a"]`: `[1,"a"]`, `7`: "7", `true`: "true",
		`{"b":1,"a":"<x>"}`: `{"a":"<x>","b":1}`,
	} {
		var v any
		require.NoError(t, json.Unmarshal([]byte(text), &v))
		require.Equal(t, want, value(v), text)
	}
}

func TestSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	secret := true
	shown := told(&client.AuditEntry{Operation: "strange", Changes: []client.Change{{Field: "secret", Secret: &secret}}})
	require.Equal(t, []line{{Field: "secret", Known: true, Secret: true}}, shown.Lines)
	require.False(t, shown.Known)
}

func TestEveryOperationHasAText(t *testing.T) {
	t.Parallel()
	for _, operation := range operations {
		require.Contains(t, words, "op."+operation)
	}
	require.Len(t, operations, countOf(words, "op."))
}

func countOf(all page.Words, prefix string) (n int) {
	for key := range all {
		if len(key) > len(prefix) && key[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

// A page is in one language as far as what it shows is a word of Staffetta's own.
func TestValuesThatAreWordsHaveTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field string
		value any
		want  []string
	}{
		{"status", "paused", []string{"status.paused"}},
		{"role", "owner", []string{"role.owner"}},
		{"scopes", []any{"read", "publish"}, []string{"scope.read", "scope.publish"}},
		{"eventTypes", []any{"create", "delete"}, []string{"value.eventTypes.create", "value.eventTypes.delete"}},
		{"onPause", "drop", []string{"value.onPause.drop"}},
		{"itemTypes", []any{"Contact"}, nil},
		{"status", "strange", nil},
		{"scopes", []any{"read", "strange"}, nil},
		{"scopes", []any{"read", 7}, nil},
		{"description", "paused", nil},
		{"quota", map[string]any{"calls": 7}, nil},
		{"status", nil, nil},
	} {
		require.Equal(t, c.want, texts(c.field, c.value), "%s %v", c.field, c.value)
	}
}
