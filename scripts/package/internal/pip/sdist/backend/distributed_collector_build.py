"""Packs the programs for this machine into a wheel (PEP 517), with Python 2.7 or 3 alone.

What the wheel says of itself lies ready beside the programs: PKG-INFO, and bin/ARCH/WHEEL.
"""

import base64
import hashlib
import io
import os
import platform
import stat
import struct
import tarfile
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMANDS = ("collector", "listener")
LICENSES = ("LICENSE", "THIRD-PARTY.txt")
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    arch = architecture()
    data = stem() + ".data/scripts/"
    info = stem() + ".dist-info/"
    names = [(data + command, program(arch, command)) for command in COMMANDS]
    names += [(info + name, path) for name, path in sorted(about(arch))]
    name = "%s-%s.whl" % (stem(), tag(arch))
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        record = []
        for member, path in names:
            content = read(path)
            add(wheel, member, content, 0o755 if member.startswith(data) else 0o644)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode("ascii")
            record.append("%s,sha256=%s,%d\n" % (member, digest.rstrip("="), len(content)))
        record.append("%sRECORD,,\n" % info)
        add(wheel, info + "RECORD", "".join(record).encode("ascii"), 0o644)
    return name


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    name = stem() + ".dist-info"
    folder = os.path.join(metadata_directory, name)
    os.mkdir(folder)
    for member, path in about(architecture()):
        with open(os.path.join(folder, member), "wb") as copy:
            copy.write(read(path))
    return name


def build_sdist(sdist_directory, config_settings=None):
    name = stem() + ".tar.gz"
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz") as archive:
        for path in sources():
            archive.add(os.path.join(ROOT, path), stem() + "/" + path)
    return name


def architecture():
    """The folder of bin that has the programs for this machine and this Python."""
    system, machine = platform.system(), platform.machine()
    arch = ARCHITECTURES.get(machine.lower(), machine or "an unknown machine")
    offered = sorted(os.listdir(os.path.join(ROOT, "bin")))
    if system != "Linux" or arch not in offered:
        fail("the programs are for Linux on %s, this is %s on %s" % (" or ".join(offered), system, arch))
    if struct.calcsize("P") != 8:
        fail("the programs are for 64 bits, this Python has %d" % (8 * struct.calcsize("P")))
    return arch


def fail(reason):
    # No exception: pip would print where it was raised, and nothing is wrong with this file.
    raise SystemExit("distributed-collector can't be installed: " + reason)


def stem():
    """The name and the version, as file names have them."""
    return field("Name").replace("-", "_") + "-" + field("Version")


def field(name):
    """The first value of a field of PKG-INFO."""
    with io.open(os.path.join(ROOT, "PKG-INFO"), encoding="utf-8") as info:
        for line in info:
            key, _, value = line.partition(":")
            if key == name:
                return str(value.strip())
    raise ValueError("PKG-INFO has no " + name)


def tag(arch):
    """The tags of bin/ARCH/WHEEL, compressed, as the wheel's name has them."""
    sets = [], [], []
    for line in read(os.path.join(ROOT, "bin", arch, "WHEEL")).decode("ascii").splitlines():
        key, _, value = line.partition(": ")
        if key == "Tag":
            for found, part in zip(sets, value.split("-")):
                if part not in found:
                    found.append(part)
    return str("-".join(".".join(found) for found in sets))


def about(arch):
    """What lies in the wheel's .dist-info, as names and paths."""
    files = [("METADATA", os.path.join(ROOT, "PKG-INFO")), ("WHEEL", os.path.join(ROOT, "bin", arch, "WHEEL"))]
    return files + [(name, os.path.join(ROOT, name)) for name in LICENSES]


def program(arch, command):
    return os.path.join(ROOT, "bin", arch, command)


def sources():
    """The files of the source distribution, as they lie below its folder."""
    found = ["PKG-INFO", "README.md"] + list(LICENSES)
    found += ["pyproject.toml", "setup.py", "backend/%s.py" % __name__]
    for arch in sorted(os.listdir(os.path.join(ROOT, "bin"))):
        found += ["bin/%s/%s" % (arch, name) for name in COMMANDS + ("WHEEL",)]
    return found


def read(path):
    with open(path, "rb") as opened:
        return opened.read()


def add(wheel, name, content, mode):
    """Adds a file to the wheel; its time is PKG-INFO's, which is the source distribution's."""
    changed = time.gmtime(os.stat(os.path.join(ROOT, "PKG-INFO")).st_mtime)[:6]
    member = zipfile.ZipInfo(name, max(changed, (1980, 1, 1, 0, 0, 0)))
    member.create_system = 3  # Unix: the mode counts
    member.external_attr = (stat.S_IFREG | mode) << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    wheel.writestr(member, content)
