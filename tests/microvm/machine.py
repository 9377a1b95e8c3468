"""A virtual machine for one program: an emulated processor, a kernel, a disk, a line for results.

Everything is emulated (no /dev/kvm), which is about ten times slower and works everywhere. The
machine is a whole q35: it has an HPET, and on the smaller `microvm` the kernel finds no reference
for its clock, and stops, whenever the emulated processor was kept waiting while it looked for one.
A guest that ends by reboot ends the process.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

KERNEL_OPTIONS = "console=ttyS0 reboot=t panic=-1 quiet"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a guest is started with, and where its output goes."""

    kernel: Path
    initramfs: Path
    disk: Path
    console: Path
    """What it writes to its serial line."""

    results: Path
    """What it writes to the only port of its virtio serial device."""

    memory_mib: int = 1024
    processors: int = 2

    def run(self, *, deadline_s: float) -> None:
        """Run the guest to its end. Raises: TimeoutExpired, after which it is gone too."""
        subprocess.run(self._command(), stdin=subprocess.DEVNULL, timeout=deadline_s, check=True)

    def _command(self) -> list[str]:
        return [
            "qemu-system-x86_64",
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
            *("-machine", "q35", "-accel", "tcg,thread=multi"),
            *("-cpu", "max", "-smp", str(self.processors), "-m", str(self.memory_mib)),
            *("-kernel", str(self.kernel), "-initrd", str(self.initramfs)),
            *("-append", KERNEL_OPTIONS, "-serial", f"file:{self.console}"),
            *("-drive", f"id=root,file={self.disk},format=raw,if=none,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=root", "-device", "virtio-serial-pci"),
            *("-chardev", f"file,id=results,path={self.results}"),
            *("-device", "virtserialport,chardev=results,name=results"),
        ]
