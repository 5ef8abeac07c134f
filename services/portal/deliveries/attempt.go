package deliveries

import (
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// attempt is one of a delivery as its page shows it.
type attempt struct {
	client.Attempt
	// Took is its duration.
	Took string
	// Steps are what it was spent on, one after the other.
	Steps []step
	// Body is the start of the answer's, laid out if it is JSON.
	Body string
	Open bool
}

// step is a bar of a chart that is chartWidth wide.
type step struct {
	// Name is that of its text.
	Name       string
	From, Wide int
	Took       string
}

// chartWidth is that of the charts, in their own unit.
const chartWidth = 1000

func attemptOf(lang hook.Language, a *client.Attempt) attempt {
	shown := attempt{Attempt: *a, Body: laidOut(a.Response)}
	total, err := time.ParseDuration(a.Duration)
	if err != nil || a.Number == 0 {
		return shown // a decision without a request takes no time
	}
	shown.Took = took(lang, total)
	shown.Steps = chart(lang, a.Timing, total)
	return shown
}

// chart is the steps of a request, and what is left when they are over: to read the
// answer, or to wait in vain for one.
func chart(lang hook.Language, t client.Timing, total time.Duration) []step {
	var steps []step
	var at time.Duration
	add := func(name string, d time.Duration) {
		d = min(d, total-at)
		if d <= 0 || total <= 0 {
			return
		}
		from := int(at * chartWidth / total)
		at += d
		steps = append(steps, step{Name: name, From: min(from, chartWidth-4), Wide: max(int(at*chartWidth/total)-from, 4), Took: took(lang, d)})
	}
	for _, part := range []struct {
		name string
		text *string
	}{{"dns", t.DNS}, {"connect", t.Connect}, {"tls", t.TLS}, {"firstByte", t.FirstByte}} {
		if part.text == nil {
			continue
		}
		if d, err := time.ParseDuration(*part.text); err == nil {
			add(part.name, d)
		}
	}
	rest := "body"
	if t.FirstByte == nil {
		rest = "waiting"
	}
	add(rest, total-at)
	return steps
}

// maxLaidOut bounds what the start of an answer may grow to when its lines are indented,
// in bytes: a page has many.
const maxLaidOut = 64 << 10

// laidOut is JSON with its lines, and any other text as it is.
func laidOut(text string) string {
	if pretty, ok := page.Indented([]byte(text), maxLaidOut); ok {
		return pretty
	}
	return text
}
