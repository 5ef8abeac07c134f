package portal

import (
	"net/http"

	"github.com/staffetta/staffetta/services/portal/page"
)

// Notices of who wants to sign in.
var (
	linkInvalid     = page.Notice{ID: "link-invalid", Status: http.StatusUnauthorized}
	linkExpired     = page.Notice{ID: "link-expired", Status: http.StatusUnauthorized}
	loginStale      = page.Notice{ID: "login-stale", Status: http.StatusBadRequest, Remedy: page.Again}
	loginRefused    = page.Notice{ID: "login-refused", Status: http.StatusForbidden, Remedy: page.Again}
	loginUnsound    = page.Notice{ID: "login-unsound", Status: http.StatusForbidden, Remedy: page.Again}
	providerAway    = page.Notice{ID: "provider-away", Status: http.StatusBadGateway, Remedy: page.Again}
	stranger        = page.Notice{ID: "stranger", Status: http.StatusForbidden, Remedy: page.Another}
	addressTaken    = page.Notice{ID: "address-taken", Status: http.StatusForbidden, Remedy: page.Another}
	emailUnverified = page.Notice{ID: "email-unverified", Status: http.StatusForbidden, Remedy: page.Another}
)
