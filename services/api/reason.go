package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Reason is a hook.Reason as the API shows it: a closed set, or empty.
type Reason string

// Schema implements huma.SchemaProvider, so that the document lists the set as
// the domain has it.
func (Reason) Schema(huma.Registry) *huma.Schema {
	enum := []any{string(hook.ReasonNone)}
	for _, r := range hook.Reasons {
		enum = append(enum, string(r))
	}
	return &huma.Schema{Type: huma.TypeString, Enum: enum}
}
