package database

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"

	"modernc.org/sqlite"
)

// Key is a number for a text, for indexes: the first 8 bytes of its SHA-256. An
// index of such keys takes a third of the room of one of ids, and SQLite
// compares numbers several times as fast. Two texts may share a key, rarely and
// not at anybody's will: compare the text itself too.
//
// SQL computes the same: key64(text) on SQLite, and on PostgreSQL
//
//	('x' || left(encode(sha256(convert_to(text, 'UTF8')), 'hex'), 16))::bit(64)::bigint
func Key(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// errKey64 is what registering key64 gave: Open returns it. The registration is
// the driver's, for all connections of the process.
var errKey64 = sqlite.RegisterDeterministicScalarFunction("key64", 1, key64)

func key64(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("key64 of %T: must be text", args[0])
	}
	return Key(text), nil
}
