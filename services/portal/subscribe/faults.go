package subscribe

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/services/portal/page"
)

// fields are those of the form that show their faults, in its order.
var fields = []string{
	"itemTypes", "eventTypes", "notices", "url", "stores", "format", "language", "payload", "cloudevents", "description",
	"filter", "headers", "auth", "signature", "secret", "retrySchedule", "rateLimit", "concurrency", "timeout",
	"ordering", "coalesce", "onPause", "onQuota",
}

// fault is what is wrong with a field.
type fault struct {
	// Field is the name of the field of the form.
	Field string
	// About is which part of it, such as the name of a header; may be empty.
	About string
	Rule  string
	// Line is the line of text that a place in it is meant of, Before what comes in it
	// before the place; both empty: none is.
	Line, Before string
}

// faultsOf are the faults of one field of the form, or of parts of it.
func faultsOf(f *page.Faults, field string, given *form) []fault {
	if f == nil {
		return nil
	}
	var found []fault
	for _, path := range slices.Sorted(maps.Keys(f.Fields)) {
		about, ok := within(path, field)
		if !ok {
			continue
		}
		one := fault{Field: field, About: partName(about, field, given), Rule: f.Fields[path]}
		if field == "filter" {
			one.point(given.Filter)
		}
		found = append(found, one)
	}
	return found
}

// within tells whether a path of the API is a field, or a part of one.
func within(path, field string) (about string, ok bool) {
	about, ok = strings.CutPrefix(path, field)
	return about, ok && (about == "" || about[0] == '.' || about[0] == '[')
}

// partName is a part as people wrote it: an entry of a list by itself.
func partName(about, field string, given *form) string {
	if about == "" {
		return ""
	}
	if about[0] == '.' {
		return about[1:]
	}
	at, err := strconv.Atoi(strings.Trim(about, "[]"))
	var list []string
	switch field {
	case "itemTypes":
		list = given.itemTypes()
	case "stores":
		list = given.stores()
	case "retrySchedule":
		list = delays(given.Retry)
	}
	if err != nil || at < 0 || at >= len(list) {
		return ""
	}
	return list[at]
}

// place is how the API says where in a filter a fault is.
var place = regexp.MustCompile(`^(must be a CEL expression: )(\d+):(\d+): (.*)$`)

// point finds the place that a fault of a filter names.
func (f *fault) point(filter string) {
	found := place.FindStringSubmatch(f.Rule)
	if found == nil {
		return
	}
	line, lineErr := strconv.Atoi(found[2])
	column, columnErr := strconv.Atoi(found[3])
	lines := strings.Split(filter, "\n")
	if lineErr != nil || columnErr != nil || line < 1 || line > len(lines) {
		return
	}
	runes := []rune(lines[line-1])
	f.Line, f.Before = lines[line-1], string(blank(runes[:min(max(column-1, 0), len(runes))]))
	f.Rule = found[1] + found[4]
	if len(lines) > 1 {
		f.About = found[2] + ":" + found[3]
	}
}

// blank has a space for each character but tabs, which stay.
func blank(text []rune) []rune {
	text = slices.Clone(text)
	for i, r := range text {
		if r != '\t' {
			text[i] = ' '
		}
	}
	return text
}

// rest are the faults of what the form does not show.
func rest(f *page.Faults) map[string]string {
	if f == nil {
		return nil
	}
	left := map[string]string{}
	for path, rule := range f.Fields {
		if !slices.ContainsFunc(fields, func(field string) bool { _, ok := within(path, field); return ok }) {
			left[path] = rule
		}
	}
	return left
}
