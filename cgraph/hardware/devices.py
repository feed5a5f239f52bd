"""Devices that networks have to fit, and the verdict whether one does."""

from __future__ import annotations

from dataclasses import dataclass

from cgraph import checks
from cgraph.hardware.sizes import stored_bits
from cgraph.registry import Table

KIB = 1024
MIB = 1024**2
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Device:
    """What a device has room for, and how fast it is at best.

    Parameters
    ----------
    name : str
        What it is called.
    ram_bytes : int
        Memory for what a network holds while it runs, > 0.
    flash_bytes : int, default=None
        Memory that a network is stored in, > 0; None where it is loaded into RAM to run.
    macs_per_second : float, default=None
        Multiply-accumulate operations a second at most, at `dtype`, > 0; None where not known.
    bytes_per_second : float, default=None
        Bytes a second between processor and memory at most, > 0; None where not known.
    dtype : str, default="float32"
        Type that networks are stored in on it.
    source : str, default=""
        Where sizes and clocks come from.
    rates : str, default=""
        How the two rates are derived from them, and whether they are estimates.

    Raises
    ------
    ArgumentError
        If a number is not positive, or `dtype` is not a type that networks are stored in.

    Examples
    --------
    >>> Device("my board", ram_bytes=256 * 1024, flash_bytes=1024 * 1024, dtype="int8").ram_bytes
    262144
    """

    name: str
    ram_bytes: int
    flash_bytes: int | None = None
    macs_per_second: float | None = None
    bytes_per_second: float | None = None
    dtype: str = "float32"
    source: str = ""
    rates: str = ""

    def __post_init__(self) -> None:
        for field in ("name", "source", "rates"):
            checks.text(field, getattr(self, field))
        checks.whole("ram_bytes", self.ram_bytes, 1)
        if self.flash_bytes is not None:
            checks.whole("flash_bytes", self.flash_bytes, 1)
        for field in ("macs_per_second", "bytes_per_second"):
            if getattr(self, field) is not None:
                checks.number(field, getattr(self, field), above=0)
        stored_bits(self.dtype)


DEVICES: Table[Device] = Table(
    "device",
    [
        Device(
            name="stm32f746",
            ram_bytes=320 * KIB,
            flash_bytes=1 * MIB,
            macs_per_second=2 * 216e6,
            bytes_per_second=8 * 216e6,
            dtype="int8",
            source="MicroPython's page of the STM32F746G-DISCO (216 MHz, 1,024 KB flash, 320 KB "
            "RAM), https://github.com/micropython/micropython/wiki/Board-STM32F746-Discovery",
            rates="Estimates, peaks of a Cortex-M7: 2 MACs a cycle (SMLAD), a bus of 64 bits at "
            "its clock.",
        ),
        Device(
            name="stm32h743",
            ram_bytes=512 * KIB,
            flash_bytes=2 * MIB,
            macs_per_second=2 * 480e6,
            bytes_per_second=8 * 240e6,
            dtype="int8",
            source="Memory map of the STM32H743VI (480 MHz, 2 MB flash; of 1 MB RAM the largest "
            "block, 512 KB of AXI SRAM), https://0xhenry.dev/en/study/stm32-architecture",
            rates="Estimates, peaks of a Cortex-M7: 2 MACs a cycle (SMLAD), AXI of 64 bits at half "
            "the clock.",
        ),
        Device(
            name="gap8",
            ram_bytes=512 * KIB,
            flash_bytes=64 * MIB,
            macs_per_second=5e9,
            bytes_per_second=8 * 250e6,
            dtype="int8",
            source="Specifications (512 KB L2, 8 cores in a cluster, up to 250 MHz), "
            "https://www.cnx-software.com/2018/02/27/greenwaves-gap8-is-a-low-power-risc-v-iot-"
            "processor-optimized-for-artificial-intelligence-applications/; flash of the GAPuino "
            "board (64 MB), https://docs.platformio.org/en/latest/boards/riscv_gap/gapuino.html",
            rates="MACs: the 10 GOPS that the maker claims, https://en.wikichip.org/wiki/"
            "greenwaves/gap8, two operations a MAC; PULP-NN, arXiv:1908.11263, measures 15.5 MACs "
            "a cycle. Bytes: an estimate, 64 bits between L2 and L1 at 250 MHz.",
        ),
        Device(
            name="nrf52840",
            ram_bytes=256 * KIB,
            flash_bytes=1 * MIB,
            macs_per_second=2 * 64e6,
            bytes_per_second=4 * 64e6,
            dtype="int8",
            source="PlatformIO's page of the nRF52840-DK (64 MHz, 1 MB flash, 256 KB RAM), "
            "https://docs.platformio.org/en/latest/boards/nordicnrf52/nrf52840_dk.html",
            rates="Estimates, peaks of a Cortex-M4: 2 MACs a cycle (SMLAD), a bus of 32 bits at "
            "its clock.",
        ),
        Device(
            name="raspberry-pi-4",
            ram_bytes=4 * GIB,
            macs_per_second=4 * 4 * 1.5e9,
            bytes_per_second=4 * 3.2e9,
            dtype="float32",
            source="The Official Raspberry Pi Beginner's Guide, 3rd edition, appendix F (4 "
            "Cortex-A72 at 1.5 GHz, LPDDR4 at 3,200 MHz; the version with 4 GB), "
            "https://issuu.com/28rduan/docs/raspberrypi_beginnersguide_v3/236",
            rates="Estimates, peaks: 4 MACs a cycle and core (NEON, float32), memory of 32 bits at "
            "3,200 million transfers a second.",
        ),
        Device(
            name="jetson-nano",
            ram_bytes=4 * GIB,
            macs_per_second=128 * 921e6,
            bytes_per_second=25.6e9,
            dtype="float32",
            source="Comparison of graphics processors (128 cores, 921 MHz, 4 GB LPDDR4 of 64 "
            "bits at 25.6 GB/s), https://cpu-gpu.alldbin.com/graphics-card-comparison/"
            "Jetson-TX2-GPU-and-Jetson-Nano-comparison.html",
            rates="MACs: an estimate, one a cycle and core in float32. Bytes: as the source has "
            "it, the peak.",
        ),
    ],
)


