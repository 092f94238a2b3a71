package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"spot-ingest/pkg/config"
)

// configure fills in the ingest_conf.json that comes with the programs: where Kafka is,
// which folders are watched, and where the tables are to be. All else, as the options for
// tshark, stays as it is.
func configure(root, dir, kafka string) error {
	if err := checkSpotConf("/etc/spot.conf"); err != nil {
		return err
	}
	shipped, err := os.ReadFile(filepath.Join(root, "ingest_conf.json"))
	if err != nil {
		return err
	}
	type object = map[string]any
	var conf struct {
		AppPath   string            `json:"hdfs_app_path"`
		StateDir  string            `json:"state_dir"`
		Kafka     object            `json:"kafka"`
		Pipelines map[string]object `json:"pipelines"`
	}
	if err := json.Unmarshal(shipped, &conf); err != nil {
		return fmt.Errorf("ingest_conf.json: %w", err)
	}
	host, port, err := net.SplitHostPort(kafka)
	if err != nil {
		return err
	}
	conf.AppPath = "file://" + filepath.Join(dir, tables)
	conf.StateDir = filepath.Join(dir, "state")
	conf.Kafka["kafka_server"], conf.Kafka["kafka_port"] = host, port
	for name, p := range conf.Pipelines {
		in := filepath.Join(dir, name)
		if err := os.Mkdir(in, 0o755); err != nil {
			return err
		}
		p["collector_path"], p["local_staging"], p["quiet_seconds"] = in, dir, 0.1
	}
	edited, err := json.MarshalIndent(conf, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "ingest_conf.json"), edited, 0o644)
}

// checkSpotConf makes sure that the settings of a Spot that is installed here don't come
// before the demo's: its rows must not get into real tables.
func checkSpotConf(path string) error {
	settings, err := config.ReadSpotConf(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if folder := settings["HUSER"]; folder != "" {
		return fmt.Errorf("HUSER of %s is %q, where the listener would write: run the demo on a machine without Spot", path, folder)
	}
	return nil
}
