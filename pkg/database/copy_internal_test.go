package database

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Whatever pieces it is read in; the form is in PostgreSQL's documentation of
// COPY.
func TestRowsInBinaryForm(t *testing.T) {
	t.Parallel()
	rows := [][]any{{int64(-2), "é", []byte{0}, nil}, {int64(1), "", []byte{}, nil}}
	want := "PGCOPY\n\xff\r\n\x00" + strings.Repeat("\x00", 8) +
		"\x00\x04" + "\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xfe" + "\x00\x00\x00\x02é" + "\x00\x00\x00\x01\x00" + "\xff\xff\xff\xff" +
		"\x00\x04" + "\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\xff\xff\xff\xff" +
		"\xff\xff"
	for _, reader := range []io.Reader{&copyReader{rows: rows}, iotest.OneByteReader(&copyReader{rows: rows})} {
		got, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	_, err := io.ReadAll(&copyReader{rows: [][]any{{int64(1), 7}}})
	require.ErrorContains(t, err, "value 1 of a row is a int")
}
