#!/bin/bash
#
# Installs the collector and the listener in the folder that this file lies in, under the names
# that scripts use: venv/bin/activate, collector.py and start_listener.py. What is there of the
# Python tools is kept, renamed; "install_DC.sh --restore" goes back to them.
#
# It is plain POSIX shell, so that "sh install_DC.sh" works as well. What it makes is made
# complete in a folder of its own and then put in place by renames, so that whatever ends it,
# the old installation is there, and another run repairs the new one.

usage='usage: install_DC.sh [--restore]

Installs the collector and the listener in the folder that install_DC.sh lies in: with the
binaries in bin/ if there are any for this machine, else they are built with Go.

  --restore   go back to the Python tools that were there before'

mark='# spot-ingest: laid by install_DC.sh'
marker=.spot-ingest # in venv: it is ours
scripts='collector.py start_listener.py'
programs='collector listener'
shims='python python2 python3'
goal=install

say() { printf '%s\n' "$1"; }

# fail ends it, with the reason and what helps, a line each.
fail() {
    printf '%s\n' "$@" >&2
    printf '\n-----------------------------------------------------------\n'
    case $goal in
    install) say '      ERROR: Unable to install distributed collector.      ' ;;
    restore) say '      ERROR: Unable to restore the Python tools.           ' ;;
    esac
    printf '\n'
    exit 2
}

there() { [ -e "$1" ] || [ -L "$1" ]; }

# ---- What is in the folder

# is_laid tells whether a file was laid down by this script: its second line says so.
is_laid() {
    [ -f "$1" ] && [ -r "$1" ] || return
    line=
    { IFS= read -r line && IFS= read -r line; } <"$1" 2>/dev/null && [ "$line" = "$mark" ]
}

# is_our_venv tells whether venv was made by this script, which its marker or any of its files
# says. One that a virtualenv was made in since is not ours, for what it holds is.
is_our_venv() {
    [ -d venv ] || return
    for entry in pyvenv.cfg lib include; do
        if there "venv/$entry"; then return 1; fi
    done
    found=$([ ! -f "venv/$marker" ] || echo yes)
    for entry in activate $shims; do
        if is_laid "venv/bin/$entry"; then
            found=yes
        elif there "venv/bin/$entry"; then
            return 1
        fi
    done
    [ -n "$found" ]
}

# locate goes to the folder that this file lies in.
locate() {
    self=$0
    case $self in */*) ;; *) [ -f "$self" ] || self=$(command -v -- "$self") ;; esac
    [ ! -L "$self" ] || self=$(readlink -f -- "$self")
    case $self in */*) ;; *) self=./$self ;; esac
    CDPATH='' cd -- "${self%/*}/" || fail "The folder of install_DC.sh can't be entered."
    folder=$(pwd && echo .)
    folder=${folder%??} # a command's last line breaks are lost, but a folder may end in one
    self=./${self##*/}
    is_root=$([ "$(id -u)" != 0 ] || echo yes)
    owner=$(stat -c %u:%g .) || fail "The owner of $folder can't be told."
    uid=${owner%:*}
}

# alone waits until no other install_DC.sh works in this folder. Where files can't be locked
# it goes on, but leaves alone what may be another's.
alone() {
    locked=
    command -v flock >/dev/null && [ -r "$self" ] && exec 9<"$self" || return 0
    flock -w 60 -E 75 9 2>/dev/null
    case $? in
    0) locked=yes ;;
    75) at_work ;;
    *)
        # An old flock has no -E, busybox's no -w either.
        flock -n 9 2>/dev/null
        case $? in
        0) locked=yes ;;
        1) at_work ;;
        esac
        ;;
    esac
}

at_work() { fail "Another install_DC.sh is at work in $folder: wait for it."; }

# ---- A folder for what is unfinished

check_writable() {
    if [ -w . ]; then return; fi
    [ -z "$is_root" ] || fail "$folder is read-only, or on a network file system where root may not write: run it as the owner, without sudo."
    fail "$folder can't be written to by this user: run install_DC.sh with sudo, or as the owner of the folder."
}

# sweep removes what a run left that was killed.
sweep() {
    [ -n "$locked" ] || return
    for left in .install_DC.??????; do
        if there "$left"; then rm -rf -- "$left" 2>/dev/null; fi
    done
}

