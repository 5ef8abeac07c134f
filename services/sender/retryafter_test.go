package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestRetryAfterIsReadInBothFormsAndCapped(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"120":                            2 * time.Minute,
		" 7 ":                            7 * time.Second,
		"86400":                          maxRetryAfter,
		"99999999999999999999999":        maxRetryAfter,
		"-5":                             0,
		"1.5":                            0,
		"soon":                           0,
		"Mon, 23 Nov 2026 10:00:30 GMT":  30 * time.Second,
		"Monday, 23-Nov-26 10:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 09:00:00 GMT":  0,
		"Tue, 24 Nov 2026 10:00:00 GMT":  maxRetryAfter,
	} {
		require.Equal(t, want, retryAfter([]hook.Header{{Name: "Retry-After", Value: text}}, now), "Retry-After: %q", text)
	}
}

func TestARetryAfterIsMeantByTheReceiversClock(t *testing.T) {
	t.Parallel()
	h := []hook.Header{
		{Name: "Date", Value: "Mon, 23 Nov 2026 10:10:00 GMT"}, {Name: "Retry-After", Value: "Mon, 23 Nov 2026 10:10:30 GMT"},
	}
	for _, ours := range []int{9, 10, 11} {
		require.Equal(t, 30*time.Second, retryAfter(h, time.Date(2026, 11, 23, ours, 0, 0, 0, time.UTC)))
	}
}
