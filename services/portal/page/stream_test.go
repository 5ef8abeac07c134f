package page_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// streaming serves a stream, on a server that bounds requests and answers.
type streaming struct {
	url string
	// visitor is who is signed in; nil: nobody.
	visitor atomic.Pointer[page.Visitor]
	ending  chan struct{}
}

func newStreaming(t *testing.T, h func(*page.Stream) error) *streaming {
	t.Helper()
	s := &streaming{ending: make(chan struct{})}
	s.visitor.Store(viewer("acme", hook.RoleViewer))
	kit, err := page.New(page.Config{
		API: http.NotFoundHandler(), Home: "/portal/", Log: zap.NewNop(), Now: time.Now, Ending: s.ending, Beat: 20 * time.Millisecond,
		Visitor: func(*http.Request) (*page.Visitor, error) {
			v := s.visitor.Load()
			if v == nil {
				return nil, apiauth.ErrUnauthorized
			}
			seen := *v
			return &seen, nil
		},
		SetCookie: func(http.ResponseWriter, string, string, time.Time) {},
		Cookie:    func(*http.Request, string) string { return "" },
	})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(kit.Stream(hook.ScopeRead, h))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func viewer(account string, role hook.Role) *page.Visitor {
	return &page.Visitor{
		Account: account, Secret: "session", Role: role,
		Principal: apiauth.Principal{Account: account, Scopes: role.Scopes()},
	}
}

// open reads the lines of a stream, until it ends.
func (s *streaming) open(t *testing.T) *bufio.Scanner {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(t, http.StatusOK, answer.StatusCode)
	return bufio.NewScanner(answer.Body)
}

// waiting is a stream in which nothing happens.
func waiting(s *page.Stream) error {
	for s.Wait(10 * time.Millisecond) {
		continue
	}
	return nil
}

func TestAStreamLivesLongerThanTheServerLetsAnswers(t *testing.T) {
	t.Parallel()
	s := newStreaming(t, waiting)
	lines := s.open(t)
	began := time.Now()
	for beats := 0; beats < 20 || time.Since(began) < 300*time.Millisecond; {
		require.True(t, lines.Scan(), "it was cut after %s", time.Since(began))
		if lines.Text() == ": alive" {
			beats++
		}
	}
}

// Anybody can open any number of sessions with a key or a link.
func TestTheStreamsOfAnAccountLeaveSomeToOthers(t *testing.T) {
	t.Parallel()
	s := newStreaming(t, waiting)
	for n := range 40 {
		v := viewer("acme", hook.RoleViewer)
		v.Secret = fmt.Sprint("session", n)
		s.visitor.Store(v)
		require.True(t, s.open(t).Scan())
	}
	s.visitor.Store(viewer("acme", hook.RoleViewer))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, http.NoBody)
	require.NoError(t, err)
	refused, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	s.visitor.Store(viewer("other", hook.RoleViewer))
	require.True(t, s.open(t).Scan())
}

func TestAnEventIsWrittenLineByLine(t *testing.T) {
	t.Parallel()
	s := newStreaming(t, func(s *page.Stream) error {
		require.NoError(t, s.Send("rows", "7", "one\r\ntwo\n\nid: 8"))
		return s.Send("none", "", "")
	})
	lines := s.open(t)
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
	}
	require.Equal(t, "retry: 2000||event: rows|id: 7|data: one|data: |data: two|data: |data: id: 8||event: none|data:||", strings.Join(all, "|")+"|")
}

func TestAStreamEndsWhenTheProcessDoes(t *testing.T) {
	t.Parallel()
	s := newStreaming(t, waiting)
	lines := s.open(t)
	require.True(t, lines.Scan())
	close(s.ending)
	for lines.Scan() {
		require.NotContains(t, lines.Text(), "over", "browsers are to connect again")
	}
	require.NoError(t, lines.Err())
}

func TestAStreamEndsWithWhatItsReaderMay(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]*page.Visitor{
		"signed out": nil, "another account": viewer("other", hook.RoleViewer), "no role": viewer("acme", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStreaming(t, waiting)
			lines := s.open(t)
			require.True(t, lines.Scan())
			s.visitor.Store(then)
			var all strings.Builder
			for lines.Scan() {
				all.WriteString(lines.Text() + "\n")
			}
			require.Contains(t, all.String(), "event: over\ndata:\n", "browsers are not to connect again")
		})
	}
}

func TestAStreamIsOverAtOnceForWhoAsksOnlyForItsHead(t *testing.T) {
	t.Parallel()
	s := newStreaming(t, waiting)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.url, http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	_, err = io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
}
