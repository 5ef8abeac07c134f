package sender

import (
	"net/http"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// maxRetryAfter caps what a receiver may ask for (CONTRACT.md: 1 h).
const maxRetryAfter = time.Hour

// retryAfter reads the header in both of its forms, seconds and date; 0 if it
// is absent, unreadable or in the past. A date is meant by the receiver's clock,
// which its Date tells.
func retryAfter(h []hook.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(valueOf(h, "Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, ok := wholeSeconds(text); ok {
		return seconds
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if theirs, err := http.ParseTime(valueOf(h, "Date")); err == nil {
		now = theirs
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// valueOf is the first value of a header, named in canonical form.
func valueOf(h []hook.Header, name string) string {
	for i := range h {
		if h[i].Name == name {
			return h[i].Value
		}
	}
	return ""
}

// wholeSeconds reads a number of any length, capped.
func wholeSeconds(text string) (time.Duration, bool) {
	wait := time.Duration(0)
	for _, digit := range []byte(text) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		wait = min(10*wait+time.Duration(digit-'0')*time.Second, maxRetryAfter)
	}
	return wait, true
}
