package bench

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// Variant says how many of the scenario neighbour's receivers are ill, and how:
// as text "hang-1-of-20" or "500-10-of-20".
type Variant struct {
	// As is what the ill ones do.
	As receiver.Behaviour
	// Ill of Of receivers are ill.
	Ill, Of int
}

// errVariant is the rule that a variant breaks.
var errVariant = errors.New("must be hang or a status from 300 to 599, then how many of how many, such as hang-1-of-20 or 500-10-of-20")

// ParseVariant reads a variant. Some are ill, some are not.
func ParseVariant(text string) (v Variant, err error) {
	how, _, ok := strings.Cut(text, "-")
	if !ok {
		return v, errVariant
	}
	if _, err := fmt.Sscanf(text[len(how):], "-%d-of-%d", &v.Ill, &v.Of); err != nil ||
		text != fmt.Sprintf("%s-%d-of-%d", how, v.Ill, v.Of) || v.Ill < 1 || v.Ill >= v.Of {
		return v, errVariant
	}
	if how == "hang" {
		v.As = receiver.Hang
		return v, nil
	}
	code, err := strconv.Atoi(how)
	if err != nil || code < 300 || code > 599 {
		return v, errVariant
	}
	v.As = receiver.Status(code)
	return v, nil
}

// The receiver's groups of the scenario neighbour.
const (
	healthy = "healthy"
	ill     = "ill"
)

// group is that of a webhook: the ill ones lie evenly among the others.
func (v Variant) group(webhook int) string {
	if (webhook+1)*v.Ill/v.Of > webhook*v.Ill/v.Of {
		return ill
	}
	return healthy
}
