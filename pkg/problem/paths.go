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
		// As it came, which is what the mux looks at: an id may have an escaped slash.
		came := r.URL.EscapedPath()
		clean := path.Clean(came)
		if strings.HasSuffix(came, "/") && clean != "/" {
			clean += "/"
		}
		if came != clean {
			Write(w, http.StatusNotFound, "", "there is nothing at this path", nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}
