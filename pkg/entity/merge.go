package entity

import (
	"fmt"
	"slices"
)

// merge applies a JSON merge patch (RFC 7396): null removes a field, an object
// is merged into the one that is there, anything else takes its place. Both have
// been judged; errMany tells that together they have too many fields.
func merge(target, patch object) (object, error) {
	merged := slices.Clone(target)
	for _, m := range patch {
		switch {
		case isNull(m.value):
			merged = merged.without(m.name)
		case m.value[0] == '{':
			inner, err := mergeInner(merged, m)
			if err != nil {
				return nil, err
			}
			merged = merged.with(m.name, inner.appendTo(nil))
		default:
			merged = merged.with(m.name, m.value)
		}
	}
	if len(merged) > maxMembers {
		return nil, errMany
	}
	return merged, nil
}

func mergeInner(target object, patch member) (object, error) {
	from, err := knownObject(patch.value)
	if err != nil {
		return nil, fmt.Errorf("in %q: %w", patch.name, err)
	}
	var into object
	if value, ok := target.get(patch.name); ok && value[0] == '{' {
		if into, err = knownObject(value); err != nil {
			return nil, fmt.Errorf("in %q: %w", patch.name, err)
		}
	}
	merged, err := merge(into, from)
	if err != nil {
		return nil, fmt.Errorf("in %q: %w", patch.name, err)
	}
	return merged, nil
}
