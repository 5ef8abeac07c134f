package problem_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/problem"
)

func TestNoPathIsRedirected(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for path, want := range map[string]int{
		"/": 204, "/a": 204, "/a/": 204, "/a/b": 204, "/a%2F..%2Fb": 204, "/%2E%2E": 204, "/a%2F%2Fb": 204,
		"//": 404, "//a": 404, "/a//": 404, "/a//b": 404, "/.": 404, "/a/../b": 404, "/a/./b": 404,
	} {
		w := httptest.NewRecorder()
		problem.ExactPaths(mux).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://host"+path, http.NoBody))
		require.Equal(t, want, w.Code, path)
	}
}
