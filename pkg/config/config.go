// Package config reads ingest_conf.json, the file that both programs share with each
// other and with Apache Spot's ingest, as installations of that have written it.
//
// Numbers and booleans may be strings; an empty string, null or no key at all means the
// default. Keys that aren't asked for are never looked at, and so never a reason to
// fail: a collector needs no database name, and nobody needs ZooKeeper (however it is
// spelled). Every error names the file, the key, its value and what would be right.
//
// Keys that Apache Spot did not know, all optional:
//
//	section         key                   type     unit     default
//	(top)           state_dir             string   folder   see [Config.StateDir]
//	(top)           hive_partition_repair boolean           true: what a crash left out is added at start
//	kafka           compression_type      string            none (gzip, snappy, lz4, zstd)
//	pipelines.X     quiet_seconds         number   seconds  0: chosen by what is known of the writer
//	pipelines.X     convert_timeout       number   seconds  900
//	pipelines.X     backlog               boolean           false: as the option --backlog
//	pipelines.X     converter             string            auto (native, nfdump for flow, tshark for dns)
//	pipelines.X     staging               boolean           true: a converter's CSV is kept in
//	                                                        local staging until the file is sent
//	spark-streaming parquet_compression   string            snappy (none, zstd, gzip)
//	spark-streaming file_roll_seconds     number   seconds  0: a file ends with its batch
//	spark-streaming file_roll_bytes       number   bytes    0: a file ends with its batch
//	spark-streaming spark_jars            string            none: a list for --jars, and then no
//	                                                        --packages of ours
//	spark-streaming spark_packages        string            found by Spark's version: a list for
//	                                                        --packages, or "none"
//	hive            metastore             string            none: thrift://host:9083, several with commas
//	hive            hiveserver2           string            none: host:10000
//
// Two files of others are read too: Spot's own settings, /etc/spot.conf, and Hadoop's
// configuration, such as core-site.xml.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// maxSize bounds the file: a configuration is some kilobytes, a file given by mistake
// can be anything.
const maxSize = 1 << 20

// A Config is the content of a configuration file. Its methods check the part that they
// return and no other.
type Config struct {
	file   string
	values map[string]json.RawMessage
}

// Load reads the file. It fails if the file can't be read, or is not a JSON object:
// then the error gives line and column.
func Load(path string) (*Config, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(path, text)
}

// readSmall returns the content of a file of up to maxSize bytes. Its error names the file.
func readSmall(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("%s: larger than %d bytes: this is no configuration file", path, maxSize)
	}
	return text, err
}

func parse(path string, text []byte) (*Config, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors put a mark of byte order
	if at := invalidUTF8(text); at >= 0 {
		return nil, fmt.Errorf("%s: %s: byte 0x%02x is not valid UTF-8: save the file as UTF-8", path, position(text, at), text[at])
	}
	c := &Config{file: path}
	err := json.Unmarshal(text, &c.values)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%s: %w", path, explain(text, syntax))
	case err != nil || c.values == nil:
		return nil, fmt.Errorf("%s: the file must hold one JSON object, { … }", path)
	}
	return c, nil
}

func invalidUTF8(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}
