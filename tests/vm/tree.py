# SPDX-License-Identifier: GPL-2.0-only
"""tree.py: the files of a virtual machine's root, and the initramfs (cpio, "newc") that carries them.

The root has Debian's merged /usr.  A program brings the libraries that ldd names for it along."""
import os
import re
import stat
import subprocess

MERGED = ("bin", "sbin", "lib", "lib64")


class Tree:
    def __init__(self):
        self.entries = {}       # path without the leading "/": (mode, None or bytes or the path of a file)
        self.libraries = set()  # whose libraries are in already
        for name in MERGED:
            self.folder(f"usr/{name}")
            self.entries[name] = (stat.S_IFLNK | 0o777, f"usr/{name}".encode())

    @staticmethod
    def normal(path):
        path = os.path.normpath("/" + path).lstrip("/")
        return f"usr/{path}" if path.split("/")[0] in MERGED and "/" in path else path

    def folder(self, path, mode=0o755):
        path = self.normal(path)
        if path in ("", "."):
            return
        self.folder(os.path.dirname(path))
        self.entries.setdefault(path, (stat.S_IFDIR | mode, None))

    def link(self, path, target):
        """A symbolic link; nothing when something is there already."""
        path = self.normal(path)
        self.folder(os.path.dirname(path))
        self.entries.setdefault(path, (stat.S_IFLNK | 0o777, target.encode()))

    def text(self, path, text, mode=0o644):
        path = self.normal(path)
        self.folder(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, text.encode())

    def copy(self, source, path=None):
        """A file or a folder with all that is in it, at `path` (the same as here)."""
        path = self.normal(path or source)
        if os.path.isdir(source):
            self.folder(path)
            for name in sorted(os.listdir(source)):
                below = os.path.join(source, name)
                if os.path.islink(below):
                    self.link(f"{path}/{name}", os.readlink(below))
                elif os.path.isdir(below) or os.path.isfile(below):
                    self.copy(below, f"{path}/{name}")
            return
        if not os.path.isfile(source):
            raise OSError(f"{source}: no such file")
        self.folder(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | (stat.S_IMODE(os.stat(source).st_mode) & 0o777), source)
        self.copy_libraries(source)

    def copy_libraries(self, source):
        with open(source, "rb") as f:
            if f.read(4) != b"\x7fELF" or source in self.libraries or source.endswith(".ko"):
                return
        self.libraries.add(source)
        said = subprocess.run(["ldd", source], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
        for library in re.findall(r"^\t(?:\S+ => )?(/\S+) \(0x", said, re.M):
            if self.normal(library) not in self.entries:
                self.copy(os.path.realpath(library), library)

    def write(self, path):
        """Write the initramfs.  Everything in it belongs to root."""
        with open(path, "wb") as out:
            for number, (name, (mode, content)) in enumerate(sorted(self.entries.items()), 1):
                if isinstance(content, str):
                    with open(content, "rb") as f:
                        content = f.read()
                self.entry(out, name, mode, content or b"", number)
            self.entry(out, "TRAILER!!!", 0, b"", 0)

    @staticmethod
    def entry(out, name, mode, content, number):
        encoded = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        out.write(head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4))
