package sqlstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

var (
	giulia  = hook.Identity{Issuer: "https://id.example.com", Subject: "1"}
	another = hook.Identity{Issuer: "https://id.example.com", Subject: "2"}
)

// signIn starts a session whose hash begins with n.
func (f fixture) signIn(t *testing.T, n byte, who hook.Identity, email string) error {
	t.Helper()
	return f.StartMemberSession(t.Context(), hook.Session{
		Hash: [32]byte{n}, Identity: who, ExpiresAt: f.clock.Now().Add(hook.SessionMax),
	}, email)
}

// places are the accounts that a session may act for; the one that it does first has a
// star.
func (f fixture) places(t *testing.T, n byte) []string {
	t.Helper()
	s, members, err := f.Session(t.Context(), [32]byte{n})
	if err != nil {
		require.ErrorIs(t, err, hook.ErrNotFound)
		return nil
	}
	var places []string
	for _, m := range members {
		place := m.Member.Account + " " + string(m.Member.Role)
		if m.Member.Account == s.Account {
			place = "*" + place
		}
		places = append(places, place)
	}
	return places
}

// memberOf adds one to an account.
func (f fixture) memberOf(t *testing.T, account, id, email string, role hook.Role) {
	t.Helper()
	m := member(id, email, role)
	m.Account = account
	_, err := f.CreateMember(t.Context(), m)
	require.NoError(t, err)
}

// An account is told only of those who come to it.
func TestAPersonChoosesAmongTheAccountsThatKnowTheAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		for _, id := range []string{"b", "a", "c"} {
			f.account(t, id)
		}
		f.memberOf(t, "b", "mbr_b", "Giulia@example.com", hook.RoleOwner)
		f.memberOf(t, "a", "mbr_a", "giulia@EXAMPLE.com", hook.RoleViewer)
		f.memberOf(t, "c", "mbr_c", "mario@example.com", hook.RoleOwner)
		require.ErrorIs(t, f.signIn(t, 1, giulia, "nobody@example.com"), hook.ErrNotFound)
		require.Nil(t, f.places(t, 1))

		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"))
		require.Equal(t, []string{"a viewer", "b owner"}, f.places(t, 1))
		for range 2 {
			require.NoError(t, f.MoveSession(t.Context(), [32]byte{1}, "b"))
			require.Equal(t, []string{"a viewer", "*b owner"}, f.places(t, 1))
		}
		require.Empty(t, f.audit(t, "a", hook.AuditFilter{Actor: "mbr_a"}))
		require.ErrorIs(t, f.MoveSession(t.Context(), [32]byte{1}, "c"), hook.ErrNotFound)
		require.ErrorIs(t, f.MoveSession(t.Context(), [32]byte{2}, "b"), hook.ErrNotFound)

		require.NoError(t, f.EndSession(t.Context(), [32]byte{1}))
		require.ErrorIs(t, f.EndSession(t.Context(), [32]byte{1}), hook.ErrNotFound)
		require.Nil(t, f.places(t, 1))
		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"), "again")
		require.NoError(t, f.MoveSession(t.Context(), [32]byte{1}, "b"))
		require.NoError(t, f.MoveSession(t.Context(), [32]byte{1}, "a"))
		const identity = `; identity:  -> {"issuer":"https://id.example.com","subject":"1"}`
		require.Equal(t, []string{"6 sign-out mbr_b", "5 sign-in mbr_b", "4 sign-out mbr_b", "3 sign-in mbr_b" + identity},
			f.audit(t, "b", hook.AuditFilter{Actor: "mbr_b"}))
		require.Equal(t, []string{"3 sign-in mbr_a" + identity}, f.audit(t, "a", hook.AuditFilter{Actor: "mbr_a"}))
		require.Len(t, f.audit(t, "c", hook.AuditFilter{}), 2, "it has nothing to do with it")
	})
}

