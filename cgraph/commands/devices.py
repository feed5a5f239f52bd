"""`cgraph devices`: the devices that cgraph knows."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from cgraph.commands.console import out


def devices() -> None:
    """List the devices that cgraph knows: their memories, their type, and where that is from.

    Their names go wherever one is asked for: cgraph footprint MODEL --fits stm32f746.
    """
    from cgraph.hardware.devices import DEVICES

    table = Table(box=SIMPLE_HEAD)
    table.add_column("device")
    for name in ("bytes of RAM", "bytes of flash"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("stores")
    for device in DEVICES.values():
        flash = "–" if device.flash_bytes is None else f"{device.flash_bytes:,}"
        table.add_row(device.name, f"{device.ram_bytes:,}", flash, device.dtype)
    out.print(table)
    out.print("Without flash a network is loaded into RAM. Rates are the highest there can be.")
    for device in DEVICES.values():
        rates = [
            f"{rate:,.0f} {what} a second"
            for rate, what in ((device.macs_per_second, "MACs"), (device.bytes_per_second, "bytes"))
            if rate is not None
        ]
        out.print(f"{device.name}: {escape(device.source)}.", highlight=False)
        told = f"{', '.join(rates)}. {device.rates}"
        out.print(Padding(escape(told), (0, 0, 0, 4)), highlight=False)
