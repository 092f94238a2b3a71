package spark

import (
	"fmt"
	"regexp"
	"strings"
)

// The masters that Spark knows, in its own forms.
var (
	standalone = regexp.MustCompile(`^spark://[^\s,/:]+:[0-9]+(,[^\s,/:]+:[0-9]+)*$`)
	kubernetes = regexp.MustCompile(`^k8s://\S+$`)
	inProcess  = regexp.MustCompile(`^local(\[([0-9]+|\*)( *, *[0-9]+)?\]|-cluster\[ *[0-9]+ *, *[0-9]+ *, *[0-9]+ *\])?$`)
)

const wantMaster = "want yarn, spark://host:port, k8s://https://host:port, or local"

// checkPlace says why Spark would not run the job with this master and deploy mode, which it
// tells late, or in words that name neither.
func checkPlace(master, deployMode string) error {
	if deployMode != "client" && deployMode != "cluster" {
		return fmt.Errorf("--deploy-mode is %q: want client or cluster", deployMode)
	}
	cluster := deployMode == "cluster"
	switch {
	case master == "yarn", kubernetes.MatchString(master):
		return nil
	case standalone.MatchString(master):
		if cluster {
			return fmt.Errorf("--master %s with --deploy-mode cluster: a standalone cluster of Spark runs Python jobs in client mode only: "+
				"give --deploy-mode client", master)
		}
		return nil
	case inProcess.MatchString(master):
		if cluster {
			return fmt.Errorf("--master %s with --deploy-mode cluster: there is no cluster: give --deploy-mode client", master)
		}
		return nil
	case strings.HasPrefix(master, "mesos://"):
		return fmt.Errorf("--master %s: today's Spark does not run on Mesos (deprecated in 3.2, dropped in 4.0): %s", master, wantMaster)
	case master == "yarn-client", master == "yarn-cluster":
		return fmt.Errorf("--master %s: Spark dropped this form in 3.0: give --master yarn --deploy-mode %s", master, strings.TrimPrefix(master, "yarn-"))
	case strings.HasPrefix(master, "spark://"):
		return fmt.Errorf("--master %s: want spark://host:port, or spark://host1:port,host2:port", master)
	}
	return fmt.Errorf("--master %s: not known to Spark: %s", master, wantMaster)
}
