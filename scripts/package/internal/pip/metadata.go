package pip

import (
	"bytes"
	"fmt"
	"strings"
)

// platforms are the tags by which pip knows the machines that a wheel is for. The programs are
// static, so any C library will do; the older names are for pip before 20.3, which knows no
// others.
var platforms = map[string][]string{
	"amd64": {"manylinux1_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64", "musllinux_1_1_x86_64"},
	"arm64": {"manylinux2014_aarch64", "manylinux_2_17_aarch64", "musllinux_1_1_aarch64"},
}

var pythons = [...]string{"py2", "py3"}

// wheelName returns the wheel's file name, with the compressed set of its tags.
func wheelName(version, arch string) string {
	return fmt.Sprintf("%s-%s-%s-none-%s.whl", project, version,
		strings.Join(pythons[:], "."), strings.Join(platforms[arch], "."))
}

// wheelInfo returns the content of WHEEL. The source distribution holds it too, and its
// backend takes the wheel's name from the tags, in their order.
func wheelInfo(arch string) ([]byte, error) {
	if platforms[arch] == nil {
		return nil, fmt.Errorf("no wheel for %q: want amd64 or arm64", arch)
	}
	var b bytes.Buffer
	b.WriteString("Wheel-Version: 1.0\nGenerator: spot-ingest\nRoot-Is-Purelib: false\n")
	for _, python := range pythons {
		for _, platform := range platforms[arch] {
			fmt.Fprintf(&b, "Tag: %s-none-%s\n", python, platform)
		}
	}
	return b.Bytes(), nil
}

// metadata returns the content of METADATA, which is that of PKG-INFO too.
func (d Distribution) metadata(version string) []byte {
	head := "Metadata-Version: 2.1\n" +
		"Name: distributed-collector\n" +
		"Version: " + version + "\n" +
		"Summary: Apache Spot's ingest: telemetry files to Kafka, and from there to Hive tables\n" +
		"License: Apache-2.0\n" +
		"Classifier: Environment :: Console\n" +
		"Classifier: License :: OSI Approved :: Apache Software License\n" +
		"Classifier: Operating System :: POSIX :: Linux\n" +
		"Classifier: Programming Language :: Python :: 2.7\n" +
		"Classifier: Programming Language :: Python :: 3\n" +
		"Requires-Python: >=2.7\n" +
		"Description-Content-Type: text/markdown\n\n"
	return append([]byte(head), d.Readme...)
}
