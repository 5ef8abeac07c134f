package sender

import (
	"context"
	"sync"
)

// writing counts the records that are written and not acknowledged yet.
type writing struct {
	mu sync.Mutex
	// open counts by age: those from before the last flush, and later ones.
	open [2]int
	age  int
	// quiet is closed when the older ones are acknowledged; nil while nobody waits.
	quiet chan struct{}
}

// begin counts a record; end is to be told what it returns.
func (w *writing) begin() (age int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[w.age]++
	return w.age
}

func (w *writing) end(age int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open[age]--; w.open[age] == 0 && age != w.age && w.quiet != nil {
		close(w.quiet)
		w.quiet = nil
	}
}

// flush waits until what is open now is acknowledged, or ctx ends. One goroutine
// calls it at a time.
func (w *writing) flush(ctx context.Context) {
	w.mu.Lock()
	older := w.age
	w.age = 1 - w.age
	if w.open[older] == 0 {
		w.mu.Unlock()
		return
	}
	quiet := make(chan struct{})
	w.quiet = quiet
	w.mu.Unlock()
	select {
	case <-quiet:
	case <-ctx.Done():
	}
}
