package pip

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.0.0": "1.0.0", "10.20.30": "10.20.30", "1.1.0-rc1": "1.1.0rc1", "1.1.0-rc12": "1.1.0rc12",
		"": "", "1.0": "", "v1.0.0": "", "1.0.0rc1": "", "1.0.0-rc": "", "1.0.0-rc01": "", "01.0.0": "",
		"1.0.0-beta1": "", "1.0.0+x": "", "1.0.0\n": "", "1.0.0/../x": "",
	} {
		got, err := Distribution{Version: version}.version()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", version, got, err, want)
		}
	}
}

func TestWheel(t *testing.T) {
	for arch, wantName := range map[string]string{
		"amd64": "distributed_collector-1.1.0rc1-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_1_x86_64.whl",
		"arm64": "distributed_collector-1.1.0rc1-py2.py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64.whl",
	} {
		dir, b := t.TempDir(), exampleBinaries(t, arch)
		name, err := WriteWheel(dir, example, b)
		if err != nil || name != wantName {
			t.Fatalf("got %q, %v; want %q", name, err, wantName)
		}
		members := readZip(t, filepath.Join(dir, name))
		checkMembers(t, members, []wanted{
			{"distributed_collector-1.1.0rc1.data/scripts/collector", 0o755},
			{"distributed_collector-1.1.0rc1.data/scripts/listener", 0o755},
			{"distributed_collector-1.1.0rc1.dist-info/LICENSE", 0o644},
			{"distributed_collector-1.1.0rc1.dist-info/METADATA", 0o644},
			{"distributed_collector-1.1.0rc1.dist-info/THIRD-PARTY.txt", 0o644},
			{"distributed_collector-1.1.0rc1.dist-info/WHEEL", 0o644},
			{"distributed_collector-1.1.0rc1.dist-info/RECORD", 0o644},
		})
		checkRecord(t, members)
		for i, path := range []string{b.Collector, b.Listener} {
			if content, err := os.ReadFile(path); err != nil || members[i].content != string(content) {
				t.Errorf("%s is not the program (%v)", members[i].name, err)
			}
		}
		checkMetadata(t, members[3].content)
		checkTags(t, name, members[5].content)
	}
}

func checkMetadata(t *testing.T, metadata string) {
	t.Helper()
	head, body, _ := strings.Cut(metadata, "\n\n")
	if body != string(example.Readme) {
		t.Errorf("the description is %q, want the README", body)
	}
	for _, want := range []string{"Metadata-Version: 2.1", "Name: distributed-collector", "Version: 1.1.0rc1",
		"License: Apache-2.0", "Requires-Python: >=2.7", "Description-Content-Type: text/markdown"} {
		if !slices.Contains(strings.Split(head, "\n"), want) {
			t.Errorf("no %q in\n%s", want, head)
		}
	}
}

// checkTags wants each tag of the file's name in WHEEL, and no other.
func checkTags(t *testing.T, name, info string) {
	t.Helper()
	parts := strings.Split(strings.TrimSuffix(name, ".whl"), "-")
	want := "Wheel-Version: 1.0\nGenerator: spot-ingest\nRoot-Is-Purelib: false\n"
	for _, python := range strings.Split(parts[2], ".") {
		for _, platform := range strings.Split(parts[4], ".") {
			want += "Tag: " + python + "-" + parts[3] + "-" + platform + "\n"
		}
	}
	if info != want {
		t.Errorf("WHEEL:\n%s\nwant\n%s", info, want)
	}
}

type wanted struct {
	name string
	mode fs.FileMode
}

