package portal

import (
	"net/http"

	"github.com/staffetta/staffetta/pkg/apiauth"
)

// Principal tells who makes a request, as pages see it.
func (s *Service) Principal(r *http.Request) (apiauth.Principal, error) {
	v, err := s.visitor(r)
	if err != nil {
		return apiauth.Principal{}, err
	}
	return v.principal()
}
