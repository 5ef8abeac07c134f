package itemschema

import (
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/staffetta/staffetta/pkg/pattern"
)

// Instructions of regular expressions: of one, and of all that a schema has; equal
// ones count once. 3,000 take about 200 kB.
const (
	maxPattern  = 500
	maxPatterns = 3_000
)

// readingPattern is how many steps it takes to read a byte of a pattern at worst.
const readingPattern = 12

// patterns are those of a schema, by their text.
type patterns map[string]*pattern.Pattern

// compile is a jsonschema.RegexpEngine.
func (known patterns) compile(text string) (jsonschema.Regexp, error) {
	if p, ok := known[text]; ok {
		return p, nil
	}
	p, err := pattern.Compile(text, maxPattern)
	if err != nil {
		return nil, err
	}
	total := p.Size
	for _, other := range known {
		total += other.Size
	}
	if total > maxPatterns {
		return nil, fmt.Errorf("is too much: all patterns of a schema may have %d instructions", maxPatterns)
	}
	known[text] = p
	return p, nil
}

// sizeOfPattern is the number of its instructions; 0 for none.
func sizeOfPattern(re jsonschema.Regexp) int {
	if p, ok := re.(*pattern.Pattern); ok {
		return p.Size
	}
	return 0
}

// regularExpression is the format regex.
func regularExpression(v any) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := pattern.Compile(text, maxPattern)
	return err
}
