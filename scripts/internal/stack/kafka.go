// Package stack starts real components for tests and tools, without containers: the jars
// come from Maven once and are kept in the user's cache, everything listens on 127.0.0.1,
// and all processes die with the one that started them.
//
// Kafka 3.9 and 4.x run as a single node in KRaft mode. Java and Maven must be installed.
// Spark is a package of Python, pyspark; here are the jars that it needs for Kafka.
// Hive's metastore runs in versions 3 and 4, on an embedded database; HiveServer2 is Spark's.
package stack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
)

// Kafka says which broker to start.
type Kafka struct {
	// Version as Maven knows it, such as 3.9.2 or 4.3.1.
	Version string
	// Port for clients; 0 takes a free one.
	Port int
	// Properties are added to server.properties and win over what stands there.
	Properties map[string]string
}

// A Broker is a single-node Kafka cluster with a data folder of its own. Its methods are
// for one goroutine.
type Broker struct {
	version        string
	java, jars     string
	dir            string
	port, ctrlPort int
	process        *process // nil before the first start
}

// readyIn bounds the time from start to the first answer; a loaded machine takes long.
const readyIn = 90 * time.Second

// stopGrace is how long a broker may take to write its state and end.
const stopGrace = 30 * time.Second

// portTries bounds how often other free ports are tried where another process took them
// between the search and the start.
const portTries = 3

var errPortTaken = errors.New("the port is taken")

// StartKafka fetches the version if needed, makes an empty data folder in the folder for
// temporary files, and returns once the broker answers. Errors hold the end of its log.
// The context bounds the start alone. The caller owns the broker and must Close it.
func StartKafka(ctx context.Context, k Kafka) (*Broker, error) {
	java, err := find("java", "default-jre-headless")
	if err != nil {
		return nil, fmt.Errorf("start kafka %s: %w", k.Version, err)
	}
	jars, err := kafkaJars(ctx, k.Version)
	if err != nil {
		return nil, fmt.Errorf("start kafka %s: %w", k.Version, err)
	}
	for try := 1; ; try++ {
		b := &Broker{version: k.Version, java: java, jars: jars}
		if err = b.create(ctx, k); err == nil {
			err = b.Start(ctx)
		}
		if err == nil {
			return b, nil
		}
		err = errors.Join(err, b.Close())
		if !errors.Is(err, errPortTaken) || k.Port != 0 || try == portTries {
			return nil, err
		}
	}
}

// create chooses ports, writes the configuration and formats the data folder.
func (b *Broker) create(ctx context.Context, k Kafka) (err error) {
	if b.port = k.Port; b.port == 0 {
		if b.port, err = freePort(); err != nil {
			return fmt.Errorf("start kafka %s: %w", b.version, err)
		}
	}
	for b.ctrlPort == 0 || b.ctrlPort == b.port {
		if b.ctrlPort, err = freePort(); err != nil {
			return fmt.Errorf("start kafka %s: %w", b.version, err)
		}
	}
	if b.dir, err = os.MkdirTemp("", "spot-kafka-"); err != nil {
		return fmt.Errorf("start kafka %s: %w", b.version, err)
	}
	if err := os.WriteFile(b.configFile(), b.properties(k.Properties), 0o644); err != nil {
		return fmt.Errorf("configure kafka %s: %w", b.version, err)
	}
	id, err := clusterID()
	if err != nil {
		return fmt.Errorf("format kafka %s: %w", b.version, err)
	}
	cmd := exec.CommandContext(ctx, b.java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(b.jars, "*"),
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Djava.io.tmpdir="+b.dir,
		"kafka.tools.StorageTool", "format", "-t", id, "-c", b.configFile())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format the data folder of kafka %s: %w\n%s", b.version, err, tail(out))
	}
	return nil
}

func (b *Broker) configFile() string { return filepath.Join(b.dir, "server.properties") }

