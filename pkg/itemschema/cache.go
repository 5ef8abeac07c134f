package itemschema

import (
	"unique"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache keeps the schemas that were used last, so that each is compiled once,
// however often its account changes. Any number of goroutines may use it.
type Cache struct {
	entries *lru.Cache[unique.Handle[string], compiled]
}

type compiled struct {
	schema *Schema
	err    error
}

// NewCache makes one for so many schemas, at least 1.
func NewCache(size int) *Cache {
	entries, err := lru.New[unique.Handle[string], compiled](size)
	if err != nil {
		panic(err) // the size is no number of schemas
	}
	return &Cache{entries: entries}
}

// Get is Compile of a text, remembered; what does not compile is too.
func (c *Cache) Get(text unique.Handle[string]) (*Schema, error) {
	known, ok := c.entries.Get(text)
	if !ok {
		known.schema, known.err = Compile([]byte(text.Value()))
		c.entries.Add(text, known)
	}
	return known.schema, known.err
}
