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
	// wider is the mask of all, made for the first text that needs it: most
	// answers say "ok".
	wider *mask
}

// maxProofs is the room for what a request proves itself by without allocating.
const maxProofs = 4

// over hides what the mask hides and what was sent.
func (m *mask) over(sent []hook.Header, room *[maxProofs]string) veil {
	v := veil{mask: m, proofs: room[:0]}
	for i := range sent {
		if h := &sent[i]; h.Name == signature.HeaderDigest || secretHeader(h.Name) {
			v.proofs = append(v.proofs, h.Value)
		}
	}
	return v
}

// text hides the secrets in a text. cut says that it may end amid one.
func (v *veil) text(text string, cut bool) string {
	if len(text) < minPrefix || !cut && !v.suspect(text) {
		return text
	}
	return v.all().text(text, cut)
}

// name hides the name of a header that quotes a secret: http.Header has changed
// the case of its letters.
func (v *veil) name(name string) string {
	for _, p := range v.patterns {
		if containsFold(name, p) {
			return masked
		}
	}
	for _, value := range v.proofs {
		for run := range runs(value) {
			if containsFold(name, run) {
				return masked
			}
		}
	}
	return name
}

// suspect reports whether a text may quote a secret: a piece of it, then, or
// something that has no pieces.
func (v *veil) suspect(text string) bool {
	for _, p := range v.patterns {
		if strings.Contains(text, p) {
			return true
		}
	}
	for _, value := range v.proofs {
		pieces := false
		for run := range runs(value) {
			if pieces = true; strings.Contains(text, run) {
				return true
			}
		}
		if !pieces {
			return true
		}
	}
	return false
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