stage_in() {
    stage=$(mktemp -d ./.install_DC.XXXXXX) || fail "$folder takes no new folder: is its disk full?"
    chmod 755 "$stage"
}

# shellcheck disable=SC2317 # called by the trap
clean() {
    if [ -n "${child-}" ]; then kill "$child" 2>/dev/null && wait "$child"; fi
    if [ -n "${stage-}" ]; then rm -rf -- "$stage"; fi
}

trap clean EXIT
trap 'fail "Interrupted: nothing was changed."' INT TERM HUP
trap '' PIPE # who reads what is printed may stop at any time

# own gives what root made to the owner of the folder.
own() {
    [ -z "$is_root" ] || chown -hR "$owner" "$@" || fail "What was made can't be given to the owner of $folder (user $uid): run it as that user, without sudo."
}

# ---- The binaries

machine=$(uname -m)
case $machine in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) arch=$machine ;;
esac

get_binaries() {
    if [ -f "bin/$arch/collector" ] && [ -f "bin/$arch/listener" ]; then
        say " *  Use the binaries in \"bin/$arch\"."
        lay "bin/$arch/collector" "bin/$arch/listener" "$venv/bin"
    elif [ -f go.mod ] && [ -d collector ] && [ -d listener ]; then
        find_go
        build
    else
        fail "There are no binaries for this machine ($machine): looked for collector and listener in $folder/bin/$arch." \
            "Take the package for this architecture, or the source and Go $(needed_go) or later."
    fi
    chmod 755 "$venv/bin"/* || fail "The binaries can't be made executable."
    for program in $programs; do
        version=$("$venv/bin/$program" --version) ||
            fail "The $program can't be run on this machine ($machine)." \
                "Is the package for another architecture, or $folder mounted with noexec?"
        say " *  $version"
    done
}

# needed_go is the version of Go that go.mod asks for.
needed_go() {
    needed=1.24
    while read -r word value _; do
        if [ "$word" = go ]; then needed=$value; fi
    done 2>/dev/null <go.mod
    say "${needed%.0}"
}

# go_version is the version of a Go, 1.24.3, of what "go version" prints.
go_version() {
    text=$(as_owner "$@" version 2>/dev/null 9<&-) || return
    text=${text#go version }
    text=${text#devel }
    text=${text#go}
    case $text in [0-9]*) say "${text%% *}" ;; *) return 1 ;; esac
}

# reaches tells whether version $1 is $2 or later. What is not a number (rc1) counts as 0.
reaches() {
    have=$1. want=$2.
    while [ -n "$want" ]; do
        h=${have%%[!0-9]*} w=${want%%[!0-9]*}
        if [ "${h:-0}" -ne "${w:-0}" ]; then
            [ "${h:-0}" -gt "${w:-0}" ]
            return
        fi
        want=${want#*.}
        case $have in *.*) have=${have#*.} ;; esac
    done
}

# find_go finds a Go that is new enough, if possible one that the owner of the folder can run.
find_go() {
    needed=$(needed_go) old=
    for user in owner root; do
        owner_can_build || continue
        for go in "$(command -v go)" /usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-*/bin/go /snap/bin/go; do
            if [ -x "$go" ] && is_new_enough; then return; fi
        done
    done
    if [ -n "$old" ]; then
        fail "Go $needed or later is needed, this is $old." \
            "Install a newer one, or take the package for this architecture ($machine), which needs no Go."
    fi
    fail "There are no binaries for this machine ($machine) in $folder/bin/$arch, and no Go to build them." \
        "Take the package for this architecture, or install Go $needed or later."
}

# is_new_enough looks at one Go. If it is too old it may be able to fetch a newer one.
is_new_enough() {
    version=$(go_version env GOTOOLCHAIN=local "$go") || return
    if reaches "$version" "$needed"; then return; fi
    old=${old:-"$version ($go)"}
    version=$(go_version "$go") && reaches "$version" "$needed"
}

build() {
    say "  |- Build collector and listener with Go $version ($go)..."
    # Go gives up where git does not tell the commit, as in a clone that another user owns.
    stamp=false
    if [ -e .git ] && as_owner git log -1 >/dev/null 2>&1; then stamp=auto; fi
    # In the background, so that a signal ends the waiting at once.
    exec='exec' as_owner env -u GOOS -u GOARCH GOWORK=off CGO_ENABLED=0 "$go" build -trimpath -buildvcs=$stamp -ldflags '-s -w' \
        -o "$venv/bin/" ./collector ./listener 9<&- &
    child=$!
    wait "$child" || {
        child=
        fail "Go could not build them, for the reason above." \
            "It fetches what it lacks from the network. The package for this architecture ($machine) needs neither Go nor network."
    }
    child=
}

