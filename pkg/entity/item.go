package entity

import (
	"strconv"
	"time"
)

// item is one row: an item at its newest version.
type item struct {
	id        int64
	version   int64
	fields    object
	createdAt time.Time
	updatedAt time.Time
	deleted   bool
}

// document is the item as the API gives it, and as its events carry it: id, ref
// and version, then its own fields in their order, then its times.
func (c *Collection) document(it *item) []byte {
	dst := make([]byte, 0, 256)
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, it.id, 10)
	dst = append(dst, `,"ref":`...)
	dst = appendString(dst, c.ref(it.id))
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendInt(dst, it.version, 10)
	for _, m := range it.fields {
		dst = append(dst, ',')
		dst = appendString(dst, m.name)
		dst = append(dst, ':')
		dst = append(dst, m.value...)
	}
	dst = append(dst, `,"createdAt":`...)
	dst = appendString(dst, it.createdAt.Format(time.RFC3339Nano))
	dst = append(dst, `,"updatedAt":`...)
	dst = appendString(dst, it.updatedAt.Format(time.RFC3339Nano))
	return append(dst, '}')
}

// etag is the item's version as an entity tag.
func (it *item) etag() string { return `"` + strconv.FormatInt(it.version, 10) + `"` }
