package pip

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hook runs one function of the build backend on a machine of that kind, as pip does: in the
// folder of the source distribution, in a process of its own.
const hook = `
import platform, sys
platform.system, platform.machine = lambda: sys.argv[1], lambda: sys.argv[2]
sys.path.insert(0, "backend")
import distributed_collector_build as backend
print(getattr(backend, sys.argv[3])(sys.argv[4]))
`

// eachPython calls the function for each Python there is; one suffices.
func eachPython(t *testing.T, test func(t *testing.T, python string)) {
	found := 0
	for _, name := range []string{"python3", "python2"} {
		// A name that is there may lead nowhere, as pyenv's do.
		if exec.Command(name, "-c", "pass").Run() == nil {
			found++
			t.Run(name, func(t *testing.T) { test(t, name) })
		}
	}
	if found == 0 {
		if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatal("no Python")
		}
		t.Skip("no Python to run the build backend")
	}
}

// unpacked writes a source distribution of both architectures and unpacks it.
func unpacked(t *testing.T) (sdist, folder string, bs []Binaries) {
	t.Helper()
	dir := t.TempDir()
	bs = []Binaries{exampleBinaries(t, "amd64"), exampleBinaries(t, "arm64")}
	name, err := WriteSdist(dir, example, bs)
	if err != nil {
		t.Fatal(err)
	}
	sdist = filepath.Join(dir, name)
	return sdist, extract(t, sdist, filepath.Join(dir, "with a blank")), bs
}

func runHook(t *testing.T, python, folder, system, machine, function string) (dir, name string) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.Command(python, "-B", "-c", hook, system, machine, function, dir)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "TZ=Asia/Tokyo", "LC_ALL=C") // neither must matter
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", function, err, stderr.String())
	}
	return dir, strings.TrimSuffix(string(out), "\n")
}

// The backend's wheel has the name and the files of WriteWheel's.
func TestBackendWheel(t *testing.T) {
	_, folder, bs := unpacked(t)
	eachPython(t, func(t *testing.T, python string) {
		for machine, b := range map[string]Binaries{"x86_64": bs[0], "aarch64": bs[1]} {
			want := t.TempDir()
			wantName, err := WriteWheel(want, example, b)
			if err != nil {
				t.Fatal(err)
			}
			got, name := runHook(t, python, folder, "Linux", machine, "build_wheel")
			if name != wantName {
				t.Fatalf("got %s\nwant %s", name, wantName)
			}
			gotMembers, wantMembers := readZip(t, filepath.Join(got, name)), readZip(t, filepath.Join(want, name))
			checkRecord(t, gotMembers)
			if !slices.Equal(gotMembers, wantMembers) {
				t.Errorf("%s: got %v\nwant %v", machine, heads(gotMembers), heads(wantMembers))
			}
		}
	})
}

// heads leaves out what would fill the screen.
func heads(members []member) []member {
	members = slices.Clone(members)
	for i := range members {
		members[i].content = members[i].content[:min(40, len(members[i].content))]
	}
	return members
}

// What the backend says beforehand is what its wheel says.
func TestBackendMetadata(t *testing.T) {
	_, folder, bs := unpacked(t)
	eachPython(t, func(t *testing.T, python string) {
		dir, name := runHook(t, python, folder, "Linux", "x86_64", "prepare_metadata_for_build_wheel")
		if name != "distributed_collector-1.1.0rc1.dist-info" {
			t.Fatalf("got %q", name)
		}
		files, err := example.wheel("1.1.0rc1", bs[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasPrefix(f.name, name) || strings.HasSuffix(f.name, "/RECORD") {
				continue
			}
			content, err := os.ReadFile(filepath.Join(dir, f.name))
			if err != nil || !bytes.Equal(content, f.content) {
				t.Errorf("%s: %v; not the wheel's", f.name, err)
			}
		}
	})
}

// A source distribution that is packed again has the same files.
func TestBackendSdist(t *testing.T) {
	sdist, folder, _ := unpacked(t)
	eachPython(t, func(t *testing.T, python string) {
		dir, name := runHook(t, python, folder, "Linux", "riscv64", "build_sdist")
		if name != filepath.Base(sdist) {
			t.Fatalf("got %q", name)
		}
		again := extract(t, filepath.Join(dir, name), t.TempDir())
		for _, m := range readTar(t, sdist) {
			_, below, _ := strings.Cut(m.name, "/")
			path := filepath.Join(again, below)
			content, err := os.ReadFile(path)
			if err != nil || string(content) != m.content {
				t.Errorf("%s: %v; not as it was", m.name, err)
				continue
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != m.mode {
				t.Errorf("%s: mode %v (%v), want %v", m.name, info.Mode(), err, m.mode)
			}
		}
	})
}

func TestBackendElsewhere(t *testing.T) {
	_, folder, _ := unpacked(t)
	eachPython(t, func(t *testing.T, python string) {
		for _, tt := range []struct{ system, machine, want string }{
			{"Linux", "riscv64", "this is Linux on riscv64"},
			{"Linux", "", "this is Linux on an unknown machine"},
			{"Darwin", "arm64", "this is Darwin on arm64"},
			{"Windows", "AMD64", "this is Windows on amd64"},
		} {
			for _, function := range []string{"build_wheel", "prepare_metadata_for_build_wheel"} {
				cmd := exec.Command(python, "-B", "-c", hook, tt.system, tt.machine, function, t.TempDir())
				cmd.Dir = folder
				out, err := cmd.CombinedOutput()
				want := "distributed-collector can't be installed: the programs are for Linux on amd64 or arm64, " + tt.want + "\n"
				if err == nil || string(out) != want {
					t.Errorf("%v %s: %v, %s", tt, function, err, out)
				}
			}
		}
	})
}
