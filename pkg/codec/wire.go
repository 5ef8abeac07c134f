package codec

import (
	"errors"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// What the path carries is read and written thousands of times a second, by
// hand: making and filling the generated messages, only to copy them from and
// to events, costs several times what the bytes themselves do. proto.Unmarshal
// and proto.Marshal are the judges in the tests.

// The wire types that our messages use, as they stand in a tag.
const (
	varint = uint64(protowire.VarintType)
	length = uint64(protowire.BytesType)
)

// The tags of the fields: number and wire type. A field of another wire type
// than it should have is an unknown one, as for proto.Unmarshal.
const (
	changeEvent       = 1<<3 | length
	changeSource      = 2<<3 | length
	changeTraceparent = 3<<3 | length
	changeTracestate  = 4<<3 | length
	changePublished   = 5<<3 | varint

	coordinatesTopic     = 1<<3 | length
	coordinatesPartition = 2<<3 | varint
	coordinatesOffset    = 3<<3 | varint

	eventID       = 1<<3 | length
	eventAccount  = 2<<3 | length
	eventStore    = 3<<3 | length
	eventUser     = 4<<3 | length
	eventType     = 5<<3 | varint
	eventItemType = 6<<3 | length
	eventItems    = 7<<3 | length
	eventDate     = 8<<3 | length

	itemID      = 1<<3 | length
	itemRef     = 2<<3 | length
	itemVersion = 3<<3 | varint
	itemData    = 4<<3 | length
	itemParent  = 5<<3 | length

	referenceID       = 1<<3 | length
	referenceItemType = 2<<3 | length
	referenceRef      = 3<<3 | length

	bundleChange   = 1<<3 | length
	bundleWebhooks = 2<<3 | length
	bundleRun      = 3<<3 | varint
)

var (
	errFieldNumber = errors.New("a field has a number that none can have")
	errNotUTF8     = errors.New("a text is not UTF-8")
)

// wireReader goes from field to field of a message. Its first error ends it.
type wireReader struct {
	rest []byte
	err  error

	// The field at hand: its tag, and its value by the wire type in the tag.
	tag   uint64
	value uint64
	bytes []byte
}

// next goes to the next field; it is false at the end and after an error.
func (r *wireReader) next() bool {
	if len(r.rest) == 0 || r.err != nil {
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
	r.tag = protowire.EncodeTag(number, kind)
	switch kind {
	case protowire.BytesType:
		r.bytes, n = protowire.ConsumeBytes(r.rest)
	case protowire.VarintType:
		r.value, n = protowire.ConsumeVarint(r.rest)
	default:
		n = protowire.ConsumeFieldValue(number, kind, r.rest)
	}
	if n < 0 {
		return r.fail(protowire.ParseError(n))
	}
	r.rest = r.rest[n:]
	return true
}

func (r *wireReader) fail(err error) bool {
	r.err = err
	return false
}

// text is the field at hand as a text, which shares the message's memory.
func (r *wireReader) text() string {
	text := shared(r.bytes)
	if !utf8.ValidString(text) {
		r.err = errNotUTF8
	}
	return text
}

// shared is a string in the memory of bytes that nobody writes to any more.
func shared(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// nest begins a message within a message and endNest ends it, whose length is
// known only then: one byte is kept for it, and nearly always two are needed.
func nest(dst []byte, tag uint64) (inner []byte, at int) {
	dst = append(protowire.AppendVarint(dst, tag), 0)
	return dst, len(dst)
}

func endNest(dst []byte, at int) []byte {
	size := uint64(len(dst) - at)
	if more := protowire.SizeVarint(size) - 1; more > 0 {
		dst = append(dst, make([]byte, more)...)
		copy(dst[at+more:], dst[at:])
	}
	protowire.AppendVarint(dst[:at-1], size)
	return dst
}

// appendTextField and its like leave out what is empty.
func appendTextField(dst []byte, tag uint64, text string) []byte {
	if text == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendVarint(dst, tag), text)
}

func appendBytesField(dst []byte, tag uint64, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendVarint(dst, tag), value)
}

func appendNumberField(dst []byte, tag, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendVarint(dst, tag), value)
}
