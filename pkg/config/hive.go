package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// Hive tells by whom Hive learns of tables and partitions. At most one of Metastore and
// HiveServer2 is set.
type Hive struct {
	// Metastore are the metastore's servers, any of which will do, as "host:port" with IPv6
	// in brackets.
	Metastore []string
	// HiveServer2 is its server, in the same form; empty if unset.
	HiveServer2 string
	// PartitionRepair is hive_partition_repair: at the start, partitions that the table has
	// and Hive does not know are added. True if unset.
	PartitionRepair bool
}

const (
	metastorePort   = 9083
	hiveServer2Port = 10000

	wantMetastore   = `"thrift://host:9083", or several of them with commas`
	wantHiveServer2 = `a host with a port or without: "host:10000"`
)

// Hive returns the section "hive", or an empty one if there is none, and the key
// hive_partition_repair.
func (c *Config) Hive() (Hive, error) {
	root, err := c.reading()
	s := root.optional("hive", `an object with "metastore" or "hiveserver2"`)
	h := Hive{
		Metastore:       s.metastore("metastore"),
		HiveServer2:     s.hiveServer2("hiveserver2"),
		PartitionRepair: root.boolean("hive_partition_repair", true),
	}
	if h.Metastore != nil && h.HiveServer2 != "" {
		s.fail("hiveserver2", "is set, and so is hive.metastore: keep the one that is to be told of partitions")
	}
	if *err != nil {
		return Hive{}, *err
	}
	return h, nil
}

func (s section) metastore(key string) []string {
	servers, err := parseMetastore(strings.Join(s.list(key, wantMetastore), ","))
	if err != nil {
		s.fail(key, "%v", err)
	}
	return servers
}

func (s section) hiveServer2(key string) string {
	text := strings.TrimSpace(s.text(key, wantHiveServer2))
	if text == "" {
		return ""
	}
	server, valid := withPort(text, hiveServer2Port)
	if !valid {
		s.invalid(key, wantHiveServer2)
	}
	return server
}

// parseMetastore takes a list of metastores as Hive's own hive.metastore.uris has it, and
// servers without the scheme.
func parseMetastore(text string) ([]string, error) {
	var servers []string
	for _, uri := range strings.FieldsFunc(text, isSeparator) {
		server, valid := withPort(strings.TrimSuffix(strings.TrimPrefix(uri, "thrift://"), "/"), metastorePort)
		if !valid {
			return nil, fmt.Errorf("has %q: want %s", uri, wantMetastore)
		}
		servers = append(servers, server)
	}
	return servers, nil
}

// withPort returns "host:port" of a server that may lack its port.
func withPort(server string, fallback int) (string, bool) {
	host, port, valid := splitServer(server)
	if port == "" {
		port = strconv.Itoa(fallback)
	}
	return net.JoinHostPort(host, port), valid
}

// SpotHiveServer2 returns the server that HS2_HOST and HS2_PORT of Spot's settings name, as
// "host:port"; empty if HS2_HOST is unset. The settings are those of the file path, see
// [ReadSpotConf].
func SpotHiveServer2(settings map[string]string, path string) (string, error) {
	host, port := strings.TrimSpace(settings["HS2_HOST"]), strings.TrimSpace(settings["HS2_PORT"])
	if host == "" {
		return "", nil
	}
	server := host
	if port != "" {
		server += ":" + port
	}
	if server, valid := withPort(server, hiveServer2Port); valid {
		return server, nil
	}
	return "", fmt.Errorf("%s: HS2_HOST is %q and HS2_PORT %q: want a host and a port; nothing is expanded here", path, host, port)
}

// FindMetastore looks for hive.metastore.uris in the hive-site.xml of HIVE_CONF_DIR,
// SPARK_CONF_DIR and HADOOP_CONF_DIR, in this order; env is os.Getenv. It returns the servers
// as "host:port", and the file they are from, which is the first that has any. Both are
// empty if there is none.
func FindMetastore(env func(string) string) (servers []string, file string, err error) {
	const key = "hive.metastore.uris"
	for _, name := range []string{"HIVE_CONF_DIR", "SPARK_CONF_DIR", "HADOOP_CONF_DIR"} {
		if env(name) == "" {
			continue
		}
		file := filepath.Join(env(name), "hive-site.xml")
		properties, err := ReadHadoopConf(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, "", fmt.Errorf("find Hive's metastore by %s: %w", name, err)
		}
		servers, err := parseMetastore(properties[key])
		if err != nil {
			return nil, "", fmt.Errorf("%s: %s %w; the key hive.metastore of the configuration goes before it", file, key, err)
		}
		if servers != nil {
			return servers, file, nil
		}
	}
	return nil, "", nil
}
