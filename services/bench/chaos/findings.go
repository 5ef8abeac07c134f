package chaos

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// findings are written for whoever looks for a cause: each blow, and each
// delivery with which something was, its times in seconds since the start.
type findings struct {
	to    io.Writer
	begun time.Time
	err   error // the first
}

func (f *findings) line(format string, values ...any) {
	if _, err := fmt.Fprintf(f.to, format+"\n", values...); err != nil && f.err == nil {
		f.err = fmt.Errorf("findings: %w", err)
	}
}

func (f *findings) blow(b blow) {
	f.line("%s %s from %s to %s, started again by %s, healthy by %s (%s)", b.how, b.name,
		f.at(b.from), f.at(b.to), f.at(b.back), f.at(b.healthy), b.from.UTC().Format(time.RFC3339Nano))
}

func (f *findings) delivery(what, id string, d *delivery) {
	requests := make([]string, len(d.requests))
	for i, r := range d.requests {
		requests[i] = fmt.Sprintf("%s to %s: %d", f.at(r.arrived), f.at(r.ended), r.status)
	}
	f.line("%s: %s of %s, published at %s; %s", what, id, d.webhook, f.at(d.published), strings.Join(requests, ", "))
}

// at is a moment in seconds since the start; "never" if it did not come.
func (f *findings) at(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return fmt.Sprintf("%.4f", t.Sub(f.begun).Seconds())
}
