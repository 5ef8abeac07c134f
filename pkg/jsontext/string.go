package jsontext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string. Half of a surrogate pair stands for no character, so
// it is an error here, though not in what Raw reads over.
func (s *Scanner) String() (string, error) {
	s.space()
	start := s.pos + 1
	escaped, err := s.skipString()
	if err != nil {
		return "", err
	}
	inner := s.text[start : s.pos-1]
	if !escaped {
		return inner, nil
	}
	return unescape(inner, start)
}

// skipString reads over a string and tells whether it has escapes.
func (s *Scanner) skipString() (escaped bool, err error) {
	if s.at() != '"' {
		return false, s.want("a string")
	}
	text := s.text
	for i := s.pos + 1; i < len(text); i++ {
		c := text[i]
		if !special[c] {
			continue
		}
		s.pos = i
		switch c {
		case '"':
			s.pos++
			return escaped, nil
		case '\\':
			escaped = true
			s.pos++
			if err := s.skipEscape(); err != nil {
				return false, err
			}
			i = s.pos - 1
		default:
			return false, s.want("no control character in a string")
		}
	}
	s.pos = len(text)
	return false, s.want("the end of the string")
}

// special are the bytes of a string that are more than themselves.
var special = func() (set [256]bool) {
	for c := range ' ' {
		set[c] = true
	}
	set['"'], set['\\'] = true, true
	return set
}()

func (s *Scanner) skipEscape() error {
	switch s.at() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		if _, ok := hex4(s.text[s.pos+1:]); !ok {
			return s.want("u and four hexadecimal digits")
		}
		s.pos += 5
		return nil
	default:
		return s.want("an escape")
	}
}

// unescape resolves the escapes of a string that skipString has checked; start
// is its offset, for the error.
func unescape(inner string, start int) (string, error) {
	var b strings.Builder
	b.Grow(len(inner))
	for i := 0; i < len(inner); {
		n := strings.IndexByte(inner[i:], '\\')
		if n < 0 {
			b.WriteString(inner[i:])
			break
		}
		b.WriteString(inner[i : i+n])
		i += n + 1 // at the letter of the escape
		if inner[i] != 'u' {
			b.WriteByte(plainEscape(inner[i]))
			i++
			continue
		}
		r, size := unicodeEscape(inner[i:])
		if size == 0 {
			return "", &SyntaxError{Offset: start + i - 1, Want: "both halves of a surrogate pair"}
		}
		b.WriteRune(r)
		i += size
	}
	return b.String(), nil
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

// unicodeEscape reads uXXXX, or uXXXX\uXXXX for a surrogate pair. Its size is 0
// for half of a pair.
func unicodeEscape(text string) (rune, int) {
	r, _ := hex4(text[1:])
	if !utf16.IsSurrogate(r) {
		return r, 5
	}
	if !strings.HasPrefix(text[5:], `\u`) {
		return 0, 0
	}
	low, _ := hex4(text[7:])
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, 0
	}
	return r, 11
}

func hex4(text string) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		switch c := text[i]; {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
