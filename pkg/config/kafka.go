package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// Kafka tells how to reach the cluster and what it takes.
type Kafka struct {
	// Servers are the brokers to begin with, as "host:port" with IPv6 in brackets.
	Servers []string
	// MaxRequestSize bounds a record, in bytes: from 1,000 to 104,857,600, the largest
	// request that a broker accepts as it is shipped.
	MaxRequestSize int
	// Compression is "none", "gzip", "snappy", "lz4" or "zstd".
	Compression string
}

const (
	defaultPort           = 9092
	defaultMaxRequestSize = 1 << 20
	minMaxRequestSize     = 1000
	maxMaxRequestSize     = 100 << 20

	wantServer = `a broker's host name or address, or several with commas, each with a port or without: "kafka1:9092, kafka2, [2001:db8::1]:9092"`
)

// Kafka returns the section "kafka". It fails if kafka_server is unset or still the
// placeholder, or if kafka_port is and a server comes without a port of its own.
func (c *Config) Kafka() (Kafka, error) {
	root, err := c.reading()
	s := root.section("kafka", `an object with "kafka_server" and "kafka_port"`)
	k := Kafka{
		Servers:        s.servers("kafka_server"),
		MaxRequestSize: s.whole("max_request_size", defaultMaxRequestSize, minMaxRequestSize, maxMaxRequestSize, "bytes"),
		Compression:    s.choice("compression_type", "none", "none", "gzip", "snappy", "lz4", "zstd"),
	}
	if *err != nil {
		return Kafka{}, *err
	}
	return k, nil
}

// Zookeeper returns zookeper_server and zookeper_port, which Apache Spot spells so, or
// zookeeper_server and zookeeper_port, as "server:port" of the text that is there. It is
// empty if one of them is unset, still the placeholder, or no text or number: nobody needs
// ZooKeeper.
func (c *Config) Zookeeper() string {
	value := func(placeholder string, keys ...string) string {
		for _, key := range keys {
			root, err := c.reading()
			text := root.optional("kafka", "").written(key, "")
			if *err == nil && text != "" && text != placeholder {
				return text
			}
		}
		return ""
	}
	server := value("zk ip", "zookeper_server", "zookeeper_server")
	port := value("zk port", "zookeper_port", "zookeeper_port")
	if server == "" || port == "" {
		return ""
	}
	return server + ":" + port
}

func (s section) servers(key string) []string {
	all := strings.Join(s.list(key, wantServer), ",")
	if strings.Contains(all, "kafka ip") {
		s.unedited(key, "kafka ip", wantServer)
	}
	var servers []string
	for _, server := range strings.FieldsFunc(all, isSeparator) {
		host, port, valid := splitServer(server)
		if !valid {
			s.fail(key, "has %q: want %s", server, wantServer)
		}
		if port == "" {
			port = s.port("kafka_port")
		}
		servers = append(servers, net.JoinHostPort(host, port))
	}
	if servers == nil {
		s.missing(key, wantServer)
	}
	return servers
}

func isSeparator(r rune) bool { return r == ',' || unicode.IsSpace(r) }

// port returns the port of the servers that have none of their own.
func (s section) port(key string) string {
	if string(s.values[key]) == `"kafka port"` {
		s.unedited(key, "kafka port", "the brokers' port, usually 9092")
	}
	return strconv.Itoa(s.whole(key, defaultPort, 1, 65535, ""))
}

// splitServer takes "host", "host:port", "[address]" and "[address]:port".
func splitServer(server string) (host, port string, valid bool) {
	if address, found := strings.CutPrefix(server, "["); found {
		host, port, found = strings.Cut(address, "]")
		ip, err := netip.ParseAddr(host)
		if !found || err != nil || !ip.Is6() {
			return "", "", false
		}
		if port == "" {
			return host, "", true
		}
		if port, found = strings.CutPrefix(port, ":"); !found {
			return "", "", false
		}
		return host, port, isPort(port)
	}
	host, port, found := strings.Cut(server, ":")
	return host, port, isHost(host) && (!found || isPort(port))
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func isHost(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return s != "" && strings.Trim(s, letters) == ""
}