def device_of(device: Device | str) -> Device:
    """A device, or the one of `DEVICES` that has a name.

    Parameters
    ----------
    device : Device or str
        The device or its name.

    Raises
    ------
    ArgumentError
        If `device` is neither.
    UnknownNameError
        If no device has the name; lists the near ones.

    Examples
    --------
    >>> device_of("gap8").ram_bytes
    524288
    """
    if isinstance(device, str):
        return DEVICES[device]
    hint = f"known: {', '.join(DEVICES)}"
    return checks.instance("device", device, Device, "be a Device or the name of one", hint)


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a network fits a device, and what is missing where it does not. True if it fits.

    Parameters
    ----------
    device : Device
        The device.
    dtype : str or None
        Type that the network's floating-point tensors are stored in; None for as captured.
    flash_bytes : int
        Bytes of flash it needs; 0 where the device has none.
    ram_bytes : int
        Bytes of RAM it needs in the best order that is known.
    ram_lower_bytes : int
        Bytes of RAM that it needs in any order.
    """

    device: Device
    dtype: str | None
    flash_bytes: int
    ram_bytes: int
    ram_lower_bytes: int

    @property
    def flash_excess_bytes(self) -> int:
        """Bytes of flash that are missing; 0 where there is room."""
        return max(0, self.flash_bytes - (self.device.flash_bytes or 0))

    @property
    def ram_excess_bytes(self) -> int:
        """Bytes of RAM that are missing; 0 where there is room."""
        return max(0, self.ram_bytes - self.device.ram_bytes)

    @property
    def is_certain(self) -> bool:
        """Whether no order of the kernels would change the verdict."""
        return bool(
            self.flash_excess_bytes
            or not self.ram_excess_bytes
            or self.ram_lower_bytes > self.device.ram_bytes
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not fit and by how much, in words; empty where it fits."""
        found = []
        if self.flash_excess_bytes:
            found.append(_excess("flash", self.flash_bytes, self.device.flash_bytes or 0))
        if self.ram_excess_bytes:
            open_end = (
                ""
                if self.ram_lower_bytes > self.device.ram_bytes
                else (
                    f"; a better order than the one found could need as little as "
                    f"{self.ram_lower_bytes:,} bytes"
                )
            )
            found.append(_excess("RAM", self.ram_bytes, self.device.ram_bytes) + open_end)
        return tuple(found)

    def __bool__(self) -> bool:
        return not self.flash_excess_bytes and not self.ram_excess_bytes

    def __str__(self) -> str:
        stored = f" at {self.dtype}" if self.dtype else ""
        if self:
            return f"fits {self.device.name}{stored}"
        return f"does not fit {self.device.name}{stored}: {'; '.join(self.problems)}"


def _excess(what: str, needed: int, there: int) -> str:
    return f"needs {needed:,} bytes of {what}, {needed - there:,} more than the {there:,} there"
