package portaltest

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Events reads server-sent events as they come.
type Events struct {
	t     testing.TB
	lines *bufio.Scanner
	close func() error
}

// Event is one of them; a comment has neither a name nor an id.
type Event struct{ Name, ID, Data, Comment string }

// Open opens a stream of a path; headers are names and values in turn. It ends with the
// test.
func (b *Browser) Open(path string, headers ...string) *Events {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+path, http.NoBody)
	require.NoError(b.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(b.t, http.StatusOK, answer.StatusCode)
	require.Equal(b.t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return &Events{t: b.t, lines: lines, close: answer.Body.Close}
}

// Next waits for what comes next; false: the stream has ended.
func (s *Events) Next() (Event, bool) {
	s.t.Helper()
	var e Event
	for s.lines.Scan() {
		line := s.lines.Text()
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if e != (Event{}) {
				return e, true
			}
		case name == "":
			e.Comment = value
		case name == "event":
			e.Name = value
		case name == "id":
			e.ID = value
		case name == "data":
			e.Data += value + "\n"
		}
	}
	return e, false
}

// Close leaves the stream.
func (s *Events) Close() { require.NoError(s.t, s.close()) }

// Status is what a path answers with; the answer itself, which may go on, is left.
func (b *Browser) Status(path string) int {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+path, http.NoBody)
	require.NoError(b.t, err)
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	require.NoError(b.t, answer.Body.Close())
	return answer.StatusCode
}
