"""Files of the benchmark, written by the documented formats and nothing of the package."""

import base64
import json
import struct


def crc32c(data):
    """CRC-32C bit by bit (Castagnoli's polynomial, reflected)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15) | (crc << 17) & 0xFFFFFFFF) + 0xA282EAD8 & 0xFFFFFFFF


def record(data):
    length = struct.pack("<Q", len(data))
    crc, data_crc = (struct.pack("<I", masked(part)) for part in (length, data))
    return length + crc + data + data_crc


def varint(value):
    digits = []
    while value >= 128:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def double(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


def nested(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def evaluation(*values, path=b""):
    """Epoch, seconds, and the accuracies on training, validation and test images."""
    data = b"".join(double(i, value) for i, value in enumerate(values, start=1))
    return data + (nested(6, path) if path else b"")


def metrics(evaluations, n_parameters, seconds=1.0):
    parts = [nested(1, data) for data in evaluations]
    return b"".join(parts) + varint(2 << 3) + varint(n_parameters) + double(3, seconds)


def row(module_hash, epochs, adjacency, operations, data):
    text = json.dumps([module_hash, epochs, adjacency, operations, base64.b64encode(data).decode()])
    return text.encode()
