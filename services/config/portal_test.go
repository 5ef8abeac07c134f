package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/config"
)

// login is a complete setting of the portal's.
func login(changes vars) vars {
	env := vars{
		"STAFFETTA_PUBLIC_URL": "https://hooks.example.com", "STAFFETTA_OIDC_ISSUER": "https://id.example.com",
		"STAFFETTA_OIDC_CLIENT_ID": "staffetta", "STAFFETTA_OIDC_CLIENT_SECRET": "hidden",
		"STAFFETTA_FRAME_ANCESTORS": "https://app.example.com",
	}
	for name, value := range changes {
		env[name] = value
	}
	return env
}

func TestWhatThePortalNeeds(t *testing.T) {
	t.Parallel()
	const (
		allOrNone = " is required, as of the three STAFFETTA_OIDC_… all are set or none"
		issuer    = "STAFFETTA_OIDC_ISSUER must be an https: URL without user, query and fragment; http: on this machine only, not "
		ancestors = "STAFFETTA_FRAME_ANCESTORS must be origins such as https://app.example.com or https://*.example.com, comma separated, not "
		traces    = "STAFFETTA_TRACE_URL must be an http: or https: URL without user, with {traceId} behind its host, not "
	)
	for name, test := range map[string]struct {
		changes vars
		want    string
	}{
		"all":                 {nil, ""},
		"a local issuer":      {vars{"STAFFETTA_OIDC_ISSUER": "http://127.0.0.1:9998"}, ""},
		"a wildcard":          {vars{"STAFFETTA_FRAME_ANCESTORS": "https://*.example.com, http://intranet:8080"}, ""},
		"no client":           {vars{"STAFFETTA_OIDC_CLIENT_ID": "", "STAFFETTA_OIDC_CLIENT_SECRET": ""}, "STAFFETTA_OIDC_CLIENT_ID" + allOrNone + "; STAFFETTA_OIDC_CLIENT_SECRET" + allOrNone},
		"only a secret":       {vars{"STAFFETTA_OIDC_ISSUER": "", "STAFFETTA_OIDC_CLIENT_ID": ""}, "STAFFETTA_OIDC_ISSUER" + allOrNone + "; STAFFETTA_OIDC_CLIENT_ID" + allOrNone},
		"an issuer by http:":  {vars{"STAFFETTA_OIDC_ISSUER": "http://id.example.com"}, issuer + `"http://id.example.com"`},
		"an issuer with user": {vars{"STAFFETTA_OIDC_ISSUER": "https://me:hidden@id.example.com"}, issuer + `"***"`},
		"no URL":              {vars{"STAFFETTA_OIDC_ISSUER": "id.example.com"}, issuer + `"id.example.com"`},
		"no public URL": {vars{"STAFFETTA_PUBLIC_URL": ""},
			"STAFFETTA_PUBLIC_URL is required with STAFFETTA_OIDC_ISSUER: the provider sends people back to it; " +
				"STAFFETTA_PUBLIC_URL must begin with https:// if STAFFETTA_FRAME_ANCESTORS is set: browsers take no cookie of an embedded page otherwise"},
		"a path":                      {vars{"STAFFETTA_FRAME_ANCESTORS": "https://app.example.com/"}, ancestors + `"https://app.example.com/"`},
		"a policy":                    {vars{"STAFFETTA_FRAME_ANCESTORS": "https://app.example.com; script-src *"}, ancestors + `"https://app.example.com; script-src *"`},
		"everybody":                   {vars{"STAFFETTA_FRAME_ANCESTORS": "*"}, ancestors + `"*"`},
		"a public http":               {vars{"STAFFETTA_PUBLIC_URL": "http://hooks.example.com"}, "STAFFETTA_PUBLIC_URL must begin with https:// if STAFFETTA_FRAME_ANCESTORS is set: browsers take no cookie of an embedded page otherwise"},
		"a trace's URL":               {vars{"STAFFETTA_TRACE_URL": "http://grafana:3000/trace/{traceId}"}, ""},
		"one without its id":          {vars{"STAFFETTA_TRACE_URL": "https://grafana.example.com/"}, traces + `"https://grafana.example.com/"`},
		"one that names another host": {vars{"STAFFETTA_TRACE_URL": "https://{traceId}.example.com/"}, traces + `"https://{traceId}.example.com/"`},
		"one that is a script":        {vars{"STAFFETTA_TRACE_URL": "javascript:alert('{traceId}')"}, traces + `"javascript:alert('{traceId}')"`},
		"one with a password":         {vars{"STAFFETTA_TRACE_URL": "https://me:hidden@grafana.example.com/{traceId}"}, traces + `"***"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load("standalone", login(test.changes).lookup, nil)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
			require.NotContains(t, err.Error(), "hidden")
		})
	}
}
