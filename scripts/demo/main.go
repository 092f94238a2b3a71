// Command demo shows the collector and the listener at work, with nothing installed but Go:
//
//	go run ./scripts/demo
//
// It starts a Kafka inside this process, makes a realistic nfcapd file, a capture of DNS
// traffic and a proxy log, and runs the real collector on them and the real listener behind
// it. It prints what arrived in Kafka and in the tables, and compares the one with what was
// made and the other with that, row by row. It exits with 1 if they differ. The programs
// find no others on their PATH, so neither nfdump nor tshark, Spark or Hive; the tables are
// read by a Parquet reader that is not the project's own.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

const (
	rows       = 50_000
	partitions = 3
	timeLimit  = 5 * time.Minute
)

// A demo is what all pipelines share.
type demo struct {
	out   io.Writer
	dir   string // holds all that is made, and is removed at the end
	kafka *kfake.Cluster
}

func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "spot-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	fmt.Fprintln(out, "Building the collector and the listener ...")
	root, err := moduleFolder(ctx)
	if err != nil {
		return err
	}
	if err := build(ctx, root, dir); err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	var topics []string
	for _, p := range pipelines {
		topics = append(topics, p.topic())
	}
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...))
	if err != nil {
		return fmt.Errorf("start an in-process Kafka: %w", err)
	}
	defer kafka.Close()
	fmt.Fprintf(out, "An in-process Kafka listens on %s.\n", kafka.ListenAddrs()[0])
	if err := configure(root, dir, kafka.ListenAddrs()[0]); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	d := &demo{out: out, dir: dir, kafka: kafka}
	for _, p := range pipelines {
		if err := d.show(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	fmt.Fprintln(out, "\nEvery row that was made is in its table, once, or, where that can't take it, among its dead letters.")
	return nil
}

func moduleFolder(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(root)), nil
}

// build puts the programs into the folder bin below dir.
func build(ctx context.Context, root, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, "bin")+"/", "./collector", "./listener")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// call runs one of the programs as its user would who stands in the demo's folder, and
// prints the command with a remark.
func (d *demo) call(ctx context.Context, remark, program string, args ...string) error {
	fmt.Fprintf(d.out, "\n$ %s %s   # %s\n", program, strings.Join(args, " "), remark)
	cmd := exec.CommandContext(ctx, filepath.Join(d.dir, "bin", program), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.dir, d.out, os.Stderr
	// Times are local in the rows of DNS and in the partitions of its table, and are made
	// as of UTC.
	cmd.Env = append(os.Environ(), "PATH=", "TZ=UTC")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
