package redisstore

import (
	"github.com/staffetta/staffetta/pkg/hook"
	snapshotv1 "github.com/staffetta/staffetta/proto/staffetta/snapshot/v1"
)

func headersOut(headers []hook.SealedHeader) []*snapshotv1.Header {
	if len(headers) == 0 {
		return nil
	}
	out := make([]*snapshotv1.Header, len(headers))
	for i, h := range headers {
		out[i] = &snapshotv1.Header{Name: h.Name, Value: h.Value}
	}
	return out
}

func headersIn(in []*snapshotv1.Header) []hook.SealedHeader {
	if len(in) == 0 {
		return nil
	}
	headers := make([]hook.SealedHeader, len(in))
	for i, h := range in {
		headers[i] = hook.SealedHeader{Name: h.GetName(), Value: h.GetValue()}
	}
	return headers
}

func authOut(a *hook.Auth) *snapshotv1.Auth {
	if a == nil {
		return nil
	}
	return &snapshotv1.Auth{
		Type: string(a.Type), Username: a.Username, TokenUrl: a.TokenURL, ClientId: a.ClientID, Scopes: a.Scopes,
		Audience: a.Audience, Certificate: a.Certificate, Secret: a.Secret,
	}
}

func authIn(in *snapshotv1.Auth) *hook.Auth {
	if in == nil {
		return nil
	}
	return &hook.Auth{
		Type: hook.AuthType(in.GetType()), Username: in.GetUsername(), TokenURL: in.GetTokenUrl(), ClientID: in.GetClientId(), Scopes: in.GetScopes(),
		Audience: in.GetAudience(), Certificate: in.GetCertificate(), Secret: in.GetSecret(),
	}
}
