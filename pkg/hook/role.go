package hook

// Role is what somebody may do in an account.
type Role string

// The roles.
const (
	// RoleOwner may do everything; an account that has owners keeps one.
	RoleOwner Role = "owner"
	// RoleSettings may change settings, and is told when a webhook fails.
	RoleSettings Role = "settings"
	// RoleViewer may look.
	RoleViewer Role = "viewer"
)

// Roles lists every Role, the one that may most first.
var Roles = []Role{RoleOwner, RoleSettings, RoleViewer}

// Scopes are what the role may do; none for one that is not known.
func (r Role) Scopes() []Scope {
	switch r {
	case RoleOwner:
		return []Scope{ScopeRead, ScopeWrite, ScopePublish, ScopeSettings}
	case RoleSettings:
		return []Scope{ScopeRead, ScopeWrite, ScopeSettings}
	case RoleViewer:
		return []Scope{ScopeRead}
	default:
		return nil
	}
}
