package receiver

import (
	"bytes"
	"strconv"
	"time"
)

// refPrefix begins the refs of a benchmark's items, wherever a format puts them.
const refPrefix = "/bench/"

// Ref is the ref of an item that is published at the given time. The receiver
// finds the time in the body of any format without decoding it.
func Ref(published time.Time, number int) string {
	return string(AppendRef(nil, published, number))
}

// AppendRef appends that ref.
func AppendRef(b []byte, published time.Time, number int) []byte {
	b = strconv.AppendInt(append(b, refPrefix...), published.UnixNano(), 10)
	return strconv.AppendInt(append(b, '/'), int64(number), 10)
}

// stampOf finds the time of publication, in Unix nanoseconds.
func stampOf(body []byte) (ns int64, ok bool) {
	_, rest, found := bytes.Cut(body, []byte(refPrefix))
	if !found {
		return 0, false
	}
	digits := 0
	for ; digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9'; digits++ {
		ns = ns*10 + int64(rest[digits]-'0')
	}
	// 19 digits last until the year 2262, as int64 does.
	return ns, digits == 19 && digits < len(rest) && rest[digits] == '/'
}
