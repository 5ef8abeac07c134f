package sender

import (
	"container/list"
	"sync"
)

// handed has the records that were handed out and are not done, each with where
// the owner's writes ended before its first task was: until the record is done,
// whoever takes over has to know everything since, also about those of its tasks
// that are done or were not begun.
type handed struct {
	mu    sync.Mutex
	order list.List // of positions
}

// open notes a record; what it returns calls finished, once the record is done.
func (h *handed) open(since positions, finished func()) func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.order.PushBack(since)
	return func() {
		finished()
		// After the tracker knows: a commit in between says too much, not too little.
		h.mu.Lock()
		defer h.mu.Unlock()
		h.order.Remove(e)
	}
}

// since is that of the record that was handed out first; false if none is open.
func (h *handed) since() (positions, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	front := h.order.Front()
	if front == nil {
		return nil, false
	}
	at, _ := front.Value.(positions) // nothing else is in the list
	return at, true
}
