package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"spot-ingest/pkg/logging"
)

// spotConf is where Spot's installation keeps its settings, as shell assignments.
const spotConf = "/etc/spot.conf"

const kinitTimeout = time.Minute

// authenticate gets a Kerberos ticket by kinit if KRB_AUTH is set, as the original did:
// $KINITPATH $KINITOPTS -kt KEYTAB PRINCIPAL, with KEYTAB and PRINCIPAL from spot.conf.
// kinit that fails is an error; the original went on without a ticket.
func authenticate(ctx context.Context, env func(string) string, conf string, log *logging.Logger) error {
	if env("KRB_AUTH") == "" {
		return nil
	}
	settings, err := readSettings(conf)
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

// readSettings reads KEY='value' lines; what else a shell might make of the file is not
// looked at.
func readSettings(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	settings := make(map[string]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if n := len(value); n >= 2 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		settings[strings.TrimPrefix(strings.TrimSpace(key), "export ")] = value
	}
	return settings, lines.Err()
}
