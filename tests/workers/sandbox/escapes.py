"""Attempts to get out of the sandbox, as bodies of a function that runs inside it.

An attempt that comes to its end has got out; every one must raise. HARMLESS ones are also run outside of the sandbox,
where they must come to their end: an attempt that fails everywhere shows nothing. `{secret}` is a readable file in a
writable directory `{place}`, `{port}` and `{socket}` are listening servers of the test's own, `{root}` is the project.
"""

SYSCALL = """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def call(number, *arguments):
        result = libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
        if result < 0:
            raise OSError(ctypes.get_errno(), 'refused')
        return result
"""

HARMLESS: dict[str, str] = {
    # reading
    "read /etc/passwd": "open('/etc/passwd').read()",
    "read a file of the project": "open('{root}/pyproject.toml').read()",
    "read the source of the sandbox": "open('{root}/workers/sandbox/walls.py').read()",
    "read a file that everyone may read": "open('{secret}').read()",
    "read through a link of /proc": "open('/proc/self/root{secret}').read()",
    "read own environment from /proc": "open('/proc/self/environ').read()",
    "read own memory map": "open('/proc/self/maps').read()",
    "read the process list": "os.listdir('/proc')",
    "read the parent's command line": "open(f'/proc/{{os.getppid()}}/cmdline').read()",
    "list the root": "os.listdir('/')",
    "list the project": "os.listdir('{root}')",
    "list a writable directory": "os.listdir('{place}')",
    "open a directory as a file": "os.open('{place}', os.O_RDONLY)",
    "climb out of the library's directory": "open(sys.path[-1] + '/..' * 12 + '{secret}').read()",
    "read with io.FileIO": "import io; io.FileIO('{secret}').read()",
    "read with mmap": "import mmap; f = open('{secret}', 'rb'); mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)",
    "write a database": "import sqlite3; sqlite3.connect('{place}/new.db').execute('create table x (y)')",
    "read a system call's way": SYSCALL + "    call(257, -100, b'/etc/passwd', 0, 0)",
    # writing
    "write a new file": "open('{place}/x1', 'w').write('x')",
    "write in /tmp": "import tempfile; tempfile.TemporaryFile()",
    "write in /dev/shm": "open('/dev/shm/merit-test', 'w').close(); os.unlink('/dev/shm/merit-test')",
    "append to a file": "open('{secret}', 'a').write('x')",
    "make a directory": "os.mkdir('{place}/x2')",
    "make a symbolic link": "os.symlink('/etc/passwd', '{place}/x3')",
    "make a hard link": "os.link('{secret}', '{place}/x4')",
    "make a pipe with a name": "os.mkfifo('{place}/x5')",
    "rename a file": "os.rename('{secret}', '{place}/secret2'); os.rename('{place}/secret2', '{secret}')",
    "remove a directory": "os.mkdir('{place}/x6'); os.rmdir('{place}/x6')",
    "remove a file": "os.unlink('{place}/short')",
    "truncate a file": "os.truncate('{place}/short', 0)",
    "change a mode": "os.chmod('{place}/short', 0o600); os.chmod('{place}/short', 0o666)",
    "change times": "os.utime('{place}/short')",
    "fill the disk": "f = open('{place}/x7', 'wb', 0)\n    for _ in range(9): f.write(bytes(1 << 20))",
    "set space aside on the disk": "f = open('{place}/x8', 'wb'); os.posix_fallocate(f.fileno(), 0, 1 << 20)",
    "shared memory with a name": "from multiprocessing.shared_memory import SharedMemory as S"
    "; m = S(create=True, size=9); m.close(); m.unlink()",
    "a file in memory": "os.memfd_create('x')",
    "change directory": "os.chdir('{place}')",
    # network
    "connect over TCP": "import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
    "connect to a unix socket": "import socket; socket.socket(socket.AF_UNIX).connect('{socket}')",
    "listen on TCP": "import socket; socket.create_server(('127.0.0.1', 0))",
    "a UDP socket": "import socket; socket.socket(type=socket.SOCK_DGRAM)",
    "a netlink socket": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "an abstract unix socket": "import socket; socket.socket(socket.AF_UNIX).bind('\\0merit-test')",
    "a pair of sockets": "import socket; socket.socketpair()",
    "a socket of any family": "import socket; found = []\n"
    "    for family in range(1, 46):\n"
    "        for kind in (1, 2, 3, 5):\n"
    "            try: found.append(socket.socket(family, kind))\n"
    "            except OSError: pass\n"
    "    assert found, 'none of a hundred and eighty'",
    "fetch a page": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/', timeout=2)",
    # processes
    "fork": "pid = os.fork()\n    if pid == 0: os._exit(0)\n    os.waitpid(pid, 0)",
    "fork by a system call": SYSCALL + "    pid = call(57)\n    if pid == 0: os._exit(0)\n    os.waitpid(pid, 0)",
    "a bomb of forks": "for _ in range(50):\n        pid = os.fork()\n        if pid == 0: os._exit(0)\n"
    "        os.waitpid(pid, 0)",
    "a terminal of its own": "import pty; assert pty.spawn(['/bin/true']) == 0",
    "a pickle that runs a command": "import pickle; assert pickle.loads(b\"cposix\\nsystem\\n(S'true'\\ntR.\") == 0",
    "a shell": "assert os.system('true') == 0",
    "a subprocess": "import subprocess; subprocess.run(['/bin/true'], check=True)",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {{}})",
    "a thread": "import threading; t = threading.Thread(target=int, daemon=True); t.start(); t.join()",
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor; ThreadPoolExecutor().submit(int).result()",
    "a pool of processes": "from concurrent.futures import ProcessPoolExecutor as P; P(1).submit(int).result()",
    # signal 0 arrives nowhere and yet needs the same permission as any other
    "a signal to the parent": "os.kill(os.getppid(), 0)",
    "a signal to the parent's group": "os.killpg(os.getpgid(os.getppid()), 0)",
    "a signal to everyone": "os.kill(-1, 0)",
    "a signal to a thread of the parent": SYSCALL + "    call(234, os.getppid(), os.getppid(), 0)",
    "a handle of the parent": "os.pidfd_open(os.getppid())",
    "signals by way of fcntl": "import fcntl; r, w = os.pipe2(0); fcntl.fcntl(w, 8, os.getppid())",
    "the parent's limits": "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)",
    "own limits": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    "own priority": "os.nice(1)",
    "another name by prctl": SYSCALL + "    call(157, 15, b'x', 0, 0, 0)",
    "a ring of system calls": SYSCALL + "    call(425, 1, ctypes.create_string_buffer(120))",
    "shared memory": SYSCALL + "    call(31, call(29, 0, 4096, 0o1600), 0, 0)",
    "a counter for events": "import ctypes; assert ctypes.CDLL(None).eventfd(0, 0) >= 0",
    # libraries that are not on the list
    "the lab's own code": "sys.path.insert(0, '{root}'); import workers.contract",
}

