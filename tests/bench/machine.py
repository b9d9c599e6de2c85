"""What the kernel says of a server: the CPU and the memory of its process
tree, and what reached the block device that it writes to."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import time

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def processes():
    """pid -> (parent, CPU seconds with those of its dead children)."""
    found = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            text = pathlib.Path(entry.path, "stat").read_text()
        except OSError:
            continue
        fields = text.rpartition(") ")[2].split()
        ticks = sum(int(f) for f in fields[11:15])
        found[int(entry.name)] = (int(fields[1]), ticks * TICK_S)
    return found


def tree(roots):
    """The pids of these processes and all below them."""
    table = processes()
    alive, found = set(roots), set()
    while alive:
        found |= alive
        alive = {p for p, (parent, _) in table.items()
                 if parent in found} - found
    return found & set(table), table


def cpu_seconds(roots):
    pids, table = tree(roots)
    return sum(table[p][1] for p in pids)


def rss_anon_kb(roots):
    total = 0
    for pid in tree(roots)[0]:
        with contextlib.suppress(OSError):
            for line in open(f"/proc/{pid}/status"):
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1])
    return total


@contextlib.contextmanager
def one_core(roots, others):
    """These servers have the first core alone, and these other processes and
    we the second; as before afterwards. With one core nothing changes."""
    cores = sorted(os.sched_getaffinity(0))

    def put(pids, cpus):
        for pid in pids:
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    os.sched_setaffinity(int(task), cpus)

    if len(cores) < 2:
        yield
        return
    others = [os.getpid(), *others]
    put(tree(roots)[0], cores[:1])
    put(others, cores[1:2])
    try:
        yield
    finally:
        put([*tree(roots)[0], *others], cores)


class Device:
    """A file system of its own on a loop device."""

    def __init__(self, folder, name, megabytes):
        self.image = pathlib.Path(folder) / f"{name}.image"
        self.mount = pathlib.Path(folder) / name
        self.mount.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], check=True)
        made = subprocess.run(
            ["losetup", "--find", "--show", str(self.image)],
            capture_output=True, text=True,
        )
        if made.returncode != 0:
            raise SystemExit("bench: this machine (a container?) has no loop "
                             "devices to mount: " + made.stderr.strip())
        self.device = made.stdout.strip()
        subprocess.run(["mount", self.device, str(self.mount)], check=True)
        self.mount.chmod(0o755)
        self.settle()

    def settle(self):
        """ext4 initialises itself for a while after mkfs."""
        for _ in range(60):
            before = self.counters()
            time.sleep(1)
            if self.counters() == before:
                return

    def counters(self):
        """(bytes written, flushes) so far."""
        name = os.path.basename(self.device)
        fields = pathlib.Path(f"/sys/block/{name}/stat").read_text().split()
        return int(fields[6]) * 512, int(fields[15])

    def sync(self):
        subprocess.run(["sync", "-f", str(self.mount)], check=True)

    def close(self):
        subprocess.run(["umount", str(self.mount)], check=False)
        subprocess.run(["losetup", "--detach", self.device], check=False)
        self.image.unlink()


def place():
    """Where the images are kept: BENCH_DISK, or in memory where there is much.
    There a flush is cheap, which is in favour of whoever flushes most, and
    what else uses the disk of this machine does not matter."""
    chosen = os.environ.get("BENCH_DISK")
    if chosen:
        return chosen
    with contextlib.suppress(OSError):
        free = os.statvfs("/dev/shm")
        if free.f_bavail * free.f_frsize > 8 << 30:
            return "/dev/shm"
    return tempfile.gettempdir()


@contextlib.contextmanager
def devices(names, megabytes):
    """A Device for each name; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tinpost-bench-", dir=place(),
                                     ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        made = {}
        try:
            for name in names:
                made[name] = Device(folder, name, megabytes)
            yield made
        finally:
            for device in made.values():
                device.close()


@contextlib.contextmanager
def watches(n):
    """Let one user watch n folders: a Dovecot that may not looks only twice a
    minute."""
    limit = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
    before = limit.read_text()
    if int(before) < n:
        limit.write_text(str(n))
    try:
        yield
    finally:
        limit.write_text(before)


def describe():
    """The machine, in one line."""
    cpu = "unknown CPU"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return f"{os.cpu_count()} x {cpu}, {memory} GiB, Linux {os.uname().release}"
