package assembly

import (
	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/seal"
)

// linkPurpose keeps the keys that sign portal links apart from those that encrypt.
const linkPurpose = "staffetta portal link"

// links makes and verifies portal links, with keys from STAFFETTA_ENCRYPTION_KEY: while
// that rotates, the first signs and all verify.
func links(ring seal.Keyring) (apiauth.Links, error) {
	derived, err := ring.Derive(linkPurpose)
	if err != nil {
		return apiauth.Links{}, err
	}
	keys := make([]apiauth.LinkKey, len(derived))
	for i, key := range derived {
		keys[i] = apiauth.LinkKey(key)
	}
	return apiauth.NewLinks(keys...), nil
}
