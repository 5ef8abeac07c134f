package filter

import (
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/staffetta/staffetta/pkg/hook"
)

var (
	text         = types.StringType
	textOrNull   = cel.NullableType(types.StringType)
	numberOrNull = cel.NullableType(types.IntType)
)

// The kinds have the fields of CONTRACT.md, "Event", under its names.
var (
	referenceKind = newKind("Reference", map[string]field{
		"id":       {types.DynType, func(o *object) any { return id(o.reference().ID) }},
		"itemType": {textOrNull, func(o *object) any { return orNull(o.reference().ItemType) }},
		"ref":      {textOrNull, func(o *object) any { return orNull(o.reference().Ref) }},
	})
	eventKind = newKind("Event", map[string]field{
		"id":        {types.DynType, func(o *object) any { return id(o.event().ID) }},
		"account":   {text, func(o *object) any { return o.event().Account }},
		"store":     {textOrNull, func(o *object) any { return orNull(o.event().Store) }},
		"user":      {referenceKind.celType, func(o *object) any { return refer(o.event().User) }},
		"eventType": {text, func(o *object) any { return string(o.event().Type) }},
		"itemType":  {text, func(o *object) any { return o.event().ItemType }},
		"eventDate": {text, func(o *object) any { return o.event().Date }},
	})
	itemKind = newKind("Item", map[string]field{
		"id":  {types.DynType, func(o *object) any { return id(o.item().ID) }},
		"ref": {textOrNull, func(o *object) any { return orNull(o.item().Ref) }},
		"version": {numberOrNull, func(o *object) any {
			if v := o.item().Version; v != nil {
				return *v
			}
			return nil
		}},
		"data":   {types.DynType, func(o *object) any { return o.subject().data() }},
		"parent": {referenceKind.celType, func(o *object) any { return refer(o.item().Parent) }},
	})
)

// subject and reference are what an object of their kind is of.
func (o *object) subject() *Subject {
	s, _ := o.of.(*Subject)
	return s
}

func (o *object) reference() *hook.Reference {
	r, _ := o.of.(*hook.Reference)
	return r
}

func (o *object) event() *hook.Event { return o.subject().event }
func (o *object) item() *hook.Item   { return &o.event().Items[o.subject().at] }

// id is one as JSON has it: an integer if it is written like one, as far as CEL
// has such; else a text.
func id(id string) any {
	if hook.WholeNumber(id) {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			return n
		}
	}
	return id
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func refer(r *hook.Reference) any {
	if r == nil {
		return nil
	}
	return &object{referenceKind, r}
}
