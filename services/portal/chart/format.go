package chart

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

var months = map[hook.Language][12]string{
	hook.English: {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
	hook.Italian: {"gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"},
}

// Day is a day of UTC, such as "24 Nov".
func Day(lang hook.Language, t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%d %s", t.Day(), months[lang][t.Month()-1])
}

// Hour is an hour of UTC; at midnight the day that begins.
func Hour(lang hook.Language, t time.Time) string {
	if t = t.UTC(); t.Hour() == 0 {
		return Day(lang, t)
	}
	return t.Format("15:04")
}

// Short is a number with few digits, such as "20k".
func Short(lang hook.Language, f float64) string {
	switch {
	case f >= 1e9:
		return digits(lang, f/1e9, 1) + "G"
	case f >= 1e6:
		return digits(lang, f/1e6, 1) + "M"
	case f >= 1e4:
		return digits(lang, f/1e3, 1) + "k"
	default:
		return digits(lang, f, 0)
	}
}

// Duration has about three digits, such as "8.3 ms" or "1.25 s".
func Duration(lang hook.Language, d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms >= 1e4:
		return digits(lang, ms/1000, 1) + " s"
	case ms >= 1000:
		return digits(lang, ms/1000, 2) + " s"
	case ms >= 100:
		return digits(lang, ms, 0) + " ms"
	case ms >= 10:
		return digits(lang, ms, 1) + " ms"
	default:
		return digits(lang, ms, 2) + " ms"
	}
}

// Percent is a share of 1. It is rounded down: 100% is all.
func Percent(lang hook.Language, share float64) string {
	return digits(lang, math.Floor(share*1000)/10, 1) + "%"
}

func decimalComma(text string) string { return strings.Replace(text, ".", ",", 1) }
