package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func member(id, email string, role hook.Role) hook.Member {
	return hook.Member{ID: id, Account: "acme", Email: email, Name: "Giulia", Role: role, Language: hook.Italian, CreatedAt: start}
}

func (f fixture) member(t *testing.T, id, email string, role hook.Role) hook.Member {
	t.Helper()
	m, err := f.CreateMember(t.Context(), member(id, email, role))
	require.NoError(t, err)
	return m
}

func TestAnAccountHasNoTwoMembersWithOneAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		_, err := f.CreateMember(t.Context(), member("mbr_1", "a@example.com", hook.RoleViewer))
		require.ErrorIs(t, err, hook.ErrNotFound)
		f.account(t, "acme")
		f.account(t, "other")
		made := f.member(t, "mbr_1", "A@example.com", hook.RoleViewer)
		require.Equal(t, member("mbr_1", "A@example.com", hook.RoleViewer), made)
		got, err := f.Member(t.Context(), "acme", "mbr_1")
		require.NoError(t, err)
		require.Equal(t, made, got)
		_, err = f.Member(t.Context(), "other", "mbr_1")
		require.ErrorIs(t, err, hook.ErrNotFound)

		_, err = f.CreateMember(t.Context(), member("mbr_2", "a@EXAMPLE.com", hook.RoleViewer))
		require.ErrorIs(t, err, hook.ErrConflict)
		elsewhere := member("mbr_3", "a@example.com", hook.RoleOwner)
		elsewhere.Account = "other"
		_, err = f.CreateMember(t.Context(), elsewhere)
		require.NoError(t, err)

		f.member(t, "mbr_2", "b@example.com", hook.RoleViewer)
		to := func(email string) error {
			_, err := f.UpdateMember(t.Context(), "acme", "mbr_2", func(m *hook.Member) error { m.Email = email; return nil })
			return err
		}
		require.ErrorIs(t, to("a@example.COM"), hook.ErrConflict)
		require.NoError(t, to("B@example.com"), "its own")
		require.NoError(t, f.DeleteMember(t.Context(), "acme", "mbr_1"))
		require.ErrorIs(t, f.DeleteMember(t.Context(), "acme", "mbr_1"), hook.ErrNotFound)
		require.NoError(t, to("a@example.com"))
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.member(t, "mbr_1", "a@example.com", hook.RoleOwner)
		f.member(t, "mbr_2", "b@example.com", hook.RoleSettings)
		role := func(id string, role hook.Role) error {
			_, err := f.UpdateMember(t.Context(), "acme", id, func(m *hook.Member) error { m.Role = role; return nil })
			return err
		}
		require.ErrorIs(t, f.DeleteMember(t.Context(), "acme", "mbr_1"), hook.ErrLastOwner)
		require.ErrorIs(t, role("mbr_1", hook.RoleViewer), hook.ErrLastOwner)
		require.NoError(t, role("mbr_2", hook.RoleOwner))
		require.NoError(t, role("mbr_1", hook.RoleViewer))
		require.ErrorIs(t, f.DeleteMember(t.Context(), "acme", "mbr_2"), hook.ErrLastOwner)
		require.NoError(t, f.DeleteMember(t.Context(), "acme", "mbr_1"))
		require.Equal(t, []string{
			`6 delete-member mbr_1; email: "a@example.com" -> ; name: "Giulia" -> ; role: "viewer" -> ; language: "it" -> `,
			`5 update-member mbr_1; role: "owner" -> "viewer"`,
			`4 update-member mbr_2; role: "settings" -> "owner"`,
		}, f.audit(t, "acme", hook.AuditFilter{})[:3])

		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		_, err := f.Member(t.Context(), "acme", "mbr_2")
		require.ErrorIs(t, err, hook.ErrNotFound)
	})
}

func TestMembersAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for n := range 5 {
			m := member(fmt.Sprint("mbr_", n), fmt.Sprint(n, "@example.com"), hook.RoleViewer)
			m.CreatedAt = start.Add(time.Duration(n/2) * time.Second)
			_, err := f.CreateMember(t.Context(), m)
			require.NoError(t, err)
		}
		var ids []string
		for _, m := range walk(t, 2, func(p hook.Page) ([]hook.Member, string, error) { return f.Members(t.Context(), "acme", p) }) {
			ids = append(ids, m.ID)
		}
		require.Equal(t, []string{"mbr_4", "mbr_3", "mbr_2", "mbr_1", "mbr_0"}, ids)
	})
}
