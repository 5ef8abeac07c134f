package journal

import (
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
)

// MarkerError says that a record is a marker, and no attempt.
type MarkerError struct{ Marker hook.Marker }

func (e *MarkerError) Error() string {
	return "the record is a marker of webhook " + e.Marker.Webhook + ", no attempt"
}

// EncodeMarker gives the value of a record that is a marker.
func EncodeMarker(m hook.Marker) []byte {
	m.Account, m.Webhook = clean(m.Account), clean(m.Webhook)
	dst := make([]byte, 0, len(m.Account)+len(m.Webhook)+20)
	dst = wire.AppendText(dst, tagAccount, m.Account)
	dst = wire.AppendText(dst, tagWebhook, m.Webhook)
	return wire.AppendNumber(dst, tagMarker, uint64(m.Version))
}

// readMarker reads a marker; ok is false if the message is none.
func readMarker(message []byte) (m hook.Marker, ok bool) {
	r := wire.NewReader(message)
	for r.Next() {
		switch r.Tag {
		case tagAccount:
			m.Account = r.Text()
		case tagWebhook:
			m.Webhook = r.Text()
		case tagMarker:
			m.Version = int64(r.Value)
		}
	}
	return m, r.Err == nil && m.Webhook != "" && m.Version > 0
}
