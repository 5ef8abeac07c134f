package apiauth

import (
	"sync"
	"time"
)

const (
	// cacheAge bounds how long a revoked key still works.
	cacheAge = time.Second
	// cacheSize bounds the entries. At about 300 bytes each this is 1.2 MB.
	cacheSize = 4096
)

// cache remembers what was found for cacheAge. What was not found is not
// remembered, so that a new key works at once.
type cache[K comparable, V any] struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	value V
	until time.Time
}

func newCache[K comparable, V any](now func() time.Time) *cache[K, V] {
	return &cache[K, V]{now: now, entries: make(map[K]entry[V])}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok || !c.now().Before(e.until) {
		var none V
		return none, false
	}
	return e.value, true
}

func (c *cache[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= cacheSize {
		// Everything is at most a second old: to begin anew costs one look-up
		// a key, and keeping an order of use would cost more.
		clear(c.entries)
	}
	c.entries[key] = entry[V]{value: value, until: c.now().Add(cacheAge)}
}
