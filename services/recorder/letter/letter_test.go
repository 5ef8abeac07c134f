package letter_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/recorder/letter"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 23, 12, 10, 7, 0, time.UTC)

// letterTo is one for Giulia, of these notifications.
func letterTo(language hook.Language, notices ...hook.LetterNotice) hook.Letter {
	return hook.Letter{
		Member: hook.Member{
			ID: "mbr_06h0c5r2k8qjn1q5d0m2e9v4t0", Account: "acme", Email: "giulia@example.com", Name: "Giulia Ferri",
			Role: hook.RoleOwner, Language: language,
		},
		AccountName: "Acme Noleggi",
		Notices:     notices,
	}
}

func notice(kind hook.Notice, count int64, detail string) hook.LetterNotice {
	n := hook.LetterNotice{Notification: hook.Notification{
		ID: "ntf_06h0c5r2k8qjn1q5d0m2e9v4t0", Account: "acme", Notice: kind, Count: count, Detail: detail, CreatedAt: noon,
	}}
	if kind != hook.NoticeQuota {
		n.Webhook, n.Description, n.URL = "wh_06h0c5ancmgc2352lmeebjn7ps", "Magazzino", "https://erp.example.com/hooks/stock"
	}
	return n
}

// samples has one letter of each kind, and what is special.
func samples(language hook.Language) map[string]hook.Letter {
	all := map[string]hook.Letter{
		"webhook.failing":   letterTo(language, notice(hook.NoticeFailing, 10, "the last answer was 500")),
		"webhook.disabled":  letterTo(language, notice(hook.NoticeDisabled, 50, "connect: dial tcp 203.0.113.7:443: connection refused")),
		"webhook.recovered": letterTo(language, notice(hook.NoticeRecovered, 20, "the last answer was 200")),
		"quota.exceeded":    letterTo(language, notice(hook.NoticeQuota, 0, "the quota is 10000 calls in 10m")),
		"payloads.expiring": letterTo(language, notice(hook.NoticeExpiring, 1204, "held deliveries are lost unless the webhook is resumed")),
		"gone":              letterTo(language, notice(hook.NoticeDisabled, 1, "the last answer was 410")),
	}
	digest := letterTo(language)
	digest.Member.Role, digest.More = hook.RoleSettings, 70
	for n := range hook.MaxLetterNotices {
		one := notice(hook.NoticeFailing, int64(10*(n%4+1)), "timeout")
		switch n {
		case 0:
			one = notice(hook.NoticeQuota, 0, "the quota is 10000 calls in 10m")
		case 1:
			one = notice(hook.NoticeDisabled, 50, "the last answer was 503")
		case 2:
			one = notice(hook.NoticeExpiring, 1, "")
		case 3:
			one = notice(hook.NoticeRecovered, 0, "the last answer was 204")
		}
		one.CreatedAt = noon.Add(-time.Duration(n) * 7 * time.Minute)
		digest.Notices = append(digest.Notices, one)
	}
	all["many"] = digest
	return all
}

