"""Rarer attempts to get out: what few programs ever call, and ways around names and paths. As in `escapes.py`."""

from tests.workers.sandbox.escapes import SYSCALL

HARMLESS: dict[str, str] = {
    # reading and changing by other ways
    "read from a held directory": "for fd in range(64):\n"
    "        try: os.close(os.open('../' * 30 + '{secret}'.lstrip('/'), os.O_RDONLY, dir_fd=fd)); break\n"
    "        except OSError: continue\n    else: os.close(os.open('{secret}', os.O_RDONLY))",
    "attributes of a file": "os.listxattr('{secret}')",
    "the size of a disk": "os.statvfs('{place}')",
    "the load of the machine": "os.getloadavg()",
    "another mask of modes": "os.umask(os.umask(0o22))",
    "what it was started with": "open('/proc/self/cmdline').read()",
    "the tables of mounts": "open('/proc/self/mountinfo').read()",
    "a change of mode by descriptor": "fd = os.open('{place}/short', os.O_RDWR); os.fchmod(fd, 0o666)",
    "copying within the kernel": "a, b = os.pipe(); c = os.open('{secret}', os.O_RDONLY); os.splice(c, b, 9)",
    "a file that is sent": "import shutil; shutil.copyfile('{secret}', '{place}/short')",
    "watching a directory": SYSCALL + "    assert call(254, call(294, 0), b'{place}', 2) > 0",
    # messages and memory between processes
    "a queue of messages": SYSCALL + "    call(71, call(68, 0, 0o1600), 0, 0)",
    "a semaphore": SYSCALL + "    call(66, call(64, 0, 1, 0o1600), 0, 0)",
    "signals as a file": SYSCALL + "    call(289, -1, ctypes.create_string_buffer(8), 8, 0)",
    "a timer as a file": SYSCALL + "    call(283, 1, 0)",
    "a timer of the kernel": SYSCALL + "    call(222, 1, None, ctypes.create_string_buffer(8))",
    "waiting for many descriptors": "import select; select.epoll().close()",
    "requests without waiting": SYSCALL + "    call(206, 1, ctypes.create_string_buffer(8))",
    "a lock between processes": "import multiprocessing; multiprocessing.Lock()",
    "a terminal": "import pty; os.close(os.openpty()[0])",
    "a manager of objects": "from multiprocessing.managers import BaseManager as M; m = M(); m.start(); m.shutdown()",
    # processes
    "a signal with a value": SYSCALL + "    call(129, os.getpid(), 0, ctypes.create_string_buffer(128))",
    "a signal to itself by number": SYSCALL + "    call(62, os.getpid(), 0)",
    "a file in memory that is run": "fd = os.memfd_create('x')\n"
    "    os.write(fd, open('/bin/true', 'rb').read())\n"
    "    pid = os.fork()\n    if pid == 0: os.execve(f'/proc/self/fd/{{fd}}', ['x'], {{}})\n    os.waitpid(pid, 0)",
    "other processors": "os.sched_setaffinity(0, os.sched_getaffinity(0))",
    "another order of work": "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))",
    "memory that stays": SYSCALL + "    call(149, ctypes.create_string_buffer(4096), 1)",
    "another personality": SYSCALL + "    call(135, 0xFFFFFFFF)",
    "a filter of its own": SYSCALL
    + "    call(157, 38, 1, 0, 0, 0)\n    call(317, 2, 0, ctypes.byref(ctypes.c_uint(0)))",
    "who its parent's group is": "os.getpgid(os.getppid())",
}

OTHERS: dict[str, str] = {
    "pages of the parent": SYSCALL + "    call(311, os.getppid(), None, 0, None, 0, 0)",
    "descriptors of the parent": SYSCALL + "    call(438, 0, 0, 0)",
    "comparing with the parent": SYSCALL + "    call(312, os.getppid(), os.getpid(), 0, 0, 0)",
    "advice on the parent's memory": SYSCALL + "    call(440, 0, None, 0, 0, 0)",
    "a user's namespace": SYSCALL + "    call(272, 0x10000000 | 0x00020000)",
    "a tree of mounts": SYSCALL + "    call(428, -100, b'/', 1)",
    "a new file system": SYSCALL + "    call(430, b'tmpfs', 0)",
    "another root by pivoting": SYSCALL + "    call(155, b'.', b'.')",
    "a handle of a name": SYSCALL + "    call(303, -100, b'/', None, None, 0)",
    "a module of the kernel": SYSCALL + "    call(175, None, 0, b'')",
    "another kernel": SYSCALL + "    call(246, 0, 0, None, 0)",
    "ports of the machine": SYSCALL + "    call(172, 3)",
    "the kernel's log": SYSCALL + "    call(103, 3, None, 0)",
    "the machine's name": SYSCALL + "    call(170, b'x', 1)",
    "the machine's clock": SYSCALL + "    call(159, None)",
    "a restart": SYSCALL + "    call(169, 0, 0, 0, None)",
    "segments of its own": SYSCALL + "    call(154, 0, None, 0)",
    "another thread's registers": SYSCALL + "    call(158, 0x1001, 0)",
    "waiting on many locks": SYSCALL + "    call(449, None, 0, 0, None, 0)",
    "pages elsewhere": SYSCALL + "    call(279, 0, 0, None, None, None, 0)",
    "notifications of all files": SYSCALL + "    call(300, 0, 0)",
    "the older list of descriptors": SYSCALL + "    call(213, 1)",
    "a call that does not exist yet": SYSCALL + "    call(600, 0)",
    "a signal through a handle": SYSCALL + "    call(424, 0, 0, None, 0)",
    "a queue with a name": SYSCALL + "    call(240, b'merit', 0o102, 0o600, None)",
    "keys that are added": SYSCALL + "    call(248, b'user', b'x', b'y', 1, -3)",
}
