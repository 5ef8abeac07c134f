package database

import (
	"encoding/binary"
	"fmt"
	"io"
)

// copySignature begins a COPY in binary form; two empty fields, flags and an
// extension, follow.
const copySignature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// copyReader is PostgreSQL's binary form of rows of string, int64, pointers to
// these, []byte and nil for columns of TEXT, BIGINT and BYTEA. pgx has a CopyFrom that takes all
// types, and plans each value anew: it costs the log's writer a fourth of its
// time.
type copyReader struct {
	rows [][]any
	// buffer is what is encoded, of which read was read.
	buffer      []byte
	read        int
	begun, over bool
}

// Read implements io.Reader.
func (r *copyReader) Read(p []byte) (int, error) {
	if r.read == len(r.buffer) {
		if r.over {
			return 0, io.EOF
		}
		if err := r.fill(len(p)); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buffer[r.read:])
	r.read += n
	return n, nil
}

// fill encodes rows until there are so many bytes, or no rows.
func (r *copyReader) fill(size int) error {
	b := r.buffer[:0]
	if !r.begun {
		r.begun = true
		b = append(b, copySignature...)
	}
	for len(b) < size && len(r.rows) > 0 {
		row := r.rows[0]
		r.rows = r.rows[1:]
		b = binary.BigEndian.AppendUint16(b, uint16(len(row)))
		for i, value := range row {
			switch v := value.(type) {
			case nil:
				b = binary.BigEndian.AppendUint32(b, 0xffffffff)
			case string:
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
			case []byte:
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
			case *string:
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(*v))), *v...)
			case int64:
				b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(v))
			case *int64:
				b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(*v))
			default:
				return fmt.Errorf("value %d of a row is a %T", i, v)
			}
		}
	}
	if len(r.rows) == 0 {
		r.over = true
		b = binary.BigEndian.AppendUint16(b, 0xffff)
	}
	r.buffer, r.read = b, 0
	return nil
}
