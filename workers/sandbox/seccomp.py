"""seccomp: the kernel refuses every system call that is not on this list.

What a pure computation needs is reading, memory, clocks and signals to itself. Not here, so refused: new processes and
threads (fork, clone), exec, sockets of every family, sending to sockets, kill and its kin, ptrace and other processes'
memory, files in memory, io_uring, mounts, namespaces, ioctl, prctl, changing limits or a file's owner, mode or times,
and whatever a later kernel invents. A refused call fails with "Operation not permitted"; the code may go on.
"""

import ctypes
import platform
import struct
from functools import cache

from workers.sandbox.landlock import call

# name: number on x86-64, number on arm64 (None: does not exist there)
ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "lseek": (8, 62),
    "open": (2, None), "openat": (257, 56), "close": (3, 57), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "getdents64": (217, 61),
    "readlink": (89, None), "readlinkat": (267, 78), "getcwd": (79, 17),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233),
    "brk": (12, 214), "futex": (202, 98), "getrandom": (318, 278), "membarrier": (324, 283),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "epoll_wait": (232, None), "epoll_pwait": (281, 22), "epoll_ctl": (233, 21),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "alarm": (37, None), "getitimer": (36, 102), "setitimer": (38, 103), "restart_syscall": (219, 128),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153), "getrusage": (98, 165),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "uname": (63, 160),
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
# fcntl only to copy descriptors and to read or set their flags: F_SETOWN and F_SETSIG would send signals elsewhere.
FCNTL = {"x86_64": 72, "aarch64": 25}
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*
SECCOMP = {"x86_64": 317, "aarch64": 277}
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000  # RET_ALLOW, RET_ERRNO | EPERM, RET_KILL_PROCESS
NUMBER_AT, ARCHITECTURE_AT, SECOND_ARGUMENT_AT = 0, 4, 24  # offsets in struct seccomp_data
LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06  # BPF: load word, jump if equal, return


def install() -> None:
    """Put the filter on this process (it has one thread yet); needs `no_new_privs`. OSError where it cannot be."""
    number, header, _ = prepare()
    set_mode_filter = 1
    call(number, set_mode_filter, 0, header)


@cache
def prepare() -> tuple[int, bytes, object]:
    """The call's number and argument, and the memory that this points to; written once, before anything is forked."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(f"there is no list of system calls for {machine}")
    program = filter_program(machine)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))  # struct sock_fprog
    return SECCOMP[machine], header, code


def filter_program(machine: str) -> bytes:
    """The filter as BPF: wrong architecture (32-bit calls on 64 bits) kills; the list passes; all else is refused."""
    column = list(ARCHITECTURES).index(machine)
    numbers = [number for row in ALLOWED.values() if (number := row[column]) is not None]
    steps = [_step(LOAD, ARCHITECTURE_AT), _step(EQUALS, ARCHITECTURES[machine], 1, 0), _step(RETURN, KILL)]
    steps.append(_step(LOAD, NUMBER_AT))
    for number in numbers:  # two steps each, so that no jump grows beyond what a step can hold
        steps += [_step(EQUALS, number, 0, 1), _step(RETURN, ALLOW)]
    steps += [_step(EQUALS, FCNTL[machine], 1, 0), _step(RETURN, REFUSE), _step(LOAD, SECOND_ARGUMENT_AT)]
    for command in FCNTL_COMMANDS:
        steps += [_step(EQUALS, command, 0, 1), _step(RETURN, ALLOW)]
    return b"".join([*steps, _step(RETURN, REFUSE)])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)  # struct sock_filter