# as_owner runs a command as the owner of the folder, where root runs this for another user: so
# that the user's own caches are used, and no files of root are left in them.
as_owner() {
    if [ -z "$is_root" ] || [ "$uid" = 0 ]; then
        ${exec-} "$@"
        return
    fi
    if [ "$user" = root ]; then
        ${exec-} env HOME="$(home_of 0)" "$@"
    else
        ${exec-} setpriv --reuid="$uid" --regid="${owner#*:}" --init-groups env HOME="$(home_of "$uid")" "$@"
    fi
}

# owner_can_build is false where the owner is a user without a home for Go's caches.
owner_can_build() {
    if [ "$user" = root ] || [ -z "$is_root" ] || [ "$uid" = 0 ]; then return; fi
    # shellcheck disable=SC2016 # the owner's
    as_owner sh -c 'test -d "$HOME" && test -w "$HOME"' 2>/dev/null
}

home_of() { getent passwd "$1" | cut -d: -f6; }

# ---- Installation

# check_old refuses, before anything is done, where something of the old would be lost.
check_old() {
    if there venv && ! is_our_venv && there venv.python; then
        fail "$folder has a Python environment in venv, and another one in venv.python." \
            "Move away the one that is not needed any more, and run install_DC.sh again. Nothing was changed."
    fi
    for script in $scripts; do
        if there "$script" && ! is_laid "$script" && there "$script.python"; then
            fail "$folder has a $script of the Python tools, and another one in $script.python." \
                "Move away the one that is not needed any more, and run install_DC.sh again. Nothing was changed."
        fi
    done
    # Line ends of another system count as damage: nothing could run them.
    for file in activate python $scripts; do
        is_laid "scripts/install/$file" || fail "scripts/install/$file is missing or damaged: copy the whole folder of the package to $folder, each file as it is."
    done
    check_venv_writable
}

# check_venv_writable refuses where our environment is another user's, and can't be replaced.
check_venv_writable() {
    if is_our_venv && [ ! -L venv ] && { [ ! -w venv ] || [ -d venv/bin ] && [ ! -w venv/bin ]; }; then
        fail "$folder/venv belongs to another user: run it with sudo."
    fi
}

# versioned prints the further names that the Python environment has its Python under, such as
# python2.7. By these names, too, ours has to pass on to that one, and not to the machine's.
versioned() {
    old=venv
    if is_our_venv; then old=venv.python; fi
    for path in "$old"/bin/python[23].[0-9] "$old"/bin/python[23].[0-9][0-9]; do
        if [ -f "$path" ]; then say "${path##*/}"; fi
    done
}

