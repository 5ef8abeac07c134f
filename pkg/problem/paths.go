package problem

import (
	"net/http"
	"path"
	"strings"
)

// ExactPaths answers 404 where an http.ServeMux would redirect, in HTML, from a path such
// as //a or /a/../b to one that is perhaps meant.
func ExactPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clean := path.Clean(r.URL.Path)
		if strings.HasSuffix(r.URL.Path, "/") && clean != "/" {
			clean += "/"
		}
		if r.URL.Path != clean {
			Write(w, http.StatusNotFound, "", "there is nothing at this path", nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}
