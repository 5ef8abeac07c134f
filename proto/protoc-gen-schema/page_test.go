package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// files are a package with one message, whose field has this type and comment.
func files(t *testing.T, kind descriptorpb.FieldDescriptorProto_Type, comment string) []*protogen.File {
	t.Helper()
	const name = "staffetta/x/v1/x.proto"
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{name},
		ProtoFile: []*descriptorpb.FileDescriptorProto{{
			Name: proto.String(name), Package: proto.String("staffetta.x.v1"), Syntax: proto.String("proto3"),
			Options: &descriptorpb.FileOptions{GoPackage: proto.String("example.com/x;x")},
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Thing"), Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("size"), Number: proto.Int32(7), Type: kind.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}}}},
			SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
				{Path: []int32{2}, Span: []int32{0, 0, 1}, LeadingComments: proto.String(" All that\n is there.\n")},
				{Path: []int32{4, 0}, Span: []int32{1, 0, 1}, LeadingComments: proto.String(" Thing is one.\n")},
				{Path: []int32{4, 0, 2, 0}, Span: []int32{2, 0, 1}, LeadingComments: proto.String(comment)},
			}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return plugin.Files
}

func TestAPageShowsWhatCommentsSay(t *testing.T) {
	t.Parallel()
	got, err := Page(files(t, descriptorpb.FieldDescriptorProto_TYPE_INT64, " How large a|b\n it is. Unit: bytes.\n Example: 900000.\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `
## staffetta.x.v1

All that is there. ([staffetta/x/v1/x.proto](../proto/staffetta/x/v1/x.proto))

### x.v1.Thing

Thing is one.

| No. | Field | Type | Meaning | Unit | Example |
|---|---|---|---|---|---|
| 7 | ` + "`size` | int64 | How large a\\|b it is. | bytes | `900000` |\n"
	if _, tables, _ := strings.Cut(got, "in lowerCamelCase.\n"); tables != want {
		t.Errorf("got %q\nwant %q", tables, want)
	}
}

func TestAFieldWithoutUnitOrExampleIsAFault(t *testing.T) {
	t.Parallel()
	const (
		number  = descriptorpb.FieldDescriptorProto_TYPE_UINT32
		words   = descriptorpb.FieldDescriptorProto_TYPE_STRING
		yesOrNo = descriptorpb.FieldDescriptorProto_TYPE_BOOL
	)
	for _, test := range []struct {
		kind    descriptorpb.FieldDescriptorProto_Type
		comment string
		lacks   []string
	}{
		{number, " Size. Unit: bytes. Example: 7.", nil},
		{number, " Size. Unit: bytes.", []string{"an example"}},
		{number, " Size. Example: 7.", []string{"a unit"}},
		{number, " Size.", []string{"a unit", "an example"}},
		{number, "", []string{"a meaning", "a unit", "an example"}},
		{number, " Unit: bytes. Example: 7.", []string{"a meaning"}},
		{words, ` Name. Example: "a".`, nil},
		{words, " Name.", []string{"an example"}},
		{yesOrNo, " It is so.", nil},
		{yesOrNo, "", []string{"a meaning"}},
	} {
		_, err := Page(files(t, test.kind, test.comment))
		said := ""
		if err != nil {
			said = err.Error()
		}
		if n := strings.Count(said, "staffetta.x.v1.Thing.size: its comment must have"); n != len(test.lacks) {
			t.Errorf("%q: %d faults: %s", test.comment, n, said)
		}
		for _, what := range test.lacks {
			if !strings.Contains(said, "must have "+what) {
				t.Errorf("%q: want %q in %s", test.comment, what, said)
			}
		}
	}
}
