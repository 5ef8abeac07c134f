package sender

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/signature"
)

const (
	// masked stands where a secret stood.
	masked = "***"
	// minRun is the length from which a piece of a secret is one itself: an echo
	// may write what is between two pieces ("/", "+", "=") in many ways, as \/,
	// %2F or &#43;. Eight characters of base64 are 48 bits.
	minRun = 8
	// minPrefix is the length from which the beginning of a secret is masked at a
	// place where the text was cut.
	minPrefix = 4
)

// mask knows a webhook's secrets and hides them in what its receiver says.
type mask struct{ patterns []string }

// newMask takes the secrets in their text form, and the query of the URL, where
// receivers keep secrets too; others are whatever else is secret.
func newMask(secrets []string, query string, others ...string) *mask {
	m := &mask{}
	for _, other := range others {
		m.add(other)
	}
	for _, secret := range secrets {
		m.add(secret)
		if key, err := signature.ParseSecret(secret); err == nil {
			m.addKey(key)
		}
		if key, err := signature.ParsePrivateKey(secret); err == nil {
			m.addKey(key)
			m.addKey(key.Seed())
		}
	}
	values, _ := url.ParseQuery(query) // what can be read of it
	for _, all := range values {
		for _, value := range all {
			if len(value) >= minRun {
				m.patterns = append(m.patterns, forms(value)...)
			}
		}
	}
	if len(query) >= minRun {
		m.patterns = append(m.patterns, forms(query)...)
	}
	m.tidy()
	return m
}

// addKey notes what a secret's text encodes.
func (m *mask) addKey(key []byte) {
	m.add(base64.RawStdEncoding.EncodeToString(key))
	m.add(base64.RawURLEncoding.EncodeToString(key))
	m.patterns = append(m.patterns, hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)))
}

// add notes a secret, in the forms that an echo may have, and its pieces.
func (m *mask) add(secret string) {
	m.patterns = append(m.patterns, forms(secret)...)
	m.patterns = slices.AppendSeq(m.patterns, runs(secret))
}

// tidy leaves each pattern once, and out what would hide everything.
func (m *mask) tidy() {
	m.patterns = slices.DeleteFunc(m.patterns, func(p string) bool { return len(p) < minPrefix })
	slices.Sort(m.patterns)
	m.patterns = slices.Compact(m.patterns)
}

// text hides the secrets in a text. cut says that it may end amid one.
func (m *mask) text(text string, cut bool) string {
	// What is hidden is found in the text as it is: secrets may overlap.
	hidden := make([]bool, len(text))
	for _, p := range m.patterns {
		for at := strings.Index(text, p); at >= 0; {
			for n := range len(p) {
				hidden[at+n] = true
			}
			next := strings.Index(text[at+1:], p)
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	if cut {
		for n := range m.begun(text) {
			hidden[len(text)-1-n] = true
		}
	}
	return blank(text, hidden)
}

// begun is how much at the end of a text is the beginning of a secret.
func (m *mask) begun(text string) (most int) {
	for _, p := range m.patterns {
		for n := min(len(p)-1, len(text)); n >= minPrefix && n > most; n-- {
			if strings.HasSuffix(text, p[:n]) {
				most = n
			}
		}
	}
	return most
}

// blank puts asterisks for each stretch of what is hidden.
func blank(text string, hidden []bool) string {
	if !slices.Contains(hidden, true) {
		return text
	}
	shown := make([]byte, 0, len(text)+len(masked))
	for n := range len(text) {
		switch {
		case !hidden[n]:
			shown = append(shown, text[n])
		case n == 0 || !hidden[n-1]:
			shown = append(shown, masked...)
		}
	}
	return string(shown)
}

// forms are a secret as JSON, a URL and HTML write it.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string always can be
	inJSON := strings.Trim(string(quoted), `"`)
	return []string{
		secret, inJSON, strings.ReplaceAll(inJSON, "/", `\/`),
		url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
	}
}

// runs are the letters and digits of a secret that stand together, of those that
// are long enough.
func runs(secret string) iter.Seq[string] {
	return func(yield func(string) bool) {
		begin := 0
		for at := 0; at <= len(secret); at++ {
			if at < len(secret) && alphanumeric(secret[at]) {
				continue
			}
			if at-begin >= minRun && !yield(secret[begin:at]) {
				return
			}
			begin = at + 1
		}
	}
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
