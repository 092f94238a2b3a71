package stack

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An artifact is a Maven dependency.
type artifact struct {
	XMLName xml.Name `xml:"dependency"`
	Group   string   `xml:"groupId"`
	Name    string   `xml:"artifactId"`
	Version string   `xml:"version"`
	// Without are those of its own dependencies that aren't wanted.
	Without []exclusion `xml:"exclusions>exclusion,omitempty"`
}

// An exclusion names a dependency, or all of them by asterisks.
type exclusion struct {
	Group string `xml:"groupId"`
	Name  string `xml:"artifactId"`
}

type project struct {
	XMLName      xml.Name   `xml:"http://maven.apache.org/POM/4.0.0 project"`
	ModelVersion string     `xml:"modelVersion"`
	Group        string     `xml:"groupId"`
	Name         string     `xml:"artifactId"`
	Version      string     `xml:"version"`
	Dependencies []artifact `xml:"dependencies>dependency"`
}

var versionPattern = regexp.MustCompile(`^\d+(\.\d+)+(-[A-Za-z0-9.]+)?$`)

// kafkaJars returns the folder that holds a Kafka version's jars. They are fetched once, by
// Maven, into the user's cache; processes that need the same version at the same time
// wait for the first of them.
func kafkaJars(ctx context.Context, version string) (string, error) {
	if !versionPattern.MatchString(version) {
		return "", fmt.Errorf("kafka version %q: want numbers such as 4.3.1", version)
	}
	return cachedJars(ctx, "kafka-"+version, []artifact{
		{Group: "org.apache.kafka", Name: "kafka_2.13", Version: version},
		{Group: "org.slf4j", Name: "slf4j-simple", Version: "1.7.36"},
	})
}

// cachedJars returns the folder of that name in the user's cache.
func cachedJars(ctx context.Context, name string, artifacts []artifact) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache for the jars of %s: %w", name, err)
	}
	return fetchJars(ctx, filepath.Join(cache, "spot-ingest-stack"), name, artifacts)
}

// fetchJars fills cache/name with the artifacts and all they depend on. The folder appears
// by rename once it is complete, so that one that exists can be used.
func fetchJars(ctx context.Context, cache, name string, artifacts []artifact) (string, error) {
	target := filepath.Join(cache, name)
	if isDir(target) {
		return target, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache of jars: %w", err)
	}
	unlock, err := lock(ctx, target+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(target) { // fetched by whoever held the lock
		return target, nil
	}
	work, err := os.MkdirTemp(cache, name+".part-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the jars of %s: %w", name, err)
	}
	defer os.RemoveAll(work)
	if err := runMaven(ctx, work, artifacts); err != nil {
		return "", fmt.Errorf("fetch %s: %w", name, err)
	}
	if err := os.Rename(filepath.Join(work, "lib"), target); err != nil {
		return "", fmt.Errorf("keep the jars of %s: %w", name, err)
	}
	return target, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// lock takes an exclusive lock on a file, which ends with the process at the latest.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the cache of jars: %w", err)
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			file.Close()
			return nil, fmt.Errorf("wait for %s, which another process holds: %w", path, err)
		}
	}
}

// runMaven copies the artifacts with their run-time dependencies to dir/lib.
func runMaven(ctx context.Context, dir string, artifacts []artifact) error {
	mvn, err := find("mvn", "maven")
	if err != nil {
		return err
	}
	pom, err := xml.Marshal(project{
		ModelVersion: "4.0.0", Group: "spot-ingest", Name: "stack", Version: "1", Dependencies: artifacts,
	})
	if err != nil {
		return err
	}
	pomFile := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(pomFile, pom, 0o644); err != nil {
		return err
	}
	// The signal lets Maven remove what it has half written in its own repository.
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", pomFile, "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "lib"))
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn dependency:copy-dependencies: %w\n%s", err, tail(out))
	}
	return nil
}

// find looks a program up and, where it is missing, names the Debian package that has it.
func find(program, debianPackage string) (string, error) {
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not installed: install Debian's package %s: %w", program, debianPackage, err)
	}
	if err != nil {
		return "", fmt.Errorf("find %s: %w", program, err)
	}
	return path, nil
}

const tailBytes = 4 << 10

// tail returns the last lines of a program's output.
func tail(out []byte) string {
	if len(out) > tailBytes {
		out = out[len(out)-tailBytes:]
	}
	return strings.TrimSpace(string(out))
}

// pause waits for d, or for the end of the context, which it returns.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
