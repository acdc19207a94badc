"""Throughput of C-STORE into Vesalius, DCMTK's storescp and Orthanc: 500 objects of 512 KB, sent by DCMTK's storescu.

    cargo build --release -p vesalius-pacs --example receive
    python3 tests/parity/store_speed.py target/release/examples/receive [ROUNDS]

Receivers take turns. Vesalius syncs each object and its folder to the disk before it answers; storescp and Orthanc do not.
DCMTK takes TCP_NODELAY=1 from the environment: without it, each object to storescp and Orthanc waits 40 ms for a delayed
acknowledgement.
"""

import json
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT, SIZE = 500, 512 * 1024
CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


def element(group, number, vr, value):
    value = value.encode() if isinstance(value, str) else value
    value += (b"\0" if vr in ("UI", "OB", "OW") else b" ") * (len(value) % 2)
    if vr in ("OB", "OW"):
        return struct.pack("<HH2sHI", group, number, vr.encode(), 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr.encode(), len(value)) + value


def make(folder, round_number):
    """New identifiers in each round, so that no receiver finds an object that it has."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    pixels = bytes(range(256)) * (SIZE // 256)
    for k in range(COUNT):
        uid = f"1.2.3.{round_number + 1}.{k + 1}"
        meta = b"".join([element(2, 1, "OB", b"\0\1"), element(2, 2, "UI", CT), element(2, 3, "UI", uid),
                         element(2, 16, "UI", EXPLICIT), element(2, 18, "UI", "1.2.3")])
        data = b"".join([
            element(8, 0x16, "UI", CT), element(8, 0x18, "UI", uid), element(8, 0x60, "CS", "CT"),
            element(16, 0x10, "PN", "A^B"), element(16, 0x20, "LO", "1"), element(32, 0xD, "UI", f"1.2.3.{round_number + 1}"),
            element(32, 0xE, "UI", f"1.2.4.{round_number + 1}"), element(32, 0x13, "IS", str(k)),
            element(40, 2, "US", struct.pack("<H", 1)), element(40, 4, "CS", "MONOCHROME2"),
            element(40, 0x10, "US", struct.pack("<H", 512)), element(40, 0x11, "US", struct.pack("<H", 512)),
            element(40, 0x100, "US", struct.pack("<H", 16)), element(40, 0x101, "US", struct.pack("<H", 16)),
            element(40, 0x102, "US", struct.pack("<H", 15)), element(40, 0x103, "US", struct.pack("<H", 0)),
            element(0x7FE0, 0x10, "OW", pixels)])
        length = element(2, 0, "UL", struct.pack("<I", len(meta)))
        (folder / f"{k}.dcm").write_bytes(bytes(128) + b"DICM" + length + meta + data)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait(port):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("a receiver did not start")


def receivers(node, folder):
    """Names with the command and the port of each."""
    ports = [free_port() for _ in range(4)]
    for name in ("vesalius", "storescp", "orthanc"):
        (folder / name).mkdir()
    (folder / "orthanc.json").write_text(json.dumps({
        "StorageDirectory": str(folder / "orthanc"), "IndexDirectory": str(folder / "orthanc"), "HttpPort": ports[3],
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAet": "NODE", "DicomPort": ports[2],
        "DicomAlwaysAllowStore": True, "OverwriteInstances": False}))
    return {
        "vesalius": ([node, f"127.0.0.1:{ports[0]}", "NODE", str(folder / "vesalius")], ports[0]),
        "storescp": (["/usr/bin/storescp", "--max-pdu", "131072", "-aet", "NODE", "-od", str(folder / "storescp"), str(ports[1])], ports[1]),
        "orthanc": (["/usr/sbin/Orthanc", str(folder / "orthanc.json")], ports[2]),
    }


def main():
    node, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    folder = Path(tempfile.mkdtemp())
    running, times = [], {}
    try:
        all_of_them = receivers(node, folder)
        for command, port in all_of_them.values():
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait(port)
        for k in range(rounds):
            make(folder / "made", k)
            for name, (_, port) in all_of_them.items():
                started = time.monotonic()
                subprocess.run(["/usr/bin/storescu", "-R", "--max-pdu", "131072", "-aec", "NODE", "+sd", "127.0.0.1",
                                str(port), str(folder / "made")], check=True)
                times.setdefault(name, []).append(time.monotonic() - started)
        for name, seconds in times.items():
            middle = statistics.median(seconds)
            print(f"{name:10s} {middle:6.2f} s  {COUNT * SIZE / 1e6 / middle:7.1f} MB/s  of {[round(s, 2) for s in seconds]}")
        median = {name: statistics.median(seconds) for name, seconds in times.items()}
        print(f"of storescp's throughput: {median['storescp'] / median['vesalius']:.2f}; "
              f"of Orthanc's: {median['orthanc'] / median['vesalius']:.2f}")
    finally:
        for process in running:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
