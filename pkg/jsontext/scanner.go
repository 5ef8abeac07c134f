// Package jsontext reads and writes JSON text without reflection and without
// making values of what is only passed on: events are read and bodies written
// thousands of times a second, and each item's data must come out byte for
// byte as it came in.
package jsontext

import (
	"fmt"
	"unicode/utf8"
)

// MaxDepth bounds how deep objects and arrays may nest. PHP's json_decode
// refuses more than 512, and an item's data lies 4 deep in a body.
const MaxDepth = 500

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	// Offset of the byte, from 0.
	Offset int
	// Want is what there should be, such as "a comma or }".
	Want string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("at byte %d there must be %s", e.Offset, e.Want)
}

// Kind is what a value is.
type Kind byte

// The kinds of a value.
const (
	Bad Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Scanner reads a text value by value. It checks the whole grammar of RFC 8259,
// of what it skips too. It takes the same name twice in one object: whoever
// reads the object decides. Strings that it returns share the text's memory
// unless they have escapes.
//
// After the first error, every further call fails or makes no sense.
type Scanner struct {
	text  string
	pos   int
	depth int
}

// NewScanner begins to read a text. Its error says that it is not UTF-8.
func NewScanner(text string) (Scanner, error) {
	if !utf8.ValidString(text) {
		return Scanner{}, &SyntaxError{Offset: invalidAt(text), Want: "UTF-8"}
	}
	return Scanner{text: text}, nil
}

func invalidAt(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// Value returns the bounds of the one value that text is, without the white
// space around it, or the error that says why it is none.
func Value(text string) (start, end int, err error) {
	s, err := NewScanner(text)
	if err != nil {
		return 0, 0, err
	}
	if start, end, err = s.Raw(); err != nil {
		return 0, 0, err
	}
	return start, end, s.End()
}

// Kind tells what the next value is, without reading it. Bad if it is none.
func (s *Scanner) Kind() Kind {
	s.space()
	if s.pos == len(s.text) {
		return Bad
	}
	switch c := s.text[s.pos]; c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	default:
		if c == '-' || isDigit(c) {
			return Number
		}
		return Bad
	}
}

// Open goes into the next value, which must be an Object or an Array: follow
// with Member or Element until it says that there is no more.
func (s *Scanner) Open() error {
	if k := s.Kind(); k != Object && k != Array {
		return s.want("an object or an array")
	}
	s.depth++
	if s.depth > MaxDepth {
		return s.want(fmt.Sprintf("no deeper nesting than %d", MaxDepth))
	}
	s.pos++
	return nil
}

// Member goes to the next member of the object and returns its name; its value
// must be read next. more is false at the end of the object, which is left.
func (s *Scanner) Member(first bool) (name string, more bool, err error) {
	if more, err = s.next(first, '}', "a comma or }"); !more || err != nil {
		return "", false, err
	}
	if name, err = s.String(); err != nil {
		return "", false, err
	}
	if s.space(); s.at() != ':' {
		return "", false, s.want("a colon")
	}
	s.pos++
	return name, true, nil
}

// Element goes to the next element of the array, which must be read next. It
// is false at the end of the array, which is left.
func (s *Scanner) Element(first bool) (more bool, err error) {
	return s.next(first, ']', "a comma or ]")
}

func (s *Scanner) next(first bool, end byte, want string) (bool, error) {
	s.space()
	switch {
	case s.at() == end:
		s.pos++
		s.depth--
		return false, nil
	case first:
		return true, nil
	case s.at() != ',':
		return false, s.want(want)
	}
	s.pos++
	return true, nil
}

// Raw reads over the next value, whatever it is, and returns its bounds.
func (s *Scanner) Raw() (start, end int, err error) {
	s.space()
	start = s.pos
	err = s.skip()
	return start, s.pos, err
}

// Text is the text between bounds that Raw returned.
func (s *Scanner) Text(start, end int) string { return s.text[start:end] }

// End checks that nothing but white space is left.
func (s *Scanner) End() error {
	if s.space(); s.pos != len(s.text) {
		return s.want("nothing more")
	}
	return nil
}

// at is the byte at hand, 0 at the end: no token begins with it.
func (s *Scanner) at() byte {
	if s.pos == len(s.text) {
		return 0
	}
	return s.text[s.pos]
}

// space reads over white space; mostly there is none.
func (s *Scanner) space() {
	if s.pos < len(s.text) && s.text[s.pos] <= ' ' {
		s.skipSpace()
	}
}

func (s *Scanner) skipSpace() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *Scanner) want(what string) error { return &SyntaxError{Offset: s.pos, Want: what} }
