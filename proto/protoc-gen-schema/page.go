package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const head = `# Schemas

<!-- Generated from proto/ by "make generate". -->

What Staffetta writes and reads as protobuf: ` + "`staffetta.event.v1`" + ` is what upstream publishes
([publishing.md](publishing.md)); the other packages are internal, and shown for whoever looks into Kafka or Redis.
A package's version changes with its first change that is not compatible
([development.md](development.md#protobuf) says what is). In JSON, fields of ` + "`staffetta.event.v1`" + ` are named
in lowerCamelCase.
`

// public is the package that others may rely on; it comes first.
const public = "staffetta.event.v1"

// Page is the page of all messages of the files that are to be generated. Its error names
// every field whose comment lacks something.
func Page(files []*protogen.File) (string, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f *protogen.File) bool { return !f.Generate })
	slices.SortFunc(files, func(a, b *protogen.File) int {
		if first := cmp.Compare(rank(a), rank(b)); first != 0 {
			return first
		}
		return cmp.Compare(a.Desc.Path(), b.Desc.Path())
	})
	p := &page{}
	p.WriteString(head)
	for _, f := range files {
		p.file(f)
	}
	return p.String(), errors.Join(p.faults...)
}

func rank(f *protogen.File) int {
	if f.Desc.Package() == public {
		return 0
	}
	return 1
}

type page struct {
	strings.Builder
	faults []error
}

func (p *page) file(f *protogen.File) {
	const packagePath = 2 // the field of FileDescriptorProto
	about := f.Desc.SourceLocations().ByPath(protoreflect.SourcePath{packagePath}).LeadingComments
	fmt.Fprintf(p, "\n## %s\n\n%s ([%s](../proto/%s))\n", f.Desc.Package(), text(protogen.Comments(about)), f.Desc.Path(), f.Desc.Path())
	for _, m := range f.Messages {
		p.message(m)
	}
	for _, e := range f.Enums {
		p.enum(e)
	}
}

func (p *page) message(m *protogen.Message) {
	fmt.Fprintf(p, "\n### %s\n\n%s\n\n", title(m.Desc), text(m.Comments.Leading))
	p.WriteString("| No. | Field | Type | Meaning | Unit | Example |\n|---|---|---|---|---|---|\n")
	for _, field := range m.Fields {
		r, err := remarkOf(field)
		if err != nil {
			p.faults = append(p.faults, err)
		}
		p.row(fmt.Sprint(field.Desc.Number()), code(string(field.Desc.Name())), typeOf(field), cell(r.meaning), cell(r.unit), code(r.example))
	}
	for _, inner := range m.Messages {
		p.message(inner)
	}
	for _, inner := range m.Enums {
		p.enum(inner)
	}
}

func (p *page) enum(e *protogen.Enum) {
	fmt.Fprintf(p, "\n### %s\n\n%s\n\n| No. | Value | Meaning |\n|---|---|---|\n", title(e.Desc), text(e.Comments.Leading))
	for _, v := range e.Values {
		p.row(fmt.Sprint(v.Desc.Number()), code(string(v.Desc.Name())), cell(text(v.Comments.Leading)))
	}
}

func (p *page) row(cells ...string) { fmt.Fprintf(p, "| %s |\n", strings.Join(cells, " | ")) }

// title is unlike those of other packages, so that links find it.
func title(d protoreflect.Descriptor) string {
	name, _ := strings.CutPrefix(string(d.FullName()), "staffetta.")
	return name
}

// typeOf links to what has a table of its own.
func typeOf(field *protogen.Field) string {
	var name string
	switch {
	case field.Message != nil:
		name = link(field.Message.Desc)
	case field.Enum != nil:
		name = link(field.Enum.Desc)
	default:
		name = field.Desc.Kind().String()
	}
	switch {
	case field.Desc.IsList():
		return "repeated " + name
	case field.Desc.HasOptionalKeyword():
		return "optional " + name
	}
	return name
}

func link(d protoreflect.Descriptor) string {
	anchor := strings.ToLower(strings.ReplaceAll(title(d), ".", ""))
	return fmt.Sprintf("[%s](#%s)", d.Name(), anchor)
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
