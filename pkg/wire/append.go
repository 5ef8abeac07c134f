package wire

import "google.golang.org/protobuf/encoding/protowire"

// Nest begins a message within a message and EndNest ends it, whose length is
// known only then: one byte is kept for it, and rarely are more needed.
func Nest(dst []byte, tag uint64) (inner []byte, at int) {
	dst = append(protowire.AppendVarint(dst, tag), 0)
	return dst, len(dst)
}

// EndNest ends the message that began at a place, as Nest gave it.
func EndNest(dst []byte, at int) []byte {
	size := uint64(len(dst) - at)
	if more := protowire.SizeVarint(size) - 1; more > 0 {
		dst = append(dst, make([]byte, more)...)
		copy(dst[at+more:], dst[at:])
	}
	protowire.AppendVarint(dst[:at-1], size)
	return dst
}

// AppendText and its like leave out what is empty.
func AppendText(dst []byte, tag uint64, text string) []byte {
	if text == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendVarint(dst, tag), text)
}

// AppendBytes is AppendText for bytes.
func AppendBytes(dst []byte, tag uint64, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendVarint(dst, tag), value)
}

// AppendNumber is AppendText for numbers; a negative one is given as it is
// converted from int64, be the field's type int32 or int64.
func AppendNumber(dst []byte, tag, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendVarint(dst, tag), value)
}

// SizeText and its like are how much the functions of their names append.
func SizeText(tag uint64, text string) int {
	if text == "" {
		return 0
	}
	return SizeNested(tag, len(text))
}

// SizeBytes is what AppendBytes appends.
func SizeBytes(tag uint64, value []byte) int {
	if len(value) == 0 {
		return 0
	}
	return SizeNested(tag, len(value))
}

// SizeNumber is what AppendNumber appends.
func SizeNumber(tag, value uint64) int {
	if value == 0 {
		return 0
	}
	return protowire.SizeVarint(tag) + protowire.SizeVarint(value)
}

// SizeNested is the size of a field with so many bytes in it.
func SizeNested(tag uint64, size int) int {
	return protowire.SizeVarint(tag) + protowire.SizeBytes(size)
}
