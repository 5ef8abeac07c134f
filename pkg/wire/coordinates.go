package wire

import "github.com/staffetta/staffetta/pkg/hook"

// The fields of staffetta.delivery.v1.Coordinates, which several messages have.
const (
	coordinatesTopic     = 1<<3 | Length
	coordinatesPartition = 2<<3 | Varint
	coordinatesOffset    = 3<<3 | Varint
)

// ReadCoordinates merges a message into coordinates, as proto.Unmarshal does with
// a field that occurs twice.
func ReadCoordinates(c *hook.Coordinates, message []byte) error {
	r := NewReader(message)
	for r.Next() {
		switch r.Tag {
		case coordinatesTopic:
			c.Topic = r.Text()
		case coordinatesPartition:
			c.Partition = int(int32(r.Value))
		case coordinatesOffset:
			c.Offset = int64(r.Value)
		}
	}
	return r.Err
}

// AppendCoordinates appends a field, be the coordinates empty or not.
func AppendCoordinates(dst []byte, tag uint64, c *hook.Coordinates) []byte {
	dst, at := Nest(dst, tag)
	dst = AppendText(dst, coordinatesTopic, c.Topic)
	dst = AppendNumber(dst, coordinatesPartition, uint64(int32(c.Partition)))
	return EndNest(AppendNumber(dst, coordinatesOffset, uint64(c.Offset)), at)
}

// SizeCoordinates is what AppendCoordinates appends.
func SizeCoordinates(tag uint64, c *hook.Coordinates) int {
	return SizeNested(tag, SizeText(coordinatesTopic, c.Topic)+
		SizeNumber(coordinatesPartition, uint64(int32(c.Partition)))+
		SizeNumber(coordinatesOffset, uint64(c.Offset)))
}
