package apiauth

import (
	"errors"
	"net/http"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// Respond answers a request that a Verifier refused with err: 401, 403, 400,
// 404, or 503 if the store of the keys did not answer.
func Respond(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrUnauthorized):
		w.Header().Set("WWW-Authenticate", `Bearer realm="staffetta"`)
		problem.Write(w, http.StatusUnauthorized, "", err.Error(), nil)
	case errors.Is(err, ErrForbidden):
		w.Header().Set("WWW-Authenticate", `Bearer realm="staffetta", error="insufficient_scope"`)
		problem.Write(w, http.StatusForbidden, "", err.Error(), nil)
	case errors.Is(err, ErrNoAccount):
		problem.Write(w, http.StatusBadRequest, "", err.Error(), nil)
	case errors.Is(err, hook.ErrNotFound):
		problem.Write(w, http.StatusNotFound, "", err.Error(), nil)
	default:
		// The cause may name servers: it is for the log, not for the client.
		problem.Write(w, http.StatusServiceUnavailable, "", "the key cannot be checked now; try again", nil)
	}
}
