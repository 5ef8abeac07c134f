package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sample is a block of commands of the documentation with the answers that it shows.
type sample struct {
	section string // the heading of the second level that it is under
	line    int
	calls   []call
	answers []any    // the JSON values shown
	headers []string // names of the lines of the header shown
}

// call is one curl command. Variables and places left open are as they are written.
type call struct {
	method, url, body string
	headers           []string
}

func (c call) String() string { return c.method + " " + c.url + " " + c.body }

// samples reads the blocks of a page that call the API.
func samples(t *testing.T, page string) []sample {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var all []sample
	section, language, block := "", "", []string(nil)
	inside := false
	for n, line := range strings.Split(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && !inside:
			inside, language, block = true, fence, nil
		case inside && !isFence:
			block = append(block, line)
		case isFence:
			inside = false
			content := strings.Join(block, "\n")
			if language == "sh" {
				all = append(all, sample{section: section, line: n - len(block) + 1, calls: calls(content)})
			} else if last := len(all) - 1; last >= 0 && all[last].section == section {
				all[last].show(t, content)
			}
		case strings.HasPrefix(line, "## "):
			section = line[3:]
		}
	}
	var calling []sample
	for _, s := range all {
		if len(s.calls) > 0 {
			calling = append(calling, s)
		}
	}
	return calling
}

// show adds what a block shows: lines of a header, and JSON.
func (s *sample) show(t *testing.T, content string) {
	t.Helper()
	if strings.HasPrefix(content, "HTTP/") {
		head, rest, _ := strings.Cut(content, "\n\n")
		for _, line := range strings.Split(head, "\n")[1:] {
			name, _, _ := strings.Cut(line, ":")
			s.headers = append(s.headers, name)
		}
		content = rest
	}
	if !strings.HasPrefix(content, "{") { // a part of an answer
		return
	}
	// What is left out of a list.
	content = strings.ReplaceAll(strings.ReplaceAll(content, ", …", ""), ",…", "")
	decoder := json.NewDecoder(strings.NewReader(content))
	for {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, "line %d: %s", s.line, content)
		s.answers = append(s.answers, value)
	}
}

// calls are the curl commands of a script.
func calls(script string) []call {
	var all []call
	for _, words := range commands(script) {
		if words[0] != "curl" {
			continue
		}
		c := call{method: "GET"}
		posts := false
		for i := 1; i < len(words); i++ {
			switch words[i] {
			case "-i":
			case "-X":
				i++
				c.method = words[i]
			case "-H":
				i++
				c.headers = append(c.headers, words[i])
			case "--json", "-d":
				i++
				c.body, posts = words[i], true
			default:
				c.url = words[i]
			}
		}
		if posts && c.method == "GET" {
			c.method = "POST"
		}
		all = append(all, c)
	}
	return all
}

// commands splits a script into commands of words, as a shell does. Variables stay.
func commands(script string) [][]string {
	var all [][]string
	var words []string
	var word strings.Builder
	var quote rune
	started, comment, escaped := false, false, false
	endWord := func() {
		if started {
			words = append(words, word.String())
		}
		word.Reset()
		started = false
	}
	for _, r := range script + "\n" {
		switch {
		case comment:
			comment = r != '\n'
			if !comment && len(words) > 0 {
				all, words = append(all, words), nil
			}
		case escaped:
			escaped = false
			if r != '\n' {
				word.WriteRune(r)
				started = true
			}
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '"' || r == '\'':
			quote, started = r, true
		case r == '#' && !started:
			comment = true
		case r == ' ':
			endWord()
		case r == '\n':
			endWord()
			if len(words) > 0 {
				all, words = append(all, words), nil
			}
		default:
			word.WriteRune(r)
			started = true
		}
	}
	return all
}

// differs says where an answer has other fields than the sample shows; empty if nowhere.
// Lists are compared by their first elements.
func differs(shown, got any) string {
	switch shown := shown.(type) {
	case map[string]any:
		fields, ok := got.(map[string]any)
		if !ok {
			return ""
		}
		for name := range shown {
			if _, ok := fields[name]; !ok {
				return name + " is not in the answer"
			}
			if where := differs(shown[name], fields[name]); where != "" {
				return name + "." + where
			}
		}
		for name := range fields {
			if _, ok := shown[name]; !ok {
				return name + " is not in the sample"
			}
		}
	case []any:
		list, ok := got.([]any)
		if ok && len(shown) > 0 && len(list) > 0 {
			return differs(shown[0], list[0])
		}
	}
	return ""
}

func TestSamplesAreReadAsAShellDoes(t *testing.T) {
	t.Parallel()
	got := calls("API=x\ncurl -i \"$API/a?b=c\" -H 'X: y' --json '{\"a\": \"b\\\"\",\n  \"c\": 1}' # why\n" +
		"curl -X PATCH $API/d \\\n  -d \"e \\\" f\"\n# curl no\ncurl $API/g")
	require.Equal(t, []call{
		{method: "POST", url: "$API/a?b=c", body: "{\"a\": \"b\\\"\",\n  \"c\": 1}", headers: []string{"X: y"}},
		{method: "PATCH", url: "$API/d", body: `e " f`},
		{method: "GET", url: "$API/g"},
	}, got)
}
