"""Landlock: the kernel refuses to open, list, make, change or run anything that is not granted here.

A ruleset names everything it *handles*; what is handled and not granted is denied for the rest of the process's life,
whoever it is. There is no way back, also not for root. Only `stat` and the walk along a path stay possible.
Numbers from include/uapi/linux/landlock.h; the three calls have the same numbers on every architecture.
"""

import ctypes
import os
import struct

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, PATH_BENEATH = 1, 1
WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
# How many file rights each version of the interface handles: execute, write, read, list, remove and make of every
# sort (13), then moving between directories, truncating, and ioctl on devices. Execute is never granted.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
TCP_BIND_AND_CONNECT = 0b11  # since version 4
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # since version 6: none to processes outside
LIBC = ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: int | bytes | None) -> int:
    """A system call; OSError when it fails."""
    passed = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(LIBC.syscall(ctypes.c_long(number), *passed))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


class Ruleset:
    """Grants are collected while files can still be opened; `enforce` shuts the door. OSError without Landlock."""

    def __init__(self) -> None:
        self.version = call(CREATE_RULESET, None, 0, VERSION_FLAG)
        self.handled = (1 << FILE_RIGHTS.get(self.version, 16)) - 1
        network = TCP_BIND_AND_CONNECT if self.version >= 4 else 0
        scoped = ABSTRACT_SOCKETS_AND_SIGNALS if self.version >= 6 else 0
        # An older kernel takes the longer record as long as what it does not know is zero.
        record = struct.pack("=QQQ", self.handled, network, scoped)
        self.fd = call(CREATE_RULESET, record, len(record), 0)

    def grant(self, path: str, rights: int) -> None:
        """Allow `rights` on a file, or on a directory and all below it; a path that is not there is passed over."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            call(ADD_RULE, self.fd, PATH_BENEATH, struct.pack("=Qi", rights & self.handled, fd), 0)
        finally:
            os.close(fd)

    def enforce(self) -> None:
        """From here on only what was granted; needs `no_new_privs`."""
        call(RESTRICT_SELF, self.fd, 0)
        os.close(self.fd)
