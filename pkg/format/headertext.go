package format

import "fmt"

// headerText is a text as a header's value can carry it: what is no visible ASCII
// character, the quotation mark and the percent sign stand as %XX, byte by byte
// ("HTTP Protocol Binding" of CloudEvents 1.0, 3.1.3.2).
func headerText(text string) string {
	for n := range len(text) {
		if special(text[n]) {
			return encodedText(text)
		}
	}
	return text
}

func encodedText(text string) string {
	encoded := make([]byte, 0, len(text)+16)
	for n := range len(text) {
		if special(text[n]) {
			encoded = fmt.Appendf(encoded, "%%%02X", text[n])
		} else {
			encoded = append(encoded, text[n])
		}
	}
	return string(encoded)
}

func special(c byte) bool { return c <= ' ' || c > '~' || c == '"' || c == '%' }
