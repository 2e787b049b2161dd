"""A private machine: systemd as process 1 of namespaces of its own, with this machine's /usr, and nothing else of it.

Only root can make it, where namespaces are allowed and cgroups of version 1 can be mounted (a container without privileges
can do neither); systemd has to be installed. It has a network of its own: all ports are free."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from support import PATIENCE_S, run, wait_until

# In a mount namespace of its own: a cgroup in which the machine lives, removed with all that it made.
OUTSIDE = r"""
set -e
cgroups=$1/cgroups
mkdir -p "$cgroups"
mount -t cgroup -o none,name=systemd cgroup "$cgroups"
before=$cgroups$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup)
mine=$before/martlet-test-$$
mkdir "$mine"
echo $$ >"$mine/cgroup.procs"
unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child bash "$1/inside" "$1" || true
echo $$ >"$before/cgroup.procs"
find "$mine" -depth -type d -exec rmdir {} \;
"""
# In all namespaces: a root made of /usr, a few files of /etc, and what is empty.
INSIDE = r"""
set -e
root=$1/root
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p "$root"/{usr,proc,sys,dev,run,tmp,etc/systemd/system,root,home,old} "$root"/var/{lib,tmp,log} "$1"/layer/{upper,work}
chmod 1777 "$root/tmp" "$root/var/tmp"
mount -t tmpfs -o mode=755 tmpfs "$1/layer"
mkdir -p "$1"/layer/upper/bin "$1"/layer/work
cp "$2" "$1/layer/upper/bin/martlet"
mount -t overlay -o "lowerdir=/usr,upperdir=$1/layer/upper,workdir=$1/layer/work" overlay "$root/usr"
for link in bin sbin lib lib32 lib64; do
  if [ -L "/$link" ]; then cp -a "/$link" "$root/$link"; fi
done
mount -t proc proc "$root/proc"
# The kernel is not its own: it changes nothing there and loads nothing.
for path in $(cd "$root/proc" && ls -d sys sysrq-trigger 2>/dev/null); do
  mount --bind "$root/proc/$path" "$root/proc/$path"
  mount -o remount,bind,ro "$root/proc/$path"
done
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/systemd"
mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root"/dev/{shm,pts}
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
touch "$root/dev/ptmx"
mount --bind "$root/dev/pts/ptmx" "$root/dev/ptmx"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache "$root/etc/"
if [ -d /etc/alternatives ]; then cp -a /etc/alternatives "$root/etc/"; fi
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
for unit in modprobe@.service systemd-{sysctl,modules-load,random-seed,udevd,udev-trigger}.service \
  sys-kernel-{debug,tracing}.mount dev-hugepages.mount sys-fs-fuse-connections.mount; do
  ln -s /dev/null "$root/etc/systemd/system/$unit"
done
cp -a "$1"/files/. "$root/"
cd "$root"
pivot_root . old
umount -l old
exec env -i container=martlet-test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --system --unit=basic.target \
  --log-target=journal --show-status=no
"""


class Machine:
    """`files`: path -> text, what is there from the beginning; `binary` is /usr/bin/martlet."""

    def __init__(self, test, binary, files):
        if os.geteuid() != 0:
            raise AssertionError("a machine with its own systemd needs root")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-machine-"))
        test.addClassCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "root").mkdir()
        (self.folder / "outside").write_text(OUTSIDE)
        (self.folder / "inside").write_text(INSIDE.replace("$2", str(binary)))
        for path, text in files.items():
            target = self.folder / "files" / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "bash", str(self.folder / "outside"), str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )
        test.addClassCleanup(self.end)
        self.init = None
        wait_until(self.is_up, "systemd", lambda: self.log.read_text(errors="replace")[-3000:])

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the machine ended:\n{self.log.read_text(errors='replace')[-3000:]}")
        pid = self.process.pid
        for _ in range(2):  # the script's `unshare`, and what that started
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if len(children) != 1:
                return False
            pid = int(children[0])
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text() != "systemd\n":
                return False
        except OSError:
            return False
        self.init = pid
        state = self.do("systemctl", "is-system-running", expect=None).stdout.strip()
        return state in (b"running", b"degraded")

    def do(self, *command, expect=0, stdin=b""):
        """Runs a command in it, as its root."""
        return run("nsenter", "-t", str(self.init), "-p", "-m", "-u", "-i", "-n", "-C", "-r", "-w", "--", "env", "-i",
                   "PATH=/usr/sbin:/usr/bin", *map(str, command), stdin=stdin, expect=expect)

    def systemctl(self, *words, expect=0):
        done = self.do("systemctl", "--no-pager", *words, expect=None)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"systemctl {words} ended with {done.returncode}: {done.stderr.decode()}\n{self.journal()}")
        return (done.stdout + done.stderr).decode()

    def shows(self, unit, what):
        return self.systemctl("show", "--value", "-p", what, unit).strip()

    def journal(self, *words):
        return self.do("journalctl", "--no-pager", "-o", "cat", *words).stdout.decode("utf-8", "replace")[-4000:]

    def write(self, path, text):
        self.do("mkdir", "-p", os.path.dirname(path))
        self.do("tee", path, stdin=text.encode())

    def end(self):
        if self.init is not None:
            os.kill(self.init, signal.SIGKILL)  # and with it all that is in its namespace
        else:
            self.process.terminate()
        self.process.wait(PATIENCE_S)
