package filter

import (
	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache keeps the filters of the expressions that were used last, so that each
// is compiled once, however many webhooks have it, and a million of them need no
// room. Any number of goroutines may use it.
type Cache struct {
	entries *lru.Cache[string, compiled]
}

type compiled struct {
	filter *Filter
	err    error
}

// NewCache makes one for so many expressions, at least 1. An expression takes
// about 3 kB.
func NewCache(size int) *Cache {
	entries, err := lru.New[string, compiled](size)
	if err != nil {
		panic(err) // the size is no number of expressions
	}
	return &Cache{entries: entries}
}

// Get is Compile, remembered; what does not compile is too. Two that ask for the
// same at the same moment may both compile it.
func (c *Cache) Get(expression string) (*Filter, error) {
	known, ok := c.entries.Get(expression)
	if !ok {
		known.filter, known.err = Compile(expression)
		c.entries.Add(expression, known)
	}
	return known.filter, known.err
}
