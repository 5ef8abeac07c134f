package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// remark is the comment of a field, taken apart.
type remark struct{ meaning, unit, example string }

// remarkForm is "Meaning. Unit: milliseconds. Example: 15000."
var remarkForm = regexp.MustCompile(`^(.*?)(?: ?\bUnit: (.*?)\.)?(?: ?\bExample: (.*?)\.?)?$`)

// remarkOf reads the comment of a field. Its error names what the comment lacks: a meaning;
// of text, bytes and numbers an example; of numbers a unit.
func remarkOf(field *protogen.Field) (remark, error) {
	parts := remarkForm.FindStringSubmatch(text(field.Comments.Leading))
	r := remark{meaning: parts[1], unit: parts[2], example: parts[3]}
	var faults []error
	lacks := func(what string) {
		faults = append(faults, fmt.Errorf("%s: its comment must have %s", field.Desc.FullName(), what))
	}
	if r.meaning == "" {
		lacks("a meaning")
	}
	switch field.Desc.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind, protoreflect.EnumKind, protoreflect.BoolKind:
		// Their values have comments of their own, or are plain.
	case protoreflect.StringKind, protoreflect.BytesKind:
		if r.example == "" {
			lacks("an example: Example: ….")
		}
	default:
		if r.unit == "" {
			lacks("a unit: Unit: ….")
		}
		if r.example == "" {
			lacks("an example: Example: ….")
		}
	}
	return r, errors.Join(faults...)
}

// text is a comment in one line.
func text(c protogen.Comments) string { return strings.Join(strings.Fields(string(c)), " ") }
