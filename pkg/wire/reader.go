// Package wire reads and writes protobuf messages by hand. What the path carries
// is read and written thousands of times a second: making and filling the
// generated messages, only to copy them from and to the domain's types, costs
// several times what the bytes themselves do. proto.Unmarshal and proto.Marshal
// are the judges in the tests of those who use this.
package wire

import (
	"errors"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// The wire types that our messages use, as they stand in a tag, which is
// number<<3 | type. A field of another wire type than it should have is an
// unknown one, as for proto.Unmarshal.
const (
	Varint = uint64(protowire.VarintType)
	Length = uint64(protowire.BytesType)
)

var (
	errFieldNumber = errors.New("a field has a number that none can have")
	errNotUTF8     = errors.New("a text is not UTF-8")
)

// Reader goes from field to field of a message.
type Reader struct {
	rest []byte

	// Err is the first error; it ends the reading. Whoever finds fault with a
	// field sets it.
	Err error

	// The field at hand: its tag, and its value by the wire type in the tag.
	Tag   uint64
	Value uint64
	Bytes []byte
}

// NewReader begins to read a message.
func NewReader(message []byte) Reader { return Reader{rest: message} }

// Next goes to the next field; it is false at the end and after an error.
func (r *Reader) Next() bool {
	if len(r.rest) == 0 || r.Err != nil {
		return false
	}
	number, kind, n := protowire.ConsumeTag(r.rest)
	if n < 0 {
		return r.fail(protowire.ParseError(n))
	}
	if number > protowire.MaxValidNumber {
		return r.fail(errFieldNumber)
	}
	r.rest = r.rest[n:]
	r.Tag = protowire.EncodeTag(number, kind)
	switch kind {
	case protowire.BytesType:
		r.Bytes, n = protowire.ConsumeBytes(r.rest)
	case protowire.VarintType:
		r.Value, n = protowire.ConsumeVarint(r.rest)
	default:
		n = protowire.ConsumeFieldValue(number, kind, r.rest)
	}
	if n < 0 {
		return r.fail(protowire.ParseError(n))
	}
	r.rest = r.rest[n:]
	return true
}

func (r *Reader) fail(err error) bool {
	r.Err = err
	return false
}

// Text is the field at hand as a text, which shares the message's memory.
func (r *Reader) Text() string {
	text := Shared(r.Bytes)
	if !utf8.ValidString(text) {
		r.Err = errNotUTF8
	}
	return text
}

// Alike counts the field at hand and those of its tag that follow at once: so
// much room takes a repeated field, as it is commonly written.
func (r *Reader) Alike() int {
	n, ahead := 1, *r
	for ahead.Next() && ahead.Tag == r.Tag {
		n++
	}
	return n
}

// Shared is a string in the memory of bytes that nobody writes to any more.
func Shared(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
