package portal

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/oauth2"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

const (
	// loginTimeout is how long a person may take to sign in at the provider.
	loginTimeout = 10 * time.Minute
	// loginPurpose keeps what is sealed here apart from what is sealed elsewhere.
	loginPurpose = "staffetta portal login"
)

// pending is a login that was begun. The browser keeps it, sealed: so whoever comes back
// from the provider is the one who went, and members of a cluster need not tell each
// other. That it is used once is kept in SQL.
type pending struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Expires  time.Time `json:"expires"`
}

// login leads to the provider.
func (s *Service) login(w http.ResponseWriter, r *http.Request) {
	if s.provider == nil {
		s.kit.Tell(w, r, page.NotFound)
		return
	}
	asked := pending{State: newToken(), Nonce: newToken(), Verifier: oauth2.GenerateVerifier(), Expires: s.now().Add(loginTimeout)}
	to, err := s.provider.loginURL(r.Context(), asked, r.URL.RawQuery == page.AnotherQuery)
	if err != nil {
		s.log.Error("nobody can sign in to the portal", zap.Error(err))
		s.kit.Tell(w, r, providerAway)
		return
	}
	plain, err := json.Marshal(asked)
	if err != nil {
		s.kit.Fail(w, r, fmt.Errorf("a login was not begun: %w", err))
		return
	}
	sealed, err := s.cfg.Seal.Seal(plain, []byte(loginPurpose))
	if err != nil {
		s.kit.Fail(w, r, fmt.Errorf("a login was not begun: %w", err))
		return
	}
	s.cookies.set(w, loginCookie, base64.RawURLEncoding.EncodeToString(sealed), asked.Expires)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// errReturn says that somebody comes back from the provider who did not go there from
// here, or went too long ago, or has been back.
var errReturn = errors.New("not the end of a login that is under way")

// returned is the login that a request ends; it cannot be ended again.
func (s *Service) returned(r *http.Request) (pending, error) {
	var asked pending
	sealed, err := base64.RawURLEncoding.DecodeString(s.cookies.get(r, loginCookie))
	if err != nil {
		return asked, errReturn
	}
	plain, err := s.cfg.Seal.Open(sealed, []byte(loginPurpose))
	if err != nil {
		return asked, errReturn
	}
	if err := json.Unmarshal(plain, &asked); err != nil {
		return asked, fmt.Errorf("%w: %w", errReturn, err)
	}
	state := r.URL.Query().Get("state")
	if subtle.ConstantTimeCompare([]byte(state), []byte(asked.State)) != 1 || !s.now().Before(asked.Expires) {
		return asked, errReturn
	}
	// Before anything is done with it: what fails from here on begins anew.
	err = s.cfg.Sessions.UseOnce(r.Context(), sha256.Sum256([]byte(asked.State)), asked.Expires)
	if errors.Is(err, hook.ErrConflict) {
		err = errReturn
	}
	return asked, err
}

// callback is where people come back to from the provider.
func (s *Service) callback(w http.ResponseWriter, r *http.Request) {
	if s.provider == nil {
		s.kit.Tell(w, r, page.NotFound)
		return
	}
	asked, err := s.returned(r)
	switch {
	case errors.Is(err, errReturn):
		s.kit.Tell(w, r, loginStale)
		return
	case err != nil:
		s.kit.Fail(w, r, fmt.Errorf("a login was not ended: %w", err))
		return
	}
	s.cookies.set(w, loginCookie, "", time.Time{})
	query := r.URL.Query()
	if reason := query.Get("error"); reason != "" {
		s.log.Info("the provider let somebody not in", zap.String("reason", shown(reason)), zap.String("description", shown(query.Get("error_description"))))
		s.kit.Tell(w, r, loginRefused)
		return
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != s.cfg.OIDC.Issuer { // RFC 9207
		s.log.Warn("a login was refused", zap.String("issuer", shown(issuer)))
		s.kit.Tell(w, r, loginUnsound)
		return
	}
	who, err := s.provider.redeem(r.Context(), query.Get("code"), asked)
	if err == nil {
		err = s.start(w, r, hook.Session{Identity: who.identity}, func(ctx context.Context, session hook.Session) error {
			return s.admit(ctx, session, who.email)
		})
	}
	s.endLogin(w, r, who, err)
}

// Why the store lets a person not in; told by errors.Is.
var (
	errStranger = errors.New("nobody has this email address")
	errTaken    = errors.New("the email address belonged to somebody else")
)

func (s *Service) admit(ctx context.Context, session hook.Session, email string) error {
	err := s.cfg.Sessions.StartMemberSession(ctx, session, email)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return errStranger
	case errors.Is(err, hook.ErrConflict):
		return errTaken
	}
	return err
}

// endLogin says what became of a login.
func (s *Service) endLogin(w http.ResponseWriter, r *http.Request, who person, err error) {
	log := s.log.With(zap.String("subject", who.identity.Subject))
	switch {
	case err == nil:
		log.Info("somebody signed in to the portal")
		s.kit.Redirect(w, r, "")
	case errors.Is(err, errStranger):
		log.Info("a login was refused", zap.Error(err))
		s.kit.Tell(w, r, stranger, who.email)
	case errors.Is(err, errTaken):
		log.Warn("a login was refused", zap.Error(err))
		s.kit.Tell(w, r, addressTaken, who.email)
	case errors.Is(err, errUnverified):
		log.Info("a login was refused", zap.Error(err))
		s.kit.Tell(w, r, emailUnverified)
	case errors.Is(err, errProvider):
		log.Error("nobody can sign in to the portal", zap.Error(err))
		s.kit.Tell(w, r, providerAway)
	case who.identity == hook.Identity{}:
		log.Warn("a login was refused: the provider's answer is not to be believed", zap.Error(err))
		s.kit.Tell(w, r, loginUnsound)
	default:
		s.kit.Fail(w, r, fmt.Errorf("a login was not ended: %w", err))
	}
}

// maxShown bounds what others write into the log, in bytes.
const maxShown = 200

func shown(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// validText is what a database takes: PostgreSQL refuses others.
func validText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
