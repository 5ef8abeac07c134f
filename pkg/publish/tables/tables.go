// Package tables gives the tables in embedded migrations the prefix of the
// service that owns them, so that several services share one database without
// sharing a table.
package tables

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// Placeholder stands for the prefix in a migration's text.
const Placeholder = "{{prefix}}"

// ErrPrefix says that a prefix cannot begin a table's name.
var ErrPrefix = errors.New("table prefix must be 1 to 30 of a-z, 0-9 and _, a letter first")

// 30 characters leave 33 of PostgreSQL's 63 for the rest of a name.
var pattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// CheckPrefix returns ErrPrefix, with the value, for one that cannot be used.
func CheckPrefix(prefix string) error {
	if !pattern.MatchString(prefix) {
		return fmt.Errorf("%w, not %q", ErrPrefix, prefix)
	}
	return nil
}

// Prefixed is the file system with Placeholder replaced by the prefix in every
// file. Writing is no part of it. The prefix is as CheckPrefix wants it.
func Prefixed(fsys fs.FS, prefix string) fs.FS {
	return prefixed{fsys: fsys, prefix: prefix}
}

type prefixed struct {
	fsys   fs.FS
	prefix string
}

// Open opens a file whose content has the prefix, or a folder.
func (p prefixed) Open(name string) (fs.File, error) {
	f, err := p.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if info.IsDir() {
		return f, nil
	}
	text, err := fs.ReadFile(p.fsys, name)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	text = []byte(strings.ReplaceAll(string(text), Placeholder, p.prefix))
	return &file{Reader: bytes.NewReader(text), info: size{info, int64(len(text))}}, nil
}

// file is one opened file, its content replaced.
type file struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// size is a FileInfo that tells the size after the replacement.
type size struct {
	fs.FileInfo
	bytes int64
}

func (s size) Size() int64 { return s.bytes }
