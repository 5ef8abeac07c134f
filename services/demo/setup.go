package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/demo/rest"
)

// What the demo calls its things; by these names a later start finds them.
const (
	account     = "demo"
	accountName = "Trattorie Riunite"
	keyName     = "demo"
	description = "Demo receiver"
)

// requestSpan bounds one request.
const requestSpan = 5 * time.Second

// retryEvery is the pause between two attempts at the setup: the services may
// start in any order.
const retryEvery = 250 * time.Millisecond

// liveAfter is how long a webhook takes to be live at most (CONTRACT.md: the
// poll interval); the first change comes after it.
const liveAfter = time.Second

// setUp makes what is not there yet.
func (d *Demo) setUp(ctx context.Context, receiver string) (Access, error) {
	access := Access{Account: account, Receiver: receiver}
	steps := []func(context.Context, *Access) error{d.makeAccount, d.makeKey, d.makeWebhook}
	for _, step := range steps {
		if err := d.untilItPasses(ctx, func() error { return step(ctx, &access) }); err != nil {
			return Access{}, err
		}
	}
	select {
	case <-ctx.Done():
		return Access{}, ctx.Err()
	case <-time.After(liveAfter):
		return access, nil
	}
}

func (d *Demo) untilItPasses(ctx context.Context, try func() error) error {
	for logged := false; ; {
		err := try()
		if err == nil || ctx.Err() != nil || !mayPass(err) {
			return errors.Join(err, ctx.Err())
		}
		if !logged {
			d.cfg.Log.Info("demo waits for the API", zap.Error(err))
			logged = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryEvery):
		}
	}
}

// mayPass reports whether it helps to try again later.
func mayPass(err error) bool {
	var r *rest.Refusal
	var file *fileError
	if errors.As(err, &file) {
		return false
	}
	return !errors.As(err, &r) || r.Status >= http.StatusInternalServerError || r.Status == http.StatusTooManyRequests
}

func (d *Demo) makeAccount(ctx context.Context, _ *Access) error {
	admin := rest.New(d.cfg.URL, d.cfg.AdminKey, "", requestSpan)
	err := admin.Send(ctx, http.MethodGet, "/v1/accounts/"+account, nil, nil)
	if !rest.Refused(err, http.StatusNotFound) {
		return err
	}
	err = admin.Send(ctx, http.MethodPost, "/v1/accounts", map[string]any{"id": account, "name": accountName}, nil)
	if rest.Refused(err, http.StatusConflict) {
		return nil // somebody was quicker
	}
	return err
}

// makeKey takes the key of the last start if it still works.
func (d *Demo) makeKey(ctx context.Context, access *Access) error {
	if kept, err := d.keptKey(); err != nil {
		return err
	} else if kept != "" {
		err := rest.New(d.cfg.URL, kept, "", requestSpan).Send(ctx, http.MethodGet, "/v1/webhooks?limit=1", nil, nil)
		if err == nil {
			access.Key = kept
			return nil
		}
		if !rest.Refused(err, http.StatusUnauthorized, http.StatusForbidden) {
			return err
		}
	}
	admin := rest.New(d.cfg.URL, d.cfg.AdminKey, account, requestSpan)
	if err := revokeKeys(ctx, admin); err != nil {
		return err
	}
	var made struct{ Key string }
	err := admin.Send(ctx, http.MethodPost, "/v1/api-keys", map[string]any{"name": keyName, "scopes": hook.Scopes}, &made)
	if err != nil {
		return err
	}
	access.Key = made.Key
	if d.cfg.KeyFile == "" {
		return nil
	}
	if err := os.WriteFile(d.cfg.KeyFile, []byte(made.Key+"\n"), 0o600); err != nil {
		return &fileError{err}
	}
	return nil
}

// fileError is an error of KeyFile: it does not pass by itself.
type fileError struct{ err error }

func (e *fileError) Error() string { return "demo key file: " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func (d *Demo) keptKey() (string, error) {
	if d.cfg.KeyFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(d.cfg.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", &fileError{err}
	}
	return strings.TrimSpace(string(text)), nil
}

// revokeKeys revokes the demo's keys that nobody knows any more.
func revokeKeys(ctx context.Context, admin *rest.Client) error {
	var page struct {
		Items []struct{ ID, Name string }
	}
	if err := admin.Send(ctx, http.MethodGet, "/v1/api-keys?limit=500", nil, &page); err != nil {
		return err
	}
	for _, key := range page.Items {
		if key.Name != keyName {
			continue
		}
		err := admin.Send(ctx, http.MethodDelete, "/v1/api-keys/"+key.ID, nil, nil)
		if err != nil && !rest.Refused(err, http.StatusNotFound) {
			return err
		}
	}
	return nil
}

// makeWebhook points the demo's webhook at the receiver of this start. A PATCH
// with the URL also enables it again if it was disabled while nobody listened.
func (d *Demo) makeWebhook(ctx context.Context, access *Access) error {
	c := rest.New(d.cfg.URL, access.Key, "", requestSpan)
	var page struct {
		Items []struct{ ID, Description string }
	}
	if err := c.Send(ctx, http.MethodGet, "/v1/webhooks?limit=500", nil, &page); err != nil {
		return err
	}
	for _, w := range page.Items {
		if w.Description == description {
			access.Webhook = w.ID
			return c.Send(ctx, http.MethodPatch, "/v1/webhooks/"+w.ID,
				map[string]any{"url": access.Receiver, "secret": d.secret}, nil)
		}
	}
	var made struct{ ID string }
	err := c.Send(ctx, http.MethodPost, "/v1/webhooks", map[string]any{
		"description": description,
		"itemTypes":   []string{hook.AnyItemType},
		"url":         access.Receiver,
		"secret":      d.secret,
	}, &made)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	access.Webhook = made.ID
	return nil
}
