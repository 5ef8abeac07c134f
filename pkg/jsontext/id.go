package jsontext

import "github.com/staffetta/staffetta/pkg/hook"

// AppendID appends an item's id: as a number if it is a whole one, whatever
// its length, else as a string.
func AppendID(dst []byte, id string) []byte {
	if hook.WholeNumber(id) {
		return append(dst, id...)
	}
	return AppendString(dst, id)
}