// Run with -update to write the files anew, and then look at them: the HTML in a
// browser.
func TestLettersOfEveryKindInBothLanguages(t *testing.T) {
	t.Parallel()
	composer, err := letter.New("https://hooks.example.com")
	require.NoError(t, err)
	kinds := samples(hook.English)
	for _, kind := range hook.Notices {
		require.Contains(t, kinds, string(kind), "there is a letter of every kind")
	}
	for _, language := range []hook.Language{hook.English, hook.Italian} {
		for name, l := range samples(language) {
			t.Run(name+"."+string(language), func(t *testing.T) {
				t.Parallel()
				m, err := composer.Compose(l)
				require.NoError(t, err)
				golden(t, name+"."+string(language)+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
				golden(t, name+"."+string(language)+".html", m.HTML)
				for text := range strings.Lines(m.Text) {
					if !strings.Contains(text, "https://") && !strings.Contains(text, ": ") {
						require.LessOrEqual(t, utf8.RuneCountInString(text), 73)
					}
				}
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestEveryReasonOfAFailureHasWords(t *testing.T) {
	t.Parallel()
	composer, err := letter.New("")
	require.NoError(t, err)
	for _, reason := range []hook.Reason{
		hook.ReasonTimeout, hook.ReasonDNS, hook.ReasonConnect, hook.ReasonReset, hook.ReasonTLS, hook.ReasonProtocol, hook.ReasonForbidden,
		hook.ReasonCertificate, hook.ReasonOwnCertificate, hook.ReasonTokenRefused, hook.ReasonTokenFailed, hook.ReasonTokenUnreachable,
		hook.ReasonProxyRefused, hook.ReasonProxyUnreachable,
	} {
		for _, language := range []hook.Language{hook.English, hook.Italian} {
			with, err := composer.Compose(letterTo(language, notice(hook.NoticeFailing, 10, string(reason)+": oh")))
			require.NoError(t, err)
			without, err := composer.Compose(letterTo(language, notice(hook.NoticeFailing, 10, "nobody knows")))
			require.NoError(t, err)
			first := func(m letter.Message) string {
				return strings.Join(strings.Fields(strings.Split(m.Text, "\n\n")[1]), " ")
			}
			require.Greater(t, len(first(with)), len(first(without)), reason)
			require.Contains(t, with.Text, "oh", "the detail is there too")
		}
	}
}

func TestWithoutAPublicURLThereIsNoLink(t *testing.T) {
	t.Parallel()
	composer, err := letter.New("")
	require.NoError(t, err)
	for name, l := range samples(hook.English) {
		m, err := composer.Compose(l)
		require.NoError(t, err, name)
		require.NotContains(t, m.HTML, "<a ", name)
		require.NotContains(t, m.Text, "/portal", name)
	}
}

func TestAWebhookIsCalledByItsDescriptionOrItsHostOrItsID(t *testing.T) {
	t.Parallel()
	composer, err := letter.New("")
	require.NoError(t, err)
	n := notice(hook.NoticeDisabled, 50, "timeout")
	for _, want := range []string{"Magazzino", "erp.example.com", "wh_06h0c5ancmgc2352lmeebjn7ps"} {
		m, err := composer.Compose(letterTo(hook.English, n))
		require.NoError(t, err)
		require.Equal(t, "Acme Noleggi: webhook “"+want+"” was disabled", m.Subject)
		if n.Description == "" {
			n.URL = ""
		}
		n.Description = ""
	}
}

// What others wrote makes no header, no markup and no other direction of the text.
func TestWhatOthersWroteIsOnlyText(t *testing.T) {
	t.Parallel()
	composer, err := letter.New("https://hooks.example.com")
	require.NoError(t, err)
	n := notice(hook.NoticeFailing, 10, "connect: <img src=x>\r\n\r\nBcc: all@example.com")
	n.Description = "till\r\nBcc: all@example.com <script>alert(1)</script>\u202egnp" + strings.Repeat("x", 500)
	l := letterTo("fr", n)
	l.AccountName, l.Member.Name = "A\x00cme\n& Sons", "</td>{{.}}\n"
	m, err := composer.Compose(l)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(m.Subject, "Acme & Sons: webhook “till Bcc: all@example.com"), m.Subject)
	require.Less(t, utf8.RuneCountInString(m.Subject), 200)
	for _, part := range []string{m.Subject, m.Text, m.HTML} {
		require.NotContains(t, part, "\u202e")
		require.NotContains(t, part, "\r")
		require.NotContains(t, part, "\x00")
	}
	require.NotContains(t, m.HTML, "<script")
	require.NotContains(t, m.HTML, "<img")
	require.Contains(t, m.HTML, fmt.Sprintf("Hello %s,", "&lt;/td&gt;{{.}}"))
	require.NotContains(t, m.Text, "\nBcc:")
}
