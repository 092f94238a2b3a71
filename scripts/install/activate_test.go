package install

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// show prints what a shell has, of which activate changes some.
const show = `
show() {
    printf '%s=%s\n' PATH "$PATH" VIRTUAL_ENV "${VIRTUAL_ENV-unset}" VIRTUAL_ENV_PROMPT "${VIRTUAL_ENV_PROMPT-unset}" \
        PYTHONHOME "${PYTHONHOME-unset}" PS1 "${PS1-unset}" OLD "${_OLD_VIRTUAL_PATH-unset}${_OLD_VIRTUAL_PS1-unset}${_OLD_VIRTUAL_PYTHONHOME-unset}${_OLD_VIRTUAL_NO_PS1-unset}"
    case $(command -v deactivate) in deactivate) echo deactivate=there ;; *) echo deactivate=unset ;; esac
}
`

// A state is what show printed.
type state map[string]string

// states reads what show printed, once for each call.
func (r result) states() (all []state) {
	r.t.Helper()
	for line := range strings.Lines(r.wants(0).stdout) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if name == "PATH" {
			all = append(all, state{})
		}
		all[len(all)-1][name] = value
	}
	return all
}

func (s state) with(names ...string) state {
	s = maps.Clone(s)
	for i := 0; i < len(names); i += 2 {
		s[names[i]] = names[i+1]
	}
	return s
}

func wantState(t *testing.T, what string, got, want state) {
	t.Helper()
	for name := range want {
		if name != "OLD" && got[name] != want[name] {
			t.Errorf("%s: %s is %q, want %q", what, name, got[name], want[name])
		}
	}
}

// eachShell runs a script in an installed folder by each shell, and gives what it showed.
func eachShell(t *testing.T, prepare func(*folder), script string, check func(t *testing.T, f *folder, states []state)) {
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			need(t, shell[0])
			f := newFolder(t)
			f.install()
			f.env = append(f.env, "PATH=/given:"+os.Getenv("PATH"))
			if prepare != nil {
				prepare(f)
			}
			r := f.run(append(shell, "-euc", show+script)...)
			if r.stderr != "" {
				t.Errorf("stderr %q", r.stderr)
			}
			check(t, f, r.states())
		})
	}
}

// activated is what a state becomes.
func (s state) activated(f *folder) state {
	return s.with("PATH", f.path("venv/bin")+":"+s["PATH"], "VIRTUAL_ENV", f.path("venv"), "VIRTUAL_ENV_PROMPT", "venv",
		"PYTHONHOME", "unset", "PS1", "(venv) "+s["PS1"], "deactivate", "there")
}

// Activation sets what virtualenv's does, and deactivation puts all back, however often the
// file was sourced.
func TestActivate(t *testing.T) {
	eachShell(t, nil, `
PYTHONHOME='/python home'; export PYTHONHOME
PS1='prompt $ '
show
. ./venv/bin/activate
show
. venv/bin/activate
show
deactivate
show
. "$PWD/venv/bin/activate"
deactivate nondestructive
show
deactivate
show`, func(t *testing.T, f *folder, s []state) {
		if s[0]["PYTHONHOME"] != "/python home" {
			t.Errorf("at first %q", s[0])
		}
		wantState(t, "activated", s[1], s[0].activated(f))
		wantState(t, "activated twice", s[2], s[1])
		wantState(t, "deactivated", s[3], s[0])
		wantState(t, "deactivate nondestructive", s[4], s[0].with("deactivate", "there"))
		wantState(t, "deactivated twice", s[5], s[0])
		if s[5]["OLD"] != s[0]["OLD"] {
			t.Errorf("left over: %q", s[5]["OLD"])
		}
	})
}

// Without a prompt, a Python's home, or the wish for a prompt.
func TestActivateWithout(t *testing.T) {
	eachShell(t, nil, `
unset PS1 PYTHONHOME
show
. venv/bin/activate
show
deactivate
show
PS1='mine '
VIRTUAL_ENV_DISABLE_PROMPT=1
. venv/bin/activate
show
deactivate
show`, func(t *testing.T, f *folder, s []state) {
		wantState(t, "activated", s[1], s[0].activated(f).with("PS1", "(venv) "))
		wantState(t, "deactivated", s[2], s[0])
		wantState(t, "activated, no prompt", s[3], s[0].activated(f).with("PS1", "mine "))
		wantState(t, "deactivated, no prompt", s[4], s[0].with("PS1", "mine "))
	})
}

// An environment of Python that is active gives way, as it does to another one of its kind.
func TestActivateOverPython(t *testing.T) {
	eachShell(t, func(f *folder) {
		f.write(0o644, `
deactivate() { echo "the other's own is not called"; }
_OLD_VIRTUAL_PATH=$PATH
PATH=/other/bin:$PATH
_OLD_VIRTUAL_PS1=${PS1-}
PS1="(other) ${PS1-}"
_OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
unset PYTHONHOME
VIRTUAL_ENV=/other
export VIRTUAL_ENV PATH
`, f.path("other"))
	}, `
PYTHONHOME=/home
PS1='prompt $ '
show
. ./other
. venv/bin/activate
show
deactivate
show`, func(t *testing.T, f *folder, s []state) {
		wantState(t, "activated", s[1], s[0].activated(f))
		wantState(t, "deactivated", s[2], s[0])
	})
}

