package redisstore

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta/staffetta/pkg/hook"
)

// encodeMended is encode of a state with texts that are not UTF-8, which protobuf
// refuses: such bytes become U+FFFD. The api lets none in; what is in the database
// in spite of that shall reach nobody but its account.
func encodeMended(s hook.AccountState) ([]byte, error) {
	a := message(s)
	if err := protorange.Range(a.ProtoReflect(), mend); err != nil {
		return nil, fmt.Errorf("mend account %s: %w", s.Account.ID, err)
	}
	return proto.Marshal(a)
}

// mend mends the texts of one field.
func mend(p protopath.Values) error {
	text, ok := p.Index(-1).Value.Interface().(string)
	if !ok || utf8.ValidString(text) {
		return nil
	}
	value := protoreflect.ValueOfString(string(bytes.ToValidUTF8([]byte(text), []byte("\uFFFD"))))
	switch step, within := p.Index(-1).Step, p.Index(-2).Value; step.Kind() {
	case protopath.FieldAccessStep:
		within.Message().Set(step.FieldDescriptor(), value)
	case protopath.ListIndexStep:
		within.List().Set(step.ListIndex(), value)
	default:
	}
	return nil
}
