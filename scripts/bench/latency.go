package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/segmentio/kafka-go"
)

const (
	// latencyBatch is the listener's batch, in seconds.
	latencyBatch = 1
	// visibleIn bounds the wait for a row, the listener's start included.
	visibleIn = time.Minute
)

// latency measures the time from before a message of one row is published until a file
// that holds the row is seen in the table, for one message after the other, each sent at
// another moment of the listener's batch.
func (b *listening) latency(ctx context.Context, messages int) (delays []time.Duration, err error) {
	const topic = "latency"
	if err := b.broker.CreateTopic(topic, 1, nil); err != nil {
		return nil, err
	}
	work := filepath.Join(b.dir, topic)
	if err := os.Mkdir(work, 0o700); err != nil {
		return nil, err
	}
	warehouse, table := warehouseOf(work)
	conf, err := b.listenerConf(work, warehouse, map[string]any{"spark_batch_size": latencyBatch})
	if err != nil {
		return nil, err
	}
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, b.listener, "-t", "flow", "--topic", topic, "-p", "1", "--master", "local", "-c", conf, "--from", "earliest")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = work, append(os.Environ(), "TZ=UTC"), &output, &output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		stopped := cmd.Process.Signal(syscall.SIGTERM)
		if err = errors.Join(err, stopped, cmd.Wait()); err != nil {
			err = fmt.Errorf("%w; the listener's output:\n%s", err, tailOf(output.Bytes()))
		}
	}()
	w := kafka.Writer{Addr: kafka.TCP(b.broker.Addr()), Topic: topic, RequiredAcks: kafka.RequireAll, BatchSize: 1}
	defer w.Close()
	seen := &tableWatch{folder: table, files: make(map[string]bool)}
	moments := rand.New(rand.NewPCG(1, 1))
	for i := range int64(messages) + 1 {
		start := time.Now()
		if err := w.WriteMessages(ctx, kafka.Message{Value: oneRow(i)}); err != nil {
			return nil, err
		}
		if err := seen.wait(ctx, i); err != nil {
			return nil, err
		}
		// The first waits for the listener's start.
		if i > 0 {
			delays = append(delays, time.Since(start))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(moments.Float64() * latencyBatch * float64(time.Second))):
		}
	}
	return delays, nil
}

// oneRow is a segment of one flow row, told by its column ibyt.
func oneRow(number int64) []byte {
	row := fmt.Appendf(nil, "2018-03-20 09:00:00,2018,3,20,9,0,0,0.374,10.2.0.243,192.0.2.39,39217,53,UDP,......,0,0,69,%d,0,0,0,0,2457,5632,0,0,127.0.0.1", number)
	value := binary.AppendVarint([]byte{0}, 1)
	value = append(binary.AppendVarint(value, int64(len(row))), row...)
	return append(value, 0)
}

// A tableWatch knows the files of a table that were looked into.
type tableWatch struct {
	folder string
	files  map[string]bool
}

// wait returns once a new file holds the row.
func (t *tableWatch) wait(ctx context.Context, number int64) error {
	ctx, cancel := context.WithTimeout(ctx, visibleIn)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := t.look(number)
		if found || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("row %d is in no file of the table: %w", number, ctx.Err())
		case <-tick.C:
		}
	}
}

func (t *tableWatch) look(number int64) (found bool, err error) {
	err = filepath.WalkDir(t.folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the table's folder comes with its first file
		}
		if err != nil || entry.IsDir() || t.files[path] {
			return err
		}
		t.files[path] = true
		numbers, err := readColumn(path, "ibyt")
		for _, n := range numbers {
			found = found || n == number
		}
		return err
	})
	return found, err
}

// readColumn returns the integers of a column of a Parquet file.
func readColumn(path, name string) (numbers []int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	pf, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	column, ok := pf.Schema().Lookup(name)
	if !ok {
		return nil, fmt.Errorf("%s has no column %s", path, name)
	}
	for _, group := range pf.RowGroups() {
		pages := group.ColumnChunks()[column.ColumnIndex].Pages()
		numbers, err = appendPages(numbers, pages)
		if err = errors.Join(err, pages.Close()); err != nil {
			return nil, fmt.Errorf("column %s of %s: %w", name, path, err)
		}
	}
	return numbers, nil
}

func appendPages(numbers []int64, pages parquet.Pages) ([]int64, error) {
	for {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return numbers, nil
		}
		if err != nil {
			return nil, err
		}
		values := make([]parquet.Value, page.NumValues())
		n, err := page.Values().ReadValues(values)
		if err != nil && err != io.EOF {
			return nil, err
		}
		for _, value := range values[:n] {
			numbers = append(numbers, value.Int64())
		}
	}
}
