// Package kerberos gets the ticket that Spot's installation asks for.
package kerberos

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"spot-ingest/pkg/config"
	"spot-ingest/pkg/logging"
)

const kinitTimeout = time.Minute

// Authenticate gets a Kerberos ticket by kinit if KRB_AUTH is set, as the original did:
// $KINITPATH $KINITOPTS -kt KEYTAB PRINCIPAL, with KEYTAB and PRINCIPAL from
// the file conf, see config.SpotConf; env is os.Getenv.
// kinit that fails is an error; the original went on without a ticket.
func Authenticate(ctx context.Context, env func(string) string, conf string, log *logging.Logger) error {
	if env("KRB_AUTH") == "" {
		return nil
	}
	settings, err := config.ReadSpotConf(conf)
	if err != nil {
		return fmt.Errorf("KRB_AUTH is set: %w", err)
	}
	if settings["KERBEROS"] != "true" {
		return fmt.Errorf("KRB_AUTH is set, but %s does not say KERBEROS='true'", conf)
	}
	for _, key := range []string{"KEYTAB", "PRINCIPAL", "SASL_MECH", "SECURITY_PROTO"} {
		if settings[key] == "" {
			return fmt.Errorf("KRB_AUTH is set, but %s does not set %s", conf, key)
		}
	}
	kinit := env("KINITPATH")
	if kinit == "" {
		kinit = "kinit"
	}
	args := append(strings.Fields(env("KINITOPTS")), "-kt", settings["KEYTAB"], settings["PRINCIPAL"])
	ctx, cancel := context.WithTimeout(ctx, kinitTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, kinit, args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("KRB_AUTH is set: %w; install krb5-user, or set KINITPATH", err)
	}
	if err != nil {
		return fmt.Errorf("KRB_AUTH is set: %s for %s failed: %w: %s", kinit, settings["PRINCIPAL"], err, strings.TrimSpace(string(out)))
	}
	log.Info("Kerberos ticket for %s granted.", settings["PRINCIPAL"])
	return nil
}
