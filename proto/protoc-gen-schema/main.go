// Command protoc-gen-schema is a plugin of buf and protoc: it writes docs/schema.md, which
// shows every message, and fails if a field does not say what it should.
package main

import (
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	protogen.Options{}.Run(func(plugin *protogen.Plugin) error {
		plugin.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)
		page, err := Page(plugin.Files)
		if err != nil {
			return err
		}
		_, err = plugin.NewGeneratedFile("schema.md", "").Write([]byte(page))
		return err
	})
}
