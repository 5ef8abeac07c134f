package apiauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// linkPrefix tells a link's token from a key.
	linkPrefix = "pl_"
	// linkVersion is the first byte of a token:
	//
	//	version (1) | key id (4) | id (10) | expires, Unix seconds (8) | role (1) |
	//	language (1) | account | HMAC-SHA256 of all before it (32)
	//
	// It fixes the algorithm too: nothing else in a token chooses one.
	linkVersion = 1
	linkIDBytes = 10
	linkFixed   = 1 + 4 + linkIDBytes + 8 + 1 + 1
	// maxLinkText bounds what is decoded at all, in characters: an account's id has
	// at most 64 bytes.
	maxLinkText = 200
)

// Roles and languages by their number in a token. Only ever add to the end.
var (
	linkRoles     = []hook.Role{hook.RoleOwner, hook.RoleSettings, hook.RoleViewer}
	linkLanguages = []hook.Language{hook.English, hook.Italian}
)

// Link is what the token of a portal link says.
type Link struct {
	// ID is "lnk_" and 16 characters.
	ID       string
	Account  string
	Role     hook.Role
	Language hook.Language
	// ExpiresAt is a whole second.
	ExpiresAt time.Time
}

// LinkKey signs tokens of portal links.
type LinkKey struct {
	ID  [4]byte
	Key [32]byte
}

// Links makes and reads the tokens of portal links. A token is not kept anywhere: it
// is valid because it is signed. The first key signs, all of them verify. The zero
// Links makes none and knows none.
type Links struct{ keys []LinkKey }

// NewLinks makes one with these keys.
func NewLinks(keys ...LinkKey) Links { return Links{keys: keys} }

// Any reports whether there is a key.
func (l Links) Any() bool { return len(l.keys) > 0 }

// New makes a token, whose id is new whatever link says. It returns the link as the
// token has it. The role and the language must be known, and Any true.
func (l Links) New(link Link) (Link, string, error) {
	role, language := slices.Index(linkRoles, link.Role), slices.Index(linkLanguages, link.Language)
	if role < 0 || language < 0 || !l.Any() {
		return Link{}, "", fmt.Errorf("portal link with role %q, language %q and %d keys", link.Role, link.Language, len(l.keys))
	}
	var id [linkIDBytes]byte
	_, _ = rand.Read(id[:]) // never fails: see crypto/rand
	key := l.keys[0]
	token := append([]byte{linkVersion}, key.ID[:]...)
	token = append(token, id[:]...)
	token = binary.BigEndian.AppendUint64(token, uint64(link.ExpiresAt.Unix()))
	token = append(token, byte(role), byte(language))
	token = append(token, link.Account...)
	token = append(token, key.sum(token)...)
	link.ID, link.ExpiresAt = linkID(id[:]), time.Unix(link.ExpiresAt.Unix(), 0).UTC()
	return link, linkPrefix + base64.RawURLEncoding.EncodeToString(token), nil
}

func (k LinkKey) sum(signed []byte) []byte {
	mac := hmac.New(sha256.New, k.Key[:])
	mac.Write(signed)
	return mac.Sum(nil)
}

func linkID(id []byte) string {
	return "lnk_" + strings.ToLower(base32.HexEncoding.EncodeToString(id)) // 80 bits: 16 characters, no padding
}

// read verifies a token; its time is for the caller to judge. One that was tampered
// with, or that another installation made, is not valid; nothing of it is looked at
// before its signature is.
func (l Links) read(text string) (Link, bool) {
	if len(text) > maxLinkText {
		return Link{}, false
	}
	token, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text, linkPrefix))
	if err != nil || len(token) < linkFixed+sha256.Size || token[0] != linkVersion {
		return Link{}, false
	}
	signed, sum := token[:len(token)-sha256.Size], token[len(token)-sha256.Size:]
	known := slices.IndexFunc(l.keys, func(k LinkKey) bool { return string(k.ID[:]) == string(signed[1:5]) })
	if known < 0 || !hmac.Equal(sum, l.keys[known].sum(signed)) {
		return Link{}, false
	}
	rest := signed[5:]
	role, language := int(rest[linkIDBytes+8]), int(rest[linkIDBytes+9])
	if role >= len(linkRoles) || language >= len(linkLanguages) {
		return Link{}, false // a later version made it
	}
	return Link{
		ID: linkID(rest[:linkIDBytes]), Account: string(signed[linkFixed:]),
		Role: linkRoles[role], Language: linkLanguages[language],
		ExpiresAt: time.Unix(int64(binary.BigEndian.Uint64(rest[linkIDBytes:])), 0).UTC(),
	}, true
}
