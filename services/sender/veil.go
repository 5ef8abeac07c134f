package sender

import (
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// veil hides in one answer the webhook's secrets, and what was sent to prove that
// the request came from here: the signatures, and the values of headers whose
// names tell that they are secret.
type veil struct {
	*mask
	proofs []string
	// pieces are the runs of the proofs: an echo of one holds one of them.
	pieces []string
	// shapeless says that there is a proof without a piece.
	shapeless bool
	// wider is the mask of all, made for the first text that needs it: most
	// answers say "ok".
	wider *mask
}

// cover makes the veil hide what the mask hides and what was sent.
func (v *veil) cover(m *mask, sent []hook.Header) {
	*v = veil{mask: m, proofs: v.proofs[:0], pieces: v.pieces[:0]}
	for i := range sent {
		h := &sent[i]
		if h.Name != signature.HeaderDigest && !secretHeader(h.Name) {
			continue
		}
		before := len(v.pieces)
		v.proofs = append(v.proofs, h.Value)
		v.pieces = slices.AppendSeq(v.pieces, runs(h.Value))
		v.shapeless = v.shapeless || len(v.pieces) == before
	}
}

// text hides the secrets in a text. cut says that it may end amid one.
func (v *veil) text(text string, cut bool) string {
	if len(text) < minPrefix || !cut && !v.suspect(text) {
		return text
	}
	return v.all().text(text, cut)
}

// name hides the name of a header that quotes a secret: its canonical form has
// changed the case of the letters.
func (v *veil) name(name string) string {
	quoted := func(part string) bool { return containsFold(name, part) }
	if slices.ContainsFunc(v.patterns, quoted) || slices.ContainsFunc(v.pieces, quoted) {
		return masked
	}
	return name
}

// suspect reports whether a text may quote a secret: a piece of it, then, or
// something that has no pieces.
func (v *veil) suspect(text string) bool {
	quoted := func(part string) bool { return strings.Contains(text, part) }
	return v.shapeless || slices.ContainsFunc(v.patterns, quoted) || slices.ContainsFunc(v.pieces, quoted)
}

func (v *veil) all() *mask {
	if v.wider != nil {
		return v.wider
	}
	v.wider = &mask{patterns: slices.Clone(v.patterns)}
	for _, value := range v.proofs {
		v.wider.add(value)
		// "v1,<code>", "sha512=<code>", "Basic <code>": the code alone, too.
		for word := range strings.FieldsSeq(value) {
			v.wider.add(word)
			for _, separator := range []string{",", "="} {
				if _, code, ok := strings.Cut(word, separator); ok {
					v.wider.add(code)
					v.wider.add(strings.ToUpper(code)) // hexadecimal
				}
			}
		}
	}
	v.wider.tidy()
	return v.wider
}

func containsFold(text, part string) bool {
	for at := 0; at+len(part) <= len(text); at++ {
		if strings.EqualFold(text[at:at+len(part)], part) {
			return true
		}
	}
	return false
}