// What a session may is what its members may at this moment.
func TestASessionIsWorthWhatItsMembersAre(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.account(t, "b")
		f.memberOf(t, "a", "mbr_a", "giulia@example.com", hook.RoleViewer)
		f.memberOf(t, "b", "mbr_b", "giulia@example.com", hook.RoleViewer)
		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"))
		require.NoError(t, f.MoveSession(t.Context(), [32]byte{1}, "a"))
		_, err := f.UpdateMember(t.Context(), "a", "mbr_a", func(m *hook.Member) error { m.Role = hook.RoleOwner; return nil })
		require.NoError(t, err)
		require.Equal(t, []string{"*a owner", "b viewer"}, f.places(t, 1))

		require.NoError(t, f.DeleteAccount(t.Context(), "a"))
		require.Equal(t, []string{"b viewer"}, f.places(t, 1), "no other account takes its place by itself")
		require.NoError(t, f.DeleteMember(t.Context(), "b", "mbr_b"))
		require.Nil(t, f.places(t, 1))
		require.NoError(t, f.EndSession(t.Context(), [32]byte{1}))
	})
}

func TestAnAddressThatBecomesSomebodyElsesTakesNoMemberOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.account(t, "b")
		f.memberOf(t, "a", "mbr_a", "giulia@example.com", hook.RoleOwner)
		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"))
		require.ErrorIs(t, f.signIn(t, 2, another, "giulia@example.com"), hook.ErrConflict)
		require.Nil(t, f.places(t, 2))
		entries, _, err := f.Audit(t.Context(), "a", hook.AuditFilter{Operation: "refuse-sign-in"}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, hook.ActorSystem, entries[0].Origin.Actor.Kind)
		require.Equal(t, "mbr_a", entries[0].Target)
		require.Equal(t, "the address belongs to somebody else at the provider now", entries[0].Reason)
		require.JSONEq(t, `{"issuer": "https://id.example.com", "subject": "2"}`, string(entries[0].Changes[0].To))

		// Elsewhere, where nobody has signed in yet, the address is the new person's.
		f.memberOf(t, "b", "mbr_b", "giulia@example.com", hook.RoleOwner)
		require.NoError(t, f.signIn(t, 2, another, "giulia@example.com"))
		require.Equal(t, []string{"*b owner"}, f.places(t, 2))
		require.Len(t, f.audit(t, "a", hook.AuditFilter{Operation: "refuse-sign-in"}), 2)

		// The first person stays who they are, with another address too.
		require.NoError(t, f.signIn(t, 3, giulia, "giulia.rossi@example.com"))
		require.Equal(t, []string{"*a owner"}, f.places(t, 3))
	})
}

func TestAnOwnerGivesAMemberToAnotherPersonByAnotherAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.memberOf(t, "a", "mbr_a", "giulia@example.com", hook.RoleOwner)
		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"))
		to := func(email string) {
			_, err := f.UpdateMember(t.Context(), "a", "mbr_a", func(m *hook.Member) error { m.Email = email; return nil })
			require.NoError(t, err)
		}
		to("GIULIA@example.com")
		require.NotNil(t, f.places(t, 1), "the same address")
		to("mario@example.com")
		require.Nil(t, f.places(t, 1), "out at once")
		require.ErrorIs(t, f.signIn(t, 1, giulia, "giulia@example.com"), hook.ErrNotFound)
		require.NoError(t, f.signIn(t, 2, another, "mario@example.com"))
		// The address is anew in the account: the session may come, and has to ask.
		f.memberOf(t, "a", "mbr_b", "giulia@example.com", hook.RoleViewer)
		require.Equal(t, []string{"a viewer"}, f.places(t, 1))
		require.NoError(t, f.MoveSession(t.Context(), [32]byte{1}, "a"))
		require.Equal(t, []string{"*a viewer"}, f.places(t, 1))
	})
}

// A person who is one member of an account by identity does not become another one by
// address.
func TestOfTwoMembersOfOneAccountTheKnownOneCounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.memberOf(t, "a", "mbr_1", "giulia@example.com", hook.RoleViewer)
		f.memberOf(t, "a", "mbr_2", "rossi@example.com", hook.RoleOwner)
		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"))
		require.NoError(t, f.signIn(t, 2, giulia, "rossi@example.com"))
		require.Equal(t, []string{"*a viewer"}, f.places(t, 2))
	})
}

func TestThoseWhoSignInTogetherAllGetIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		for _, id := range []string{"a", "b", "c"} {
			f.account(t, id)
			f.memberOf(t, id, "mbr_"+id, "giulia@example.com", hook.RoleOwner)
		}
		const browsers = 8
		errs := make(chan error, browsers)
		for n := range byte(browsers) {
			go func() {
				errs <- errors.Join(f.signIn(t, n, giulia, "giulia@example.com"), f.MoveSession(t.Context(), [32]byte{n}, "b"))
			}()
		}
		for range browsers {
			require.NoError(t, <-errs)
		}
		require.Len(t, f.audit(t, "b", hook.AuditFilter{Operation: "sign-in"}), browsers)
	})
}

func TestTheSessionOfALinkEndsWithItsAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		s := hook.Session{
			Hash: [32]byte{1}, Account: "a", Link: "lnk_1", Role: hook.RoleSettings, Language: hook.Italian,
			ExpiresAt: f.clock.Now().Add(time.Hour),
		}
		require.ErrorIs(t, f.StartLinkSession(t.Context(), s), hook.ErrNotFound)
		f.account(t, "a")
		f.account(t, "b")
		require.NoError(t, f.StartLinkSession(t.Context(), s))
		got, members, err := f.Session(t.Context(), s.Hash)
		require.NoError(t, err)
		s.CreatedAt, s.SeenAt = f.clock.Now(), f.clock.Now()
		require.Equal(t, s, got)
		require.Equal(t, []hook.Membership{{
			Member: hook.Member{Account: "a", Role: hook.RoleSettings, Language: hook.Italian}, AccountName: "The a",
		}}, members)
		require.ErrorIs(t, f.MoveSession(t.Context(), s.Hash, "b"), hook.ErrNotFound)
		require.Equal(t, []string{"2 open-portal-link lnk_1"}, f.audit(t, "a", hook.AuditFilter{Actor: "lnk_1"}))

		require.NoError(t, f.DeleteAccount(t.Context(), "a"))
		require.Nil(t, f.places(t, 1))
		require.NoError(t, f.EndSession(t.Context(), s.Hash))
	})
}

func TestASessionExpires(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.memberOf(t, "a", "mbr_a", "giulia@example.com", hook.RoleOwner)
		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"))
		require.NoError(t, f.signIn(t, 2, giulia, "giulia@example.com"))
		const pause = hook.SessionIdle - hook.SessionStep
		for at := pause; at < hook.SessionMax; at += pause {
			f.clock.Add(pause)
			require.NotNil(t, f.places(t, 1), "it is used, at %s", at)
		}
		require.Nil(t, f.places(t, 2), "nobody has used it")
		f.clock.Add(pause)
		require.Nil(t, f.places(t, 1), "longer than any session lasts")
		require.ErrorIs(t, f.EndSession(t.Context(), [32]byte{1}), hook.ErrNotFound)
	})
}

func TestWhatIsUsedOnceIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		until := f.clock.Now().Add(time.Minute)
		const browsers = 8
		errs := make(chan error, browsers)
		for range browsers {
			go func() { errs <- f.UseOnce(t.Context(), [32]byte{1}, until) }()
		}
		var won int
		for range browsers {
			if err := <-errs; err == nil {
				won++
			} else {
				require.ErrorIs(t, err, hook.ErrConflict)
			}
		}
		require.Equal(t, 1, won)
		require.NoError(t, f.UseOnce(t.Context(), [32]byte{2}, until))
		require.NoError(t, f.ForgetSessions(t.Context()))
		require.ErrorIs(t, f.UseOnce(t.Context(), [32]byte{1}, until), hook.ErrConflict)
		f.clock.Add(time.Minute)
		require.NoError(t, f.ForgetSessions(t.Context()))
		require.NoError(t, f.UseOnce(t.Context(), [32]byte{1}, until), "which is of no use: it has expired")
	})
}

func TestWhatHasExpiredIsForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "a")
		f.memberOf(t, "a", "mbr_a", "giulia@example.com", hook.RoleOwner)
		rows := func() (n int) {
			require.NoError(t, f.ForgetSessions(t.Context()))
			require.NoError(t, f.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM portal_sessions`).Scan(&n))
			return n
		}
		require.NoError(t, f.signIn(t, 1, giulia, "giulia@example.com"))
		require.NoError(t, f.StartLinkSession(t.Context(), hook.Session{
			Hash: [32]byte{2}, Account: "a", Link: "lnk_1", Role: hook.RoleViewer, Language: hook.English, ExpiresAt: f.clock.Now().Add(time.Minute),
		}))
		require.Equal(t, 2, rows())
		f.clock.Add(time.Minute)
		require.Equal(t, 1, rows())
		f.clock.Add(hook.SessionIdle)
		require.Zero(t, rows())
	})
}
