package filter

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common"
)

// Fault is what is wrong with an expression.
type Fault struct {
	// Line and Column are where, both from 1, in characters; 0: nowhere in
	// particular.
	Line, Column int
	// Message is what, in words.
	Message string
}

func (f *Fault) Error() string {
	if f.Line == 0 {
		return f.Message
	}
	return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message)
}

// shownText is how much of the expression is shown behind a fault, in characters.
const shownText = 24

// faultOf is the first of the faults that cel found, with the text it points at.
func faultOf(expression string, found []*common.Error) *Fault {
	if len(found) == 0 {
		return &Fault{Message: "cannot be read"}
	}
	first := found[0]
	message, _, _ := strings.Cut(first.Message, " expecting ") // a page of what else might stand there
	f := &Fault{Line: first.Location.Line(), Column: first.Location.Column() + 1, Message: shorten(message)}
	if f.Line < 1 {
		return &Fault{Message: f.Message}
	}
	lines := strings.Split(expression, "\n")
	if f.Line > len(lines) {
		return f
	}
	rest := []rune(lines[f.Line-1])
	if at := f.Column - 1; at >= 0 && at < len(rest) {
		rest = rest[at:]
		if len(rest) > shownText {
			rest = append(rest[:shownText:shownText], '…')
		}
		f.Message += " at " + string(rest)
	}
	return f
}
