package portal

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// maxKeyForm bounds the form that has an API key, in bytes.
	maxKeyForm = 4 << 10
	// keyField is the field that has it.
	keyField = "key"
)

// Why a key opens no session: keys of homeWords.
const (
	keyWrong   = "key.wrong"
	keyExpired = "key.expired"
	keyAdmin   = "key.admin"
	keyBlind   = "key.blind"
	keyLater   = "key.later"
)

// enterByKey makes a session that acts as an API key. Who is not signed in has no token
// for forms: that no other site sends this one is what the browser says of where it comes
// from (http.CrossOriginProtection).
func (s *Service) enterByKey(w http.ResponseWriter, r *http.Request) {
	address := s.address(r)
	r.Body = http.MaxBytesReader(w, r.Body, maxKeyForm)
	text := strings.TrimSpace(r.PostFormValue(keyField))
	if wait := s.guesses.try(address); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		s.showKeyFault(w, r, http.StatusTooManyRequests, keyLater)
		return
	}
	why, err := s.openByKey(w, r, text)
	if why != keyWrong {
		s.guesses.right(address)
	}
	switch {
	case err != nil:
		s.kit.Fail(w, r, fmt.Errorf("a session of an API key was not opened: %w", err))
	case why == "":
		s.kit.Redirect(w, r, "")
	default:
		s.showKeyFault(w, r, http.StatusUnprocessableEntity, why)
	}
}

// openByKey opens the session, or says why not.
func (s *Service) openByKey(w http.ResponseWriter, r *http.Request, text string) (why string, err error) {
	holder, err := s.cfg.Guests.Holder(r.Context(), text)
	if err == nil && !holder.May(hook.ScopeRead) {
		return keyBlind, nil // each page would be a refusal
	}
	if err == nil {
		err = s.start(w, r, hook.Session{Account: holder.Account, APIKey: holder.Actor.ID}, s.cfg.Sessions.StartKeySession)
	}
	switch {
	case errors.Is(err, apiauth.ErrAdminKey):
		return keyAdmin, nil
	case errors.Is(err, apiauth.ErrKeyExpired):
		return keyExpired, nil
	case errors.Is(err, apiauth.ErrUnauthorized), errors.Is(err, hook.ErrNotFound): // revoked this moment
		return keyWrong, nil
	}
	return "", err
}

// showKeyFault shows the first page again, without what was written into its form.
func (s *Service) showKeyFault(w http.ResponseWriter, r *http.Request, status int, why string) {
	v, err := s.pageVisitor(r)
	if err != nil {
		v = nil
	}
	if err := s.kit.ShowStatus(w, r, v, status, s.home, homePage{SignIn: s.signIn(), KeyFault: why}); err != nil {
		s.kit.Fail(w, r, err)
	}
}

// address is whose browser makes a request.
func (s *Service) address(r *http.Request) string { return apiauth.ClientIP(r, s.cfg.TrustedProxies) }
