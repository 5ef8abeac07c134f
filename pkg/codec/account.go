package codec

import (
	"bytes"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// AccountOf tells whose a record is that Decode may refuse: the account that its value
// (or, of an outbox, its columns) names, as far as the value can be read, else the one that begins its key, which is
// "account/itemType". Empty: neither tells.
func AccountOf(in Input) string {
	if len(in.Value) <= MaxBytes {
		var e hook.Event
		_ = decodeForm(in, &e) // what it read before it failed counts
		if ValidAccount(e.Account) {
			return strings.Clone(e.Account)
		}
	}
	account, _, found := bytes.Cut(in.Key, []byte("/"))
	if !found || !ValidAccount(string(account)) {
		return ""
	}
	return string(account)
}
