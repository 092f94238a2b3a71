package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// A Type is a kind of data. It decides on converter, table and logger.
type Type string

// The types of data.
const (
	Flow  Type = "flow"
	DNS   Type = "dns"
	Proxy Type = "proxy"
)

func isType(name string) bool {
	switch Type(name) {
	case Flow, DNS, Proxy:
		return true
	}
	return false
}

// A Pipeline is one entry of the section "pipelines": its key, and the type it is of.
type Pipeline struct {
	Name string
	Type Type
}

// An UnknownPipelineError says that a name is neither a type nor a pipeline.
type UnknownPipelineError struct {
	File      string
	Name      string
	Pipelines []string // that the file has, in alphabetical order
}

func (e *UnknownPipelineError) Error() string {
	has := "it has none"
	if len(e.Pipelines) > 0 {
		has = strings.Join(e.Pipelines, ", ")
	}
	return fmt.Sprintf("%s: %q is neither a type (dns, flow, proxy) nor one of its pipelines (%s)", e.File, e.Name, has)
}

// Pipeline returns the pipeline of that name, or else the only one of that type. The
// error is an [*UnknownPipelineError] if the name is neither.
func (c *Config) Pipeline(name string) (Pipeline, error) {
	p, _, err := c.pipeline(name)
	return p, err
}

func (c *Config) pipeline(name string) (Pipeline, section, error) {
	root, err := c.reading()
	pipelines := root.section("pipelines", `an object with a pipeline such as "flow"`)
	names := slices.Sorted(maps.Keys(pipelines.values))
	if !slices.Contains(names, name) {
		switch {
		case !isType(name):
			return Pipeline{}, section{}, &UnknownPipelineError{File: c.file, Name: name, Pipelines: names}
		case *err != nil:
			return Pipeline{}, section{}, *err
		}
		only, choiceErr := onlyOne(pipelines, names, Type(name))
		if choiceErr != nil {
			return Pipeline{}, section{}, choiceErr
		}
		name = only
	}
	p, s := readPipeline(pipelines, name)
	return p, s, *err
}

// onlyOne finds the name of the only pipeline of a type.
func onlyOne(pipelines section, names []string, want Type) (string, error) {
	var found []string
	pipelines.err = new(error) // what is wrong with the others doesn't matter
	for _, name := range names {
		if p, _ := readPipeline(pipelines, name); p.Type == want {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s: pipelines has none of type %q: add one, or choose another by -t (%s)",
			pipelines.file, want, strings.Join(names, ", "))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s: pipelines has several of type %q: choose one by -t (%s)",
		pipelines.file, want, strings.Join(found, ", "))
}

func readPipeline(pipelines section, name string) (Pipeline, section) {
	s := pipelines.section(name, `an object with "type" and "collector_path"`)
	fallback := ""
	if isType(name) {
		fallback = name
	}
	p := Pipeline{Name: name, Type: Type(s.choice("type", fallback, string(DNS), string(Flow), string(Proxy)))}
	if p.Type == "" {
		s.missing("type", "one of dns, flow, proxy")
	}
	return p, s
}

// A Collector is what the collector needs to know of a pipeline.
type Collector struct {
	Pipeline
	// Path is the folder to watch, as written: a relative one is relative to the
	// working directory.
	Path string
	// LocalStaging is the folder in which the staging folder is made, as written.
	LocalStaging string
	// SupportedFiles are regular expressions for package match. None means all files.
	SupportedFiles []string
	// ProcessOpt is the converter's options, one string with the shell's quoting.
	ProcessOpt string
	// Converter is what decodes the files: "auto", "native", or the type's tool ("nfdump"
	// or "tshark").
	Converter string
	// Recursive tells to watch folders below Path too.
	Recursive bool
	// Processes is the number of workers, from 1 to 1,000.
	Processes int
	// Interval is ingestion_interval, between two looks of Apache Spot at its queue.
	// Nothing depends on it.
	Interval time.Duration
	// Quiet is how long a file must have been left alone to be finished. Zero leaves
	// it to what is known of the file's writer.
	Quiet time.Duration
	// ConvertTimeout bounds the conversion of one file.
	ConvertTimeout time.Duration
	// Backlog tells to send the files that are there at the first start.
	Backlog bool
	// KeepCSV tells to keep a converter's CSV in local staging until the file is sent.
	KeepCSV bool
}

const (
	defaultStaging        = "/tmp"
	defaultProcesses      = 5
	maxProcesses          = 1000
	defaultInterval       = time.Second
	defaultConvertTimeout = 15 * time.Minute
	day                   = 24 * time.Hour
)

// converters are what the files of a type can be decoded by, the default first. Proxy logs
// need no decoding.
var converters = map[Type][]string{
	Flow:  {"auto", "native", "nfdump"},
	DNS:   {"auto", "native", "tshark"},
	Proxy: {"auto"},
}

// Collector returns what the collector needs of the pipeline that [Config.Pipeline]
// finds by this name.
func (c *Config) Collector(name string) (Collector, error) {
	p, s, err := c.pipeline(name)
	if err != nil {
		return Collector{}, err
	}
	root := section{file: c.file, values: c.values, err: s.err}
	col := Collector{
		Pipeline:       p,
		Path:           s.folder("collector_path", "the folder to watch"),
		LocalStaging:   s.folder("local_staging", "a folder for temporary files"),
		SupportedFiles: s.list("supported_files", `a list of regular expressions, such as ["nfcapd."]`),
		ProcessOpt:     s.text("process_opt", "a string of options"),
		Converter:      s.choice("converter", "auto", converters[p.Type]...),
		Recursive:      s.boolean("recursive", true),
		Processes:      root.whole("collector_processes", defaultProcesses, 1, maxProcesses, ""),
		Interval:       root.seconds("ingestion_interval", defaultInterval, 0, day),
		Quiet:          s.seconds("quiet_seconds", 0, 0, day),
		ConvertTimeout: s.seconds("convert_timeout", 0, 0, 7*day),
		Backlog:        s.boolean("backlog", false),
		KeepCSV:        s.boolean("staging", true),
	}
	if strings.ContainsAny(p.Name, "/\x00") {
		root.fail("pipelines", "has the name %q: want one without a slash, since a folder is named after it", p.Name)
	}
	if col.Path == "" {
		s.missing("collector_path", "the folder to watch")
	}
	if *s.err != nil {
		return Collector{}, *s.err
	}
	if col.LocalStaging == "" {
		col.LocalStaging = defaultStaging
	}
	if col.ConvertTimeout == 0 {
		col.ConvertTimeout = defaultConvertTimeout
	}
	return col, nil
}

// LocalStaging returns local_staging of the pipeline that [Config.Pipeline] finds by this
// name, the folder for temporary files, or the default. It need not exist: the file may be
// another host's.
func (c *Config) LocalStaging(name string) (string, error) {
	_, s, err := c.pipeline(name)
	if err != nil {
		return "", err
	}
	staging := s.text("local_staging", "a folder for temporary files")
	if staging == "" {
		staging = defaultStaging
	}
	return staging, *s.err
}

// folder returns a path. The shipped file's /collector_path is a placeholder, unless
// somebody has made such a folder.
func (s section) folder(key, want string) string {
	path := s.text(key, want)
	if strings.HasPrefix(path, "/collector_path/") {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			s.unedited(key, path, want)
		}
	}
	return path
}
