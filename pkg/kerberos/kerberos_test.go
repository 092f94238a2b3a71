package kerberos

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spot-ingest/pkg/logging"
)

const goodSettings = `
# Spot
UINODE='node'
KERBEROS='true'
KEYTAB='/etc/spot $(touch pwned).keytab'
export PRINCIPAL="spot@EXAMPLE.COM"
SASL_MECH='GSSAPI'
SECURITY_PROTO='sasl_plaintext'
`

func TestAuthenticate(t *testing.T) {
	dir := t.TempDir()
	// The arguments, one a line.
	kinit := filepath.Join(dir, "kinit")
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"" + dir + "/args\"\n"
	if err := os.WriteFile(kinit, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	failing := filepath.Join(dir, "failing")
	if err := os.WriteFile(failing, []byte("#!/bin/sh\necho 'Keytab has no suitable keys'\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		env      map[string]string
		settings string
		want     string // in the error; "" for none
		args     string
	}{
		{"not asked for", nil, "", "", ""},
		{"granted", map[string]string{"KRB_AUTH": "x", "KINITPATH": kinit, "KINITOPTS": "-r 7d"}, goodSettings, "",
			"-r\n7d\n-kt\n/etc/spot $(touch pwned).keytab\nspot@EXAMPLE.COM\n"},
		{"refused", map[string]string{"KRB_AUTH": "x", "KINITPATH": failing}, goodSettings, "Keytab has no suitable keys", ""},
		{"no kinit", map[string]string{"KRB_AUTH": "x", "KINITPATH": "no-such-kinit"}, goodSettings, "krb5-user", ""},
		{"not enabled", map[string]string{"KRB_AUTH": "x"}, "KERBEROS='false'\n", "KERBEROS='true'", ""},
		{"no keytab", map[string]string{"KRB_AUTH": "x"}, "KERBEROS='true'\n", "KEYTAB", ""},
		{"no mechanism", map[string]string{"KRB_AUTH": "x"}, strings.Replace(goodSettings, "SASL_MECH", "X", 1), "SASL_MECH", ""},
		{"no settings", map[string]string{"KRB_AUTH": "x"}, "", "spot.conf", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "spot.conf")
			if tt.settings != "" {
				if err := os.WriteFile(conf, []byte(tt.settings), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := Authenticate(context.Background(), func(k string) string { return tt.env[k] }, conf, logging.Discard())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if tt.args != "" {
				if got, _ := os.ReadFile(filepath.Join(dir, "args")); string(got) != tt.args {
					t.Errorf("kinit got %q", got)
				}
			}
		})
	}
}
