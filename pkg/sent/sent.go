// Package sent keeps the header of a request as it was sent, in a fifth of its bytes:
// there is one for each attempt, in Kafka and in the log. Well-known names and values
// are numbers, and what the attempt's record says anyway is not said again. Whatever
// is unlike that is kept as it is, so nothing is lost.
package sent

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// About is what the record of an attempt says beside its header.
type About struct {
	Delivery, TraceID string
	// At is the start of the request.
	At time.Time
}

// Numbers of well-known names. The log has them: add at the end, change none. 0 is a
// name that is none of these, and is spelled out.
const (
	userAgent = iota + 1
	contentType
	traceparent
	tracestate
	webhookID
	webhookSignature
	webhookTimestamp
	digest
	cnOperation
	cnSignature
	ceID
	ceSource
	ceSpecversion
	ceTime
	ceType
	authorization
	contentLength
)

var names = [...]string{
	userAgent: "User-Agent", contentType: "Content-Type", traceparent: "Traceparent", tracestate: "Tracestate",
	webhookID: "Webhook-Id", webhookSignature: "Webhook-Signature", webhookTimestamp: "Webhook-Timestamp",
	digest: "Digest", cnOperation: "X-Cn-Operation", cnSignature: "X-Cn-Signature",
	ceID: "Ce-Id", ceSource: "Ce-Source", ceSpecversion: "Ce-Specversion", ceTime: "Ce-Time", ceType: "Ce-Type",
	authorization: "Authorization", contentLength: "Content-Length",
}

// numbers are those of the names.
var numbers = func() map[string]byte {
	all := make(map[string]byte, len(names))
	for n, name := range names {
		if n > 0 {
			all[name] = byte(n)
		}
	}
	return all
}()

// forms of values; as with names, add at the end.
const (
	spelled = iota
	delivery
	seconds // of About.At
	parent  // a traceparent: 8 bytes, its span, and its flags
	wellKnown
)

var values = [...]string{
	wellKnown: "***", wellKnown + 1: "application/json", wellKnown + 2: "application/cloudevents+json", wellKnown + 3: "1.0",
}

// ErrMalformed says that something is no packed header.
var ErrMalformed = errors.New("malformed header of a request")

// Append packs a line.
func Append(dst []byte, line hook.Header, about About) []byte {
	name := numbers[line.Name]
	dst = append(dst, name)
	if name == 0 {
		dst = appendText(dst, line.Name)
	}
	switch name {
	case webhookTimestamp:
		var digits [20]byte
		if string(strconv.AppendInt(digits[:0], about.At.Unix(), 10)) == line.Value {
			return append(dst, seconds)
		}
	case traceparent:
		if packed, ok := appendParent(dst, line.Value, about.TraceID); ok {
			return packed
		}
	case webhookID, ceID:
		if line.Value == about.Delivery {
			return append(dst, delivery)
		}
	case webhookSignature, userAgent: // never well known
	default:
		if value := slices.Index(values[wellKnown:], line.Value); value >= 0 {
			return append(dst, byte(wellKnown+value))
		}
	}
	return appendText(append(dst, spelled), line.Value)
}

// AppendLength packs the line Content-Length.
func AppendLength(dst []byte, length int) []byte {
	dst = append(dst, contentLength, spelled, 0)
	at := len(dst)
	dst = strconv.AppendInt(dst, int64(length), 10)
	dst[at-1] = byte(len(dst) - at)
	return dst
}

// Header unpacks all lines. The error is ErrMalformed; the lines before it are given.
func Header(packed []byte, about About) (header []hook.Header, err error) {
	r := reader{rest: packed}
	for len(r.rest) > 0 {
		line := hook.Header{Name: r.name()}
		line.Value = r.value(about)
		if r.failed {
			return header, ErrMalformed
		}
		header = append(header, line)
	}
	return header, nil
}

// The fields of a traceparent of version 00: 00-<trace>-<span>-<flags>.
const (
	traceAt, traceEnd = 3, 35
	spanAt, spanEnd   = 36, 52
	flagsAt, length   = 53, 55
)

func appendParent(dst []byte, value, traceID string) ([]byte, bool) {
	if len(value) != length || value[:traceAt] != "00-" || value[traceAt:traceEnd] != traceID || value[traceEnd] != '-' || value[spanEnd] != '-' {
		return dst, false
	}
	packed := append(dst, parent)
	for _, digits := range [...]string{value[spanAt:spanEnd], value[flagsAt:]} {
		for at := 0; at < len(digits); at += 2 {
			high, low := digit(digits[at]), digit(digits[at+1])
			if high < 0 || low < 0 {
				return dst, false // not of lower case
			}
			packed = append(packed, byte(high<<4|low))
		}
	}
	return packed, true
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	default:
		return -1
	}
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// reader takes a packed header apart.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) number() int {
	if b := r.take(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (r *reader) text() string {
	n, size := binary.Uvarint(r.rest)
	r.take(uint64(max(size, 0)))
	r.failed = r.failed || size <= 0
	return string(r.take(n))
}

func (r *reader) name() string {
	n := r.number()
	switch {
	case n == 0:
		return r.text()
	case n < len(names):
		return names[n]
	default:
		r.failed = true
		return ""
	}
}

func (r *reader) value(about About) string {
	switch n := r.number(); {
	case n == spelled:
		return r.text()
	case n == delivery:
		return about.Delivery
	case n == seconds:
		return strconv.FormatInt(about.At.Unix(), 10)
	case n == parent:
		span, flags := r.take((spanEnd-spanAt)/2), r.take((length-flagsAt)/2)
		return "00-" + about.TraceID + "-" + hex.EncodeToString(span) + "-" + hex.EncodeToString(flags)
	case n < len(values):
		return values[n]
	default:
		r.failed = true
		return ""
	}
}