OTHERS: dict[str, str] = {
    "read the shadow file": "open('/etc/shadow').read()",
    "read the parent's environment": "open(f'/proc/{{os.getppid()}}/environ').read()",
    "read the parent's memory": "open(f'/proc/{{os.getppid()}}/mem', 'rb')",
    "write own memory past Python": "open('/proc/self/mem', 'r+b')",
    "write in the empty directory": "open('x', 'w')",
    "write into a library": "import json; open(sys.path[0] + '/json/__init__.py', 'a')",
    "write bytecode": "open(sys.path[0] + '/__pycache__/x.pyc', 'wb')",
    "a nameless file": "os.open('/tmp', os.O_TMPFILE | os.O_RDWR)",
    "list what lies beside the library": "os.listdir(sys.path[0] + '/..')",
    "make a device": "os.mknod('x', 0o600 | 0o20000, os.makedev(1, 1))",
    "exec": "os.execv('/bin/true', ['true'])",
    "exec a descriptor": SYSCALL + "    call(322, 0, b'/bin/true', None, None, 0)",
    "the loader as a program": "os.execv('/lib64/ld-linux-x86-64.so.2', ['ld', '/bin/true'])",
    "ptrace": SYSCALL + "    call(101, 16, os.getppid(), 0, 0)",
    "ask to be traced": SYSCALL + "    call(101, 0, 0, 0, 0)",
    "memory of the parent": SYSCALL + "    call(310, os.getppid(), None, 0, None, 0, 0)",
    "root again": "os.setuid(0)",
    "root again, all three": "os.setresuid(0, 0, 0)",
    "own session": "os.setsid()",
    "own group": "os.setpgid(0, 0)",
    "own namespaces": SYSCALL + "    call(272, 0x10000000)",
    "another's namespaces": SYSCALL + "    call(308, 0, 0)",
    "another root": "os.chroot('/')",
    "mount": SYSCALL + "    call(165, b'none', b'/tmp', b'tmpfs', 0, 0)",
    "die not with the parent": SYSCALL + "    call(157, 1, 0, 0, 0, 0)",
    "a clone by a system call": SYSCALL + "    call(56, 17, 0, 0, 0, 0)",
    "a clone of the third kind": SYSCALL + "    call(435, ctypes.create_string_buffer(88), 88)",
    "vfork": SYSCALL + "    call(58)",
    "a program in the kernel": SYSCALL + "    call(321, 0, 0, 0)",
    "keys of the kernel": SYSCALL + "    call(250, 0, -3, 0)",
    "faults handled in user space": SYSCALL + "    call(323, 0)",
    "measuring others": SYSCALL + "    call(298, 0, 0, -1, -1, 0)",
    "open by handle": SYSCALL + "    call(304, -100, 0, 0)",
    "the older socket call": SYSCALL + "    call(41, 2, 1, 0)",
    "a socket of the other table": SYSCALL + "    call(0x40000000 + 41, 2, 1, 0)",
    "type into the terminal": SYSCALL + "    call(16, 0, 0x5412, b'x')",
    "widen the walls": SYSCALL + "    call(444, None, 0, 1)",
    "import torch": "import torch",
    "import django": "import django",
    "pip's packages": "sys.path.insert(0, sys.path[0] + '/site-packages'); import pip",
}