// checkMembers wants these files, in this order, and all with the example's time.
func checkMembers(t *testing.T, members []member, want []wanted) {
	t.Helper()
	var got []wanted
	for _, m := range members {
		got = append(got, wanted{m.name, m.mode})
		if second := time.Date(2026, 11, 27, 1, 2, 4, 0, time.UTC); !m.modified.Equal(second) {
			t.Errorf("%s is of %v, want %v", m.name, m.modified, second)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v\nwant %v", got, want)
	}
}

func TestSdist(t *testing.T) {
	dir, b := t.TempDir(), exampleBinaries(t, "arm64")
	name, err := WriteSdist(dir, example, []Binaries{exampleBinaries(t, "amd64"), b})
	if err != nil || name != "distributed_collector-1.1.0rc1.tar.gz" {
		t.Fatalf("got %q, %v", name, err)
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !bytes.Equal(content[4:8], make([]byte, 4)) {
		t.Errorf("the compressed file has a time of its own, % x (%v)", content[4:8], err)
	}
	members := readTar(t, filepath.Join(dir, name))
	const top = "distributed_collector-1.1.0rc1/"
	checkMembers(t, members, []wanted{
		{top + "PKG-INFO", 0o644}, {top + "README.md", 0o644}, {top + "LICENSE", 0o644}, {top + "THIRD-PARTY.txt", 0o644},
		{top + "backend/distributed_collector_build.py", 0o644}, {top + "pyproject.toml", 0o644}, {top + "setup.py", 0o644},
		{top + "bin/amd64/collector", 0o755}, {top + "bin/amd64/listener", 0o755}, {top + "bin/amd64/WHEEL", 0o644},
		{top + "bin/arm64/collector", 0o755}, {top + "bin/arm64/listener", 0o755}, {top + "bin/arm64/WHEEL", 0o644},
	})
	checkMetadata(t, members[0].content)
	if content, err := os.ReadFile(b.Listener); err != nil || members[11].content != string(content) {
		t.Errorf("%s is not the program (%v)", members[11].name, err)
	}
}

// The same input gives the same bytes, whatever the zone that the time is written in.
func TestSameBytes(t *testing.T) {
	bs := []Binaries{exampleBinaries(t, "amd64"), exampleBinaries(t, "arm64")}
	written := func(d Distribution) (all [][]byte) {
		dir := t.TempDir()
		sdist, err := WriteSdist(dir, d, bs)
		if err != nil {
			t.Fatal(err)
		}
		wheel, err := WriteWheel(dir, d, bs[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{sdist, wheel} {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, content)
		}
		return all
	}
	elsewhere, later := example, example
	elsewhere.Time = example.Time.In(time.FixedZone("", -5*60*60))
	later.Time = example.Time.Add(2 * time.Second)
	first := written(example)
	if !slices.EqualFunc(first, written(elsewhere), bytes.Equal) {
		t.Error("not the same bytes again")
	}
	for i, other := range written(later) {
		if bytes.Equal(first[i], other) {
			t.Error("another time gives the same bytes: it is not the time of the files")
		}
	}
}

// A zip file can hold no time before 1980.
func TestEarlyTime(t *testing.T) {
	d := example
	d.Time = time.Unix(0, 0)
	dir := t.TempDir()
	name, err := WriteWheel(dir, d, exampleBinaries(t, "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range readZip(t, filepath.Join(dir, name)) {
		if !m.modified.Equal(earliest) {
			t.Errorf("%s is of %v", m.name, m.modified)
		}
	}
}

func TestErrors(t *testing.T) {
	good := exampleBinaries(t, "amd64")
	version, arch, gone := example, good, good
	version.Version = "1.0"
	arch.Arch = "riscv64"
	gone.Listener = filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct {
		d    Distribution
		b    Binaries
		want string
	}{
		{version, good, `version "1.0": want X.Y.Z or X.Y.Z-rcN`},
		{example, arch, `no wheel for "riscv64": want amd64 or arm64`},
		{example, gone, "listener for amd64: open "},
	} {
		dir := t.TempDir()
		_, wheelErr := WriteWheel(dir, tt.d, tt.b)
		_, sdistErr := WriteSdist(dir, tt.d, []Binaries{tt.b})
		for prefix, err := range map[string]error{"wheel: ": wheelErr, "sdist: ": sdistErr} {
			if err == nil || !strings.HasPrefix(err.Error(), prefix+tt.want) {
				t.Errorf("got %v, want %s%s", err, prefix, tt.want)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v (%v)", tt.want, left, err)
		}
	}
	if _, err := WriteSdist(t.TempDir(), example, nil); err == nil {
		t.Error("a source distribution without programs")
	}
}
