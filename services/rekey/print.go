package rekey

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Print writes a report for people; keys are the ids of those that there are, the first
// one first. The error is what an operator has to see to before a key can go.
func (r Report) Print(to io.Writer, keys []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "sealed anew with key %s: %d secrets of %d webhooks of %d accounts\n", keys[0], r.Secrets, r.Webhooks, r.Accounts)
	for _, id := range slices.Sorted(maps.Keys(r.InUse)) {
		switch {
		case id == "":
			fmt.Fprintf(&b, "never sealed: %d secrets\n", r.InUse[id])
		case slices.Contains(keys, id):
			fmt.Fprintf(&b, "in use: key %s, %d secrets\n", id, r.InUse[id])
		default:

			fmt.Fprintf(&b, "in use: key %s, which is not in STAFFETTA_ENCRYPTION_KEY, %d secrets\n", id, r.InUse[id])
		}
	}
	for _, id := range keys[1:] {
		if r.InUse[id] == 0 && !r.Unpublished {
			fmt.Fprintf(&b, "not in use: key %s can go, once every api and sender has %s as its first\n", id, keys[0])
		}
	}
	if r.Unpublished && r.Why == nil {
		b.WriteString("not published to the cache yet: an api does that; leave the other keys until this command says that they can go\n")
	}
	if _, err := io.WriteString(to, b.String()); err != nil {
		return err
	}
	switch {
	case len(r.Closed) > 0:
		return fmt.Errorf("there are secrets that cannot be opened, of %s: add the key that they are sealed with, or give them anew", strings.Join(r.Closed, ", "))
	case r.Unpublished && r.Why != nil:
		return fmt.Errorf("sealed, but not published; an api will do that: %w", r.Why)
	default:
		return nil
	}
}
