// Package pattern compiles regular expressions that others bring, of which it can
// be said beforehand what they cost.
package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// MaxBytes bounds the text of a pattern: reading one of classes alone, such as
// [\pL\pN], takes 12 µs a byte.
const MaxBytes = 4096

// Pattern is a regular expression (https://github.com/google/re2/wiki/Syntax).
// Matching a text takes time in proportion to its bytes and to Size: 20 to 50 ns
// for each byte and instruction at worst.
type Pattern struct {
	*regexp.Regexp
	// Size is the number of instructions in its program.
	Size int
}

// Compile reads a pattern of at most so many instructions. It takes little time and
// memory for one that has more, too: (?:a{0,30}){0,30} has 1,831.
func Compile(text string, most int) (*Pattern, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("has %d bytes, and may have %d", len(text), MaxBytes)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if least(parsed, most) > most {
		return nil, tooLarge(most)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > most {
		return nil, tooLarge(most)
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &Pattern{compiled, len(program.Inst)}, nil
}

func tooLarge(most int) error {
	return fmt.Errorf("is too large: it may have %d instructions, about one for each character or class, times its repetitions", most)
}

// least is how many instructions a program has at least, or some number above most.
// Nothing is expanded for it.
func least(re *syntax.Regexp, most int) int {
	own := 0
	switch re.Op {
	case syntax.OpLiteral:
		own = len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		own = 1
	default:
	}
	for _, sub := range re.Sub {
		if own += least(sub, most); own > most {
			return own
		}
	}
	if re.Op == syntax.OpRepeat { // at most 1,000 times, says the parser
		own *= max(re.Min, re.Max)
	}
	return own
}
