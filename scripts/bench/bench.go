package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"spot-ingest/scripts/internal/stack"
)

const (
	partitions = 4
	// maxBatch is the broker's limit of a batch.
	maxBatch = 4 * megabyte
)

type bench struct {
	broker    *stack.Broker
	dir       string
	kcat      string
	collector string
	topics    int // made so far; each run has its own
}

// A sender runs one program on an input. What verifies it gets what has arrived.
type sender struct {
	name    string
	command func(ctx context.Context, in *input, topic, work string) (*exec.Cmd, error)
	verify  func(in *input, got arrived) error
	silent  bool // it sends nothing, and what it prints is of no interest
}

// measureType runs both senders in turn. The order within a pair changes, so that neither
// always finds what the other has left behind; the first pair warms the broker and isn't
// counted.
func (b *bench) measureType(ctx context.Context, name string, size int64, runs int) (*result, error) {
	in, err := makeInput(b.dir, name, size)
	if err != nil {
		return nil, fmt.Errorf("make input: %w", err)
	}
	senders := [2]sender{
		{name: "kcat -P", command: b.kcatCommand, verify: verifyPieces},
		{name: "collector", command: b.collectorCommand, verify: verifyRows},
	}
	if in.isRaw() {
		senders[0] = sender{name: in.tool[0], command: toolCommand, silent: true}
	}
	r := &result{kind: name, totals: in.totals, peer: series{name: senders[0].name}, collector: series{name: senders[1].name}}
	for i := 0; i <= runs; i++ {
		for j := range senders {
			which := (i + j) % 2
			m, err := b.runOnce(ctx, in, senders[which])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", senders[which].name, err)
			}
			if i == 0 {
				continue
			}
			if which == 0 {
				r.peer.add(m)
			} else {
				r.collector.add(m)
			}
		}
	}
	return r, in.remove()
}

// runOnce sends the input into a fresh topic and checks what has arrived.
func (b *bench) runOnce(ctx context.Context, in *input, s sender) (m measurement, err error) {
	b.topics++
	topic := fmt.Sprintf("bench-%d", b.topics)
	if err := b.broker.CreateTopic(topic, partitions, nil); err != nil {
		return m, err
	}
	work := filepath.Join(b.dir, topic)
	if err := os.Mkdir(work, 0o700); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work), b.broker.DeleteTopic(topic)) }()
	cmd, err := s.command(ctx, in, topic, work)
	if err != nil {
		return m, err
	}
	// What earlier runs have left in the page cache is on its way to the disk before the
	// clock starts.
	unix.Sync()
	output := filepath.Join(work, "output")
	if s.silent {
		output = os.DevNull
	}
	if m, err = measure(cmd, output); err != nil || s.silent {
		return m, err
	}
	got, err := consume(ctx, b.broker.Addr(), topic, partitions)
	if err != nil {
		return m, fmt.Errorf("consume what has arrived: %w", err)
	}
	m.records = got.records
	return m, s.verify(in, got)
}

// kcatCommand lets kcat do what it does best. Given files it maps each one and sends it as
// a message; the other way, a delimiter on standard input, makes it search every byte.
// Its queue takes the whole input, nothing waits for a batch to fill (a message is one),
// and acks=all as with the collector. Other settings made no difference that could be
// told from chance: buffers of sockets, requests in flight, partitioners, larger batches.
func (b *bench) kcatCommand(ctx context.Context, in *input, topic, _ string) (*exec.Cmd, error) {
	args := []string{
		"-P", "-b", b.broker.Addr(), "-t", topic, "-X", "acks=all", "-X", "compression.codec=none",
		"-X", "linger.ms=0", "-X", "socket.nagle.disable=true", "-X", fmt.Sprintf("message.max.bytes=%d", maxBatch),
		"-X", fmt.Sprintf("queue.buffering.max.kbytes=%d", min(in.totals.Bytes/1024*2+1024, 2_147_483_647)),
	}
	cmd := exec.CommandContext(ctx, b.kcat, append(args, in.names...)...)
	cmd.Dir = in.pieces
	return cmd, nil
}

// toolCommand lets the tool print the CSV of a raw file.
func toolCommand(ctx context.Context, in *input, _, work string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, in.tool[0], append(in.tool[1:len(in.tool):len(in.tool)], in.path)...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "TZ=UTC")
	return cmd, nil
}

// collectorCommand writes a configuration with state and staging of this run alone.
func (b *bench) collectorCommand(ctx context.Context, in *input, topic, work string) (*exec.Cmd, error) {
	host, port, err := net.SplitHostPort(b.broker.Addr())
	if err != nil {
		return nil, err
	}
	state, staging := filepath.Join(work, "state"), filepath.Join(work, "staging")
	if err := errors.Join(os.Mkdir(state, 0o700), os.Mkdir(staging, 0o700)); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(map[string]any{
		"state_dir": state,
		"kafka":     map[string]any{"kafka_server": host, "kafka_port": port, "max_request_size": 1048576},
		"pipelines": map[string]any{in.record: map[string]any{"type": in.record, "collector_path": in.folder, "local_staging": staging}},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(work, "ingest_conf.json")
	if err := os.WriteFile(conf, text, 0o600); err != nil {
		return nil, err
	}
	args := []string{"--once", "--topic", topic, "-t", in.record, "-c", conf}
	if !in.isRaw() {
		args = append(args, "--skip-conversion")
	}
	cmd := exec.CommandContext(ctx, b.collector, args...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "TZ=UTC") // the zone that the input was generated for
	return cmd, nil
}

func verifyPieces(in *input, got arrived) error {
	if got.records != int64(len(in.names)) || got.bytes != in.totals.Bytes {
		return fmt.Errorf("%d messages of %d bytes have arrived, %d of %d were sent", got.records, got.bytes, len(in.names), in.totals.Bytes)
	}
	return nil
}

func verifyRows(in *input, got arrived) error {
	if got.segments != got.records {
		return fmt.Errorf("of %d messages that have arrived %d are no segments", got.records, got.records-got.segments)
	}
	if got.rows != in.totals.Rows || got.rowBytes != in.totals.RowBytes {
		return fmt.Errorf("%d rows of %d bytes have arrived, the file has %d of %d", got.rows, got.rowBytes, in.totals.Rows, in.totals.RowBytes)
	}
	return nil
}