lay_files() {
    say "  |- Create virtual environment..."
    versions=$(versioned)
    for name in $shims $versions; do
        lay scripts/install/python "$venv/bin/$name"
    done
    lay scripts/install/collector.py scripts/install/start_listener.py "$stage"
    chmod 755 "$venv/bin"/* "$stage"/*.py || fail "What was made can't be made executable."
    # By these names "ps" shows the programs, and "pgrep -f collector.py" finds them.
    { ln -s collector "$venv/bin/collector.py" && ln -s listener "$venv/bin/start_listener.py"; } ||
        fail "$folder takes no symbolic links: move it to another file system."
    make_activate >"$venv/bin/activate" || fail "venv/bin/activate can't be written."
    say "install_DC.sh made this environment, which holds no Python. It may be made again or removed at any time." \
        >"$venv/$marker" || fail "venv/$marker can't be written."
    own "$stage"
}

lay() { cp -- "$@" || fail "$1 can't be copied: is the disk of $folder full?"; }

# make_activate fills the folder's path into the template.
make_activate() {
    while IFS= read -r line; do
        case $line in
        *=@VENV@) printf '%s=%s\n' "${line%=@VENV@}" "$(quoted "$folder/venv")" ;;
        *) printf '%s\n' "$line" ;;
        esac || return
    done <scripts/install/activate
}

# quoted is a text as one word of a shell.
quoted() {
    text=$1
    printf "'"
    while :; do
        case $text in
        *"'"*) printf "%s'\\\\''" "${text%%"'"*}" && text=${text#*"'"} ;;
        *) break ;;
        esac
    done
    printf "%s'" "$text"
}

# put_in_place makes the change, by renames alone. Signals have to wait for it.
put_in_place() {
    trap '' INT TERM HUP
    if there venv && ! is_our_venv; then
        say '  |-- Keep the Python environment as "venv.python".'
        rename venv venv.python
    elif [ -L venv ]; then
        rename venv "$stage/link" # to an environment of ours, which stays
    fi
    if [ -d venv ]; then
        mkdir -p venv/bin || fail "venv/bin can't be made."
        own venv
        for name in $programs $scripts $shims $versions activate; do
            rename "$venv/bin/$name" "venv/bin/$name"
        done
        rename "$venv/$marker" "venv/$marker"
    else
        rename "$venv" venv
    fi
    for script in $scripts; do
        if there "$script" && ! is_laid "$script"; then
            say "  |-- Keep $script of the Python tools as \"$script.python\"."
            rename "$script" "$script.python"
        fi
        say "  |-- Install $script."
        rename "$stage/$script" "$script"
    done
}

rename() { mv -fT -- "$1" "$2" || fail "$1 can't be moved to $2. Run install_DC.sh again once the cause is away."; }

install() {
    printf '\n'
    check_old
    stage_in
    venv=$stage/venv
    mkdir -p "$venv/bin" || fail "$folder takes no new folder: is its disk full?"
    own "$stage"
    get_binaries
    lay_files
    put_in_place
    printf '\n***********************************************************\n'
    say '*           Installation completed successfully           *'
    printf '***********************************************************\n\n'
}

# ---- The way back

restore() {
    if ! there venv.python && ! there collector.py.python && ! there start_listener.py.python; then
        fail "There is nothing to restore: $folder has no venv.python, collector.py.python or start_listener.py.python." \
            "Nothing was changed."
    fi
    check_new
    check_venv_writable
    stage_in
    trap '' INT TERM HUP
    # As long as anything is still called .python, another run completes this one.
    if there venv.python; then
        restore_scripts
        restore_venv
    else
        restore_venv
        restore_scripts
    fi
    printf '\n *  The Python tools are in place again.\n\n'
}

# check_new refuses where something would be lost that install_DC.sh did not make.
check_new() {
    if there venv && ! is_our_venv; then
        ! there venv.python || fail "venv was not made by install_DC.sh, and venv.python is to take its place." \
            "Move one of them away. Nothing was changed."
    elif there venv && [ ! -L venv ]; then
        for entry in venv/* venv/.[!.]* venv/..?* venv/bin/* venv/bin/.[!.]* venv/bin/..?*; do
            there "$entry" || continue
            case " $marker bin bin/activate $shims $programs $scripts " in
            *" ${entry#venv/} "* | *" ${entry#venv/bin/} "*) ;;
            *) is_laid "$entry" || fail "$entry was not made by install_DC.sh: move it away. Nothing was changed." ;;
            esac
        done
    fi
    for script in $scripts; do
        if there "$script.python" && there "$script" && ! is_laid "$script"; then
            fail "$script was not made by install_DC.sh, and $script.python is to take its place." \
                "Move one of them away. Nothing was changed."
        fi
    done
}

restore_scripts() {
    for script in $scripts; do
        # A file does not take the place of a folder by a rename, nor the reverse.
        if is_laid "$script" && { ! there "$script.python" || [ -d "$script.python" ]; }; then
            rm -f "$script" || fail "$script can't be removed."
        fi
    done
    for script in $scripts; do
        if there "$script.python"; then
            say "  |-- Put $script of the Python tools back."
            rename "$script.python" "$script"
        fi
    done
}

restore_venv() {
    if is_our_venv; then rename venv "$stage/venv"; fi
    if there venv.python; then
        say '  |-- Put the Python environment back.'
        rename venv.python venv
    fi
}

umask 022
case $#:${1-} in
0:) ;;
1:--restore) goal=restore ;;
1:-h | 1:--help) say "$usage" && exit ;;
*) say "$usage" >&2 && fail "install_DC.sh: wrong arguments." ;;
esac
locate
check_writable
alone
sweep
case $goal in
install) install ;;
restore) restore ;;
esac
exit 0