// A folder that was moved, or copied, is the one that is activated: bash and zsh know where
// the file is, from wherever it is sourced; another shell finds it where it was made, or else
// in the working directory.
func TestActivateMoved(t *testing.T) {
	for name, shell := range shells {
		knows := name == "bash" || name == "posix" || name == "zsh"
		t.Run(name, func(t *testing.T) {
			need(t, shell[0])
			f := newFolder(t)
			f.install()
			copied := filepath.Join(f.t.TempDir(), "a copy", "at 'last'")
			if err := os.CopyFS(copied, os.DirFS(f.dir)); err != nil {
				t.Fatal(err)
			}
			made := f.path("venv")
			misleading := filepath.Join(f.t.TempDir(), "misleading")
			f.write(0o644, "", misleading, "venv", "bin", "file")
			f.write(0o644, "", misleading, "venv", ".spot-ingest")
			wants := func(want, dir, file string) {
				t.Helper()
				r := f.runIn(dir, append(shell, "-euc", `CDPATH=$2; cd() { echo "cd is called"; }; . "$1"; printf %s "$VIRTUAL_ENV"`, "sh", file, misleading)...).wants(0)
				if r.stdout != want || r.stderr != "" {
					t.Errorf("%s in %s: VIRTUAL_ENV %q, want %q; stderr %q", file, dir, r.stdout, want, r.stderr)
				}
			}
			its := filepath.Join(copied, "venv")
			if !knows {
				its = made
			}
			wants(its, copied, "venv/bin/activate")
			wants(its, copied, "./venv/bin/activate")
			wants(its, filepath.Join(copied, "scripts"), "../venv/bin/activate")
			wants(its, filepath.Join(copied, "venv", "bin"), "./activate")
			wants(its, "/", filepath.Join(copied, "venv/bin/activate"))
			// By a link from elsewhere it is the one that was made.
			link := filepath.Join(f.t.TempDir(), "link")
			f.link(filepath.Join(made, "bin", "activate"), link)
			wants(made, "/", link)

			if err := os.Rename(f.dir, f.dir+" moved"); err != nil {
				t.Fatal(err)
			}
			wants(f.dir+" moved/venv", f.dir+" moved", "venv/bin/activate")
			wants(f.dir+" moved/venv", f.dir+" moved", "./venv/bin/activate")
			r := f.runIn(f.dir+" moved", append(shell, "-c", ". venv/bin/activate; exec python collector.py x")...).wants(0)
			r.wantsStart(f.dir+" moved/venv/bin/collector.py", f.dir+" moved", "x")
		})
	}
}

// In bash a file may be sourced by its bare name, from the working directory or the PATH.
func TestActivateByName(t *testing.T) {
	f := newFolder(t)
	f.install()
	f.env = append(f.env, "PATH="+f.bareMachine())
	moved := f.dir + " moved"
	if err := os.Rename(f.dir, moved); err != nil {
		t.Fatal(err)
	}
	f.dir = moved
	for _, script := range []string{"cd venv/bin; source activate", `PATH="$PWD/venv/bin:$PATH"; cd /; source activate`} {
		r := f.run("bash", "-c", script+`; printf %s "$VIRTUAL_ENV"`).wants(0)
		if r.stdout != f.path("venv") {
			t.Errorf("%s: VIRTUAL_ENV %q", script, r.stdout)
		}
	}
}

// An interactive shell goes on with its own names.
func TestActivateLeavesNothing(t *testing.T) {
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			need(t, shell[0])
			f := newFolder(t)
			f.install()
			script := `set >/dev/null; PS1=x; PYTHONHOME=x; set >before; . venv/bin/activate; set >during; deactivate; set >after; command -v deactivate`
			if r := f.run(append(shell, "-c", script)...); strings.HasPrefix(r.stdout, "deactivate") || r.stderr != "" {
				t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
			}
			before, during, after := f.names("before"), f.names("during"), f.names("after")
			for name := range after {
				if !before[name] && name != "_" {
					t.Errorf("%s is left", name)
				}
			}
			for name := range during {
				if strings.HasPrefix(name, "_spot") {
					t.Errorf("%s is set", name)
				}
			}
		})
	}
}

// names are those of the variables in what set printed.
func (f *folder) names(file string) map[string]bool {
	f.t.Helper()
	content, err := os.ReadFile(f.path(file))
	if err != nil {
		f.t.Fatal(err)
	}
	names := make(map[string]bool)
	for line := range strings.Lines(string(content)) {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.ContainsAny(name, " \t'\"$()[]{}") {
			names[name] = true
		}
	}
	return names
}