// properties are those of a one-node cluster, small in memory and quick with groups; the
// rest stays as Kafka ships it.
func (b *Broker) properties(extra map[string]string) []byte {
	client, controller := b.Addr(), net.JoinHostPort("127.0.0.1", strconv.Itoa(b.ctrlPort))
	p := map[string]string{
		"process.roles":                            "broker,controller",
		"node.id":                                  "1",
		"controller.quorum.voters":                 "1@" + controller,
		"listeners":                                "PLAINTEXT://" + client + ",CONTROLLER://" + controller,
		"advertised.listeners":                     "PLAINTEXT://" + client,
		"listener.security.protocol.map":           "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.listener.names":                "CONTROLLER",
		"inter.broker.listener.name":               "PLAINTEXT",
		"log.dirs":                                 filepath.Join(b.dir, "data"),
		"offsets.topic.replication.factor":         "1",
		"offsets.topic.num.partitions":             "4",
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr":            "1",
		"transaction.state.log.num.partitions":     "4",
		"group.initial.rebalance.delay.ms":         "0",
		"log.cleaner.dedupe.buffer.size":           "4194304",
		// After a crash the broker is let in again when its old session has ended.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
	}
	maps.Copy(p, extra)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", key, p[key])
	}
	return []byte(text.String())
}

func clusterID() (string, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	// A leading dash would be taken for an option.
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:]), nil
}

// Addr is host and port for clients.
func (b *Broker) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

func (b *Broker) logFile() string { return filepath.Join(b.dir, "kafka.log") }

// LogTail returns the last lines of Kafka's log.
func (b *Broker) LogTail() string { return b.process.tail() }

// Done is closed when the broker's process has ended, for whatever reason.
func (b *Broker) Done() <-chan struct{} { return b.process.done }

// Start starts a stopped or killed broker again, on the same port and data, and returns
// once it answers.
func (b *Broker) Start(ctx context.Context) error {
	if b.process != nil && b.process.running() {
		return fmt.Errorf("start kafka %s: process %d is running already", b.version, b.process.cmd.Process.Pid)
	}
	p, err := startProcess(b.dir, b.logFile(), b.java, "-Xmx512m", "-XX:+UseSerialGC",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Djava.io.tmpdir="+b.dir, "-cp", filepath.Join(b.jars, "*"), "kafka.Kafka", b.configFile())
	if err != nil {
		return fmt.Errorf("start kafka %s: %w", b.version, err)
	}
	b.process = p
	if err := b.waitReady(ctx); err != nil {
		p.kill()
		return fmt.Errorf("start kafka %s on %s: %w; the end of its log:\n%s", b.version, b.Addr(), err, p.tail())
	}
	return nil
}

// waitReady asks for the cluster's brokers until this one is among them.
func (b *Broker) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	for {
		err := b.ask(ctx, func(c *kafka.Conn) error {
			brokers, err := c.Brokers()
			if err == nil && len(brokers) == 0 {
				err = errors.New("no broker is registered yet")
			}
			return err
		})
		if !b.process.running() {
			if strings.Contains(b.process.tail(), "Address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("it ended: %w", b.process.err)
		}
		if err == nil {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("no answer: %w", errors.Join(ctx.Err(), err))
		}
	}
}

// ask makes one request on a connection of its own.
func (b *Broker) ask(ctx context.Context, request func(*kafka.Conn) error) error {
	c, err := kafka.DialContext(ctx, "tcp", b.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	return request(c)
}

// Stop ends the broker as an administrator would, also a paused one; its data stay. A
// broker that had to be killed is an error.
func (b *Broker) Stop() error {
	if b.process == nil || !b.process.running() {
		return nil
	}
	if err := b.process.stop(stopGrace); err != nil {
		return fmt.Errorf("stop kafka %s: %w", b.version, err)
	}
	return nil
}

// Restart stops the broker and starts it again.
func (b *Broker) Restart(ctx context.Context) error {
	if err := b.Stop(); err != nil {
		return err
	}
	return b.Start(ctx)
}

// Kill ends the broker by SIGKILL, as a crash would; its data stay.
func (b *Broker) Kill() {
	if b.process != nil && b.process.running() {
		b.process.kill()
	}
}

// Pause freezes the broker: connections stay open and nothing answers.
func (b *Broker) Pause() error { return b.process.signal(syscall.SIGSTOP) }

// Continue lets a paused broker go on.
func (b *Broker) Continue() error { return b.process.signal(syscall.SIGCONT) }

// Close kills the broker and removes its data and its log.
func (b *Broker) Close() error {
	b.Kill()
	if b.dir == "" {
		return nil
	}
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("remove the data of kafka %s: %w", b.version, err)
	}
	return nil
}
