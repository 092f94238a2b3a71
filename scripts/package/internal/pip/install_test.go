//go:build integration

package pip

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A release is what one version is installed from.
type release struct{ version, wheel, sdist string }

func releases(t *testing.T) (older, newer release) {
	t.Helper()
	written := func(version string) release {
		dir, d, b := t.TempDir(), example, built(t, version)
		d.Version = version
		wheel, err := WriteWheel(dir, d, b)
		if err != nil {
			t.Fatal(err)
		}
		sdist, err := WriteSdist(dir, d, []Binaries{b})
		if err != nil {
			t.Fatal(err)
		}
		return release{version, filepath.Join(dir, wheel), filepath.Join(dir, sdist)}
	}
	return written("1.0.0"), written("1.1.0-rc1")
}

// TestInstall installs without an index into environments of several Pythons: over the Python
// program, newer over older, either form over the other, and away again.
func TestInstall(t *testing.T) {
	older, newer := releases(t)
	for _, python := range python3s(t) {
		t.Run(python, func(t *testing.T) {
			e := newEnvironment(t, python, "-m", "venv")
			empty := e.files()
			e.pip("install", originalWheel(t))
			if pip := e.pipVersion(); pip < 10 || pip >= 20 { // these between know no backend of a path
				e.pip("install", older.sdist)
				e.check(older.version)
				e.pip("install", newer.wheel)
				e.check(newer.version)
				e.pip("install", newer.sdist) // the same version again
				e.check(newer.version)
			}
			e.pip("install", older.wheel) // or an older one
			e.check(older.version)
			e.pip("uninstall", "-y", "distributed-collector")
			if left := e.files(); !slices.Equal(left, empty) {
				t.Errorf("left by uninstall: %v", difference(left, empty))
			}
		})
	}
}

// TestInstallPython2 does so with Python 2.7 and two kinds of pip: the last for it, which calls
// the build backend, and the one of 2018, which runs setup.py.
func TestInstallPython2(t *testing.T) {
	python := python2(t)
	maker := newEnvironment(t, python3s(t)[0], "-m", "venv")
	run(t, nil, maker.python(), "-m", "pip", "install", "-q", "virtualenv==20.15.1")
	older, newer := releases(t)
	for _, pip := range []string{"20.3.4", "9.0.3"} {
		t.Run("pip "+pip, func(t *testing.T) {
			e := newEnvironment(t, maker.python(), "-m", "virtualenv", "-q", "-p", python)
			run(t, nil, e.python(), "-m", "pip", "install", "-q", "pip=="+pip)
			empty := e.files()
			e.pip("install", originalSdist(t))
			e.pip("install", "--upgrade", older.sdist)
			e.check(older.version)
			e.pip("install", "--upgrade", newer.wheel)
			e.check(newer.version)
			e.pip("install", "--upgrade", older.wheel)
			e.asTheSeedSays(newer)
			e.check(newer.version)
			e.pip("uninstall", "-y", "distributed-collector")
			if left := e.files(); !slices.Equal(left, empty) {
				t.Errorf("left by uninstall: %v", difference(left, empty))
			}
		})
	}
}

// asTheSeedSays makes the archive and installs it by the commands that the Python program's
// README had.
func (e *environment) asTheSeedSays(r release) {
	e.t.Helper()
	folder := extract(e.t, r.sdist, e.t.TempDir())
	const script = `set -e
export PIP_NO_INDEX=1
cd "$1"
source "$2/bin/activate"
python setup.py sdist
pip install "dist/$3"
collector --version
command -v collector`
	out := run(e.t, nil, "bash", "-c", script, "bash", folder, e.folder, filepath.Base(r.sdist))
	if !strings.Contains(out, "\ncollector "+r.version) || !strings.HasSuffix(out, filepath.Join(e.folder, "bin", "collector")+"\n") {
		e.t.Errorf("got %s", out)
	}
}

// originalWheel writes what pip made of the Python program, with a module and a script of its
// own.
func originalWheel(t *testing.T) string {
	t.Helper()
	const stem = "distributed_collector-0.9.1b0"
	files := []file{
		{name: "spot_pipelines.py", content: []byte("pass\n")},
		{name: stem + ".data/scripts/collector", content: []byte("#!python\nprint('of Python')\n"), program: true},
		{name: stem + ".dist-info/METADATA", content: []byte("Metadata-Version: 2.1\nName: distributed-collector\nVersion: 0.9.1.beta\n")},
		{name: stem + ".dist-info/WHEEL", content: []byte("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n")},
	}
	files = append(files, file{name: stem + ".dist-info/RECORD", content: record(files, stem+".dist-info/RECORD")})
	dir, name := t.TempDir(), stem+"-py2.py3-none-any.whl"
	if err := create(dir, name, func(f *os.File) error { return example.zip(f, files) }); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// originalSdist writes an archive such as the Python program's setup.py made.
func originalSdist(t *testing.T) string {
	t.Helper()
	const stem = "distributed-collector-0.9.1.beta"
	path := filepath.Join(t.TempDir(), stem+".tar.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	compressed := gzip.NewWriter(f)
	w := tar.NewWriter(compressed)
	for name, content := range map[string]string{
		"PKG-INFO":          "Metadata-Version: 1.0\nName: distributed-collector\nVersion: 0.9.1.beta\n",
		"setup.py":          "from distutils.core import setup\nsetup(name='distributed-collector', version='0.9.1.beta', py_modules=['spot_pipelines'], scripts=['collector'])\n",
		"spot_pipelines.py": "pass\n",
		"collector":         "#!/usr/bin/env python\nprint('of Python')\n",
	} {
		header := &tar.Header{Name: stem + "/" + name, Size: int64(len(content)), Mode: 0o755, ModTime: example.Time}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{w.Close(), compressed.Close(), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func difference(all, without []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(without, s) })
}
