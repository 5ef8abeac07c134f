package format

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// The formats of the two systems whose receivers know one token and one signature
// of the body.

func newToken(hook.Signature) string { return signature.NewToken() }

func checkToken(_ hook.Signature, token string) error { return signature.CheckToken(token) }

// signOnce signs with one token, in the header of that name. While one rotates it
// is the oldest that lasts: such a receiver can be taught to take two tokens but
// not before it knows the new one, so it has until the old one's end to learn it.
func signOnce(header string, secrets []Secret, newKey func(token string) *signature.DigestKey) headers {
	keys := make([]*signature.DigestKey, len(secrets))
	for n := range secrets {
		keys[n] = newKey(secrets[n].Text)
	}
	return func(dst []hook.Header, body []byte, _ string, at time.Time) []hook.Header {
		oldest := len(keys) - 1
		for oldest > 0 && !secrets[oldest].Until.After(at) {
			oldest--
		}
		return append(dst, hook.Header{Name: header, Value: string(keys[oldest].Append(nil, body))})
	}
}
