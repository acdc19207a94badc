"""Seeds for the fuzz targets, out of the small files of crates/io/tests/data: fuzz/corpus/TARGET.

  python fuzz/seeds.py [FOLDER ...]      # more folders with DICOM files, such as pydicom's test_files
"""

import bz2
import gzip
import io
import struct
import sys
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "crates/io/tests/data/images"
CORPUS = ROOT / "fuzz/corpus"
LARGEST = 20_000
CODECS = {"1.2.840.10008.1.2.5": ("codecs", 0), "1.2.840.10008.1.2.4.80": ("codecs", 1),
          "1.2.840.10008.1.2.4.81": ("codecs", 1), "1.2.840.10008.1.2.4.50": ("jpeg", 0),
          "1.2.840.10008.1.2.4.57": ("jpeg", 0), "1.2.840.10008.1.2.4.70": ("jpeg", 0),
          "1.2.840.10008.1.2.4.90": ("jpeg", 1), "1.2.840.10008.1.2.4.91": ("jpeg", 1)}


def put(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    if len(content) <= LARGEST:
        (folder / name).write_bytes(content)


def value(content, tag, kind):
    """The value of an explicit little-endian element with a two-byte length."""
    at = content.find(tag + kind)
    if at < 0:
        return b""
    length = int.from_bytes(content[at + 6:at + 8], "little")
    return content[at + 8:at + 8 + length]


def packed(path, content):
    """The first fragment behind what the target wants in front of it."""
    uid = value(content, b"\x02\x00\x10\x00", b"UI").rstrip(b"\0 ").decode("latin-1")
    at = content.find(b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff")
    if uid not in CODECS or at < 0:
        return
    at += 12
    at += 8 + int.from_bytes(content[at + 4:at + 8], "little")
    length = int.from_bytes(content[at + 4:at + 8], "little")
    target, number = CODECS[uid]
    rows = int.from_bytes(value(content, b"\x28\x00\x10\x00", b"US"), "little")
    columns = int.from_bytes(value(content, b"\x28\x00\x11\x00", b"US"), "little")
    bits = int.from_bytes(value(content, b"\x28\x00\x01\x01", b"US"), "little") or 16
    if max(rows, columns) < 256:
        front = bytes([number, columns, rows, bits - 1])
        put(target, path.name, front + content[at + 8:at + 8 + length])


def dicom(path):
    content = path.read_bytes()
    put("dicom", path.name, content)
    packed(path, content)


def element(tag, kind, content):
    content += b" " * (len(content) % 2)
    size = len(content).to_bytes(4 if kind == b"SQ" else 2, "little")
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + kind + (b"\0\0" if kind == b"SQ" else b"") + size + content


def sequence(tag, *items):
    return element(tag, b"SQ", b"".join(b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item for item in items))


def structures():
    """An RTSTRUCT with a square, one inside of it, and a point."""
    def contour(kind, points):
        count = str((points.count(b"\\") + 1) // 3).encode()
        return element(0x30060042, b"CS", kind) + element(0x30060046, b"IS", count) + element(0x30060050, b"DS", points)
    square = b"-1\\-1\\2\\-5\\-1\\2\\-5\\-6\\2\\-1\\-6\\2"
    inner = b"-2\\-2\\2\\-4\\-2\\2\\-4\\-5\\2\\-2\\-5\\2"
    names = sequence(0x30060020, element(0x30060022, b"IS", b"1") + element(0x30060026, b"LO", b"liver"))
    drawn = sequence(0x30060040, contour(b"CLOSED_PLANAR", square), contour(b"CLOSEDPLANAR_XOR", inner), contour(b"POINT", b"1\\2\\3"))
    roi = element(0x3006002A, b"IS", b"255\\0\\9") + drawn + element(0x30060084, b"IS", b"1")
    head = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1\0")
    return head + names + sequence(0x30060039, roi)


def network():
    """An association with an object that is sent, cut at several places; commands, a data set, a body of two parts."""
    item = lambda kind, content: bytes([kind, 0]) + struct.pack(">H", len(content)) + content
    pdu = lambda kind, body: bytes([kind, 0]) + struct.pack(">I", len(body)) + body
    part = lambda flags, content: struct.pack(">IBB", len(content) + 2, 1, flags) + content
    element = lambda number, value: struct.pack("<HHI", 0, number, len(value)) + value
    explicit = lambda group, number, vr, value: struct.pack("<HH2sH", group, number, vr, len(value)) + value
    ct, syntax = b"1.2.840.10008.5.1.4.1.1.2", b"1.2.840.10008.1.2.1"
    context = item(0x20, bytes([1, 0, 0, 0]) + item(0x30, ct) + item(0x40, syntax))
    role = item(0x54, struct.pack(">H", len(ct)) + ct + b"\1\1")
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3") + role)
    request = pdu(1, struct.pack(">HH", 1, 0) + b"VESALIUS".ljust(16) + b"FUZZ".ljust(16) + bytes(32)
                  + item(0x10, b"1.2.840.10008.3.1.1.1") + context + user)
    command = (element(2, ct + b"\0") + element(0x100, b"\1\0") + element(0x110, b"\1\0") + element(0x700, b"\0\0")
               + element(0x800, b"\0\0") + element(0x1000, b"1.2.3\0"))
    data = (explicit(8, 0x16, b"UI", ct + b"\0") + explicit(8, 0x18, b"UI", b"1.2.3\0") + explicit(8, 0x60, b"CS", b"CT")
            + explicit(0x20, 0xD, b"UI", b"1.2\0") + explicit(0x20, 0xE, b"UI", b"1.2.4\0"))
    stored = request + pdu(4, part(3, command)) + pdu(4, part(2, data))
    put("association", "request", request)
    put("association", "stored", stored + pdu(5, bytes(4)))
    put("association", "aborted", stored + pdu(7, bytes(4)))
    put("association", "parts", request + pdu(4, part(1, command[:9]) + part(3, command[9:]) + part(0, data)))
    put("messages", "command", b"\0" + command)
    put("messages", "explicit", b"\1" + data)
    put("messages", "implicit", b"\2" + struct.pack("<HHI", 8, 0x60, 2) + b"CT")
    sequence = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ends = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    put("messages", "sequence", b"\1" + sequence + data + ends + data)
    put("messages", "file", b"\3" + bytes(128) + b"DICM" + explicit(2, 0x10, b"UI", syntax + b"\0") + data)
    put("messages", "body", b"\4--b\r\nContent-Type: application/dicom\r\n\r\nabc\r\n--b\r\n\r\nd\r\n--b--")
    put("messages", "type", b"\5multipart/related; type=\"application/dicom\"; boundary=b")


def main(folders):
    for path in IMAGES.iterdir():
        content = path.read_bytes()
        if path.suffix in (".nii", ".gz", ".hdr"):
            put("nifti", path.name, content)
            put("gzip", path.name, b"\0" + (content if path.suffix == ".gz" else gzip.compress(content, 6)))
        elif path.suffix == ".mha":
            put("metaimage", path.name, content)
        elif path.suffix == ".nrrd":
            put("nrrd", path.name, content)
        elif path.suffix == ".dcm":
            dicom(path)
    for path in (ROOT / "crates/io/tests/data/tiff").iterdir():
        put("pictures", path.name, path.read_bytes())
    for folder in folders:
        for path in Path(folder).rglob("*"):
            if path.is_file() and (path.suffix == ".dcm" or path.name == "DICOMDIR"):
                dicom(path)
    voxels = bytes(i % 251 for i in range(17 * 5 * 3))
    put("gzip", "nrrd", b"\1" + gzip.compress(voxels))
    put("gzip", "nrrd-members", b"\1" + gzip.compress(voxels[:99]) + gzip.compress(voxels[99:]) + bytes(32))
    put("gzip", "meta", b"\2" + zlib.compress(voxels))
    for name, text in (
        ("detached", "NDims = 3\nDimSize = 16 16 4\nElementSpacing = 1 1 2\nElementType = MET_UCHAR\nElementDataFile = x.raw\n"),
        ("list", "NDims = 3\nDimSize = 16 16 4\nElementSpacing = 1 1 2\nElementType = MET_SHORT\nHeaderSize = -1\nElementDataFile = LIST\nx.raw\nx.img\n"),
        ("pattern", "NDims = 3\nDimSize = 2 1 2\nElementSpacing = 1 1 2\nElementType = MET_UCHAR\nElementDataFile = x%02d.raw 1 2 1\n"),
        ("text", "NDims = 3\nDimSize = 2 1 2\nElementSize = 1 1 2\nBinaryData = False\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n1 -2 3.5 4\n"),
        ("four", "NDims = 4\nDimSize = 2 1 2 2\nElementSpacing = 1 1 2 1\nElementType = MET_UCHAR\nElementNumberOfChannels = 1\nElementDataFile = LOCAL\n12345678"),
    ):
        put("metaimage", name, b"ObjectType = Image\n" + text.encode())
    place = "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (5,6,7)\n"
    for name, text in (
        ("detached", f"type: uchar\ndimension: 3\nsizes: 16 16 4\n{place}encoding: raw\ndata file: x.raw\n"),
        ("list", f"type: short\ndimension: 3\nsizes: 16 16 4\n{place}endian: big\nencoding: raw\nbyte skip: -1\ndata file: LIST\nx.raw\nx.img\n"),
        ("text", f"type: float\ndimension: 3\nsizes: 2 1 2\n{place}encoding: ascii\n\n1 -2 3.5 4\n"),
        ("four", "type: uchar\ndimension: 4\nsizes: 2 2 1 2\nspace: RAST\nspace directions: none (1,0,0) (0,1,0) (0,0,2)\n"
                 "kinds: list domain domain domain\nspace origin: (5,6,7)\nencoding: raw\nSegment0_ID:=a\nSegment0_Color:=1 0 0.5\n\n12345678"),
    ):
        put("nrrd", name, b"NRRD0005\n" + text.encode())
    put("structures", "two", structures())
    for name, encoding, data in (
        ("bzip2", "bzip2", bz2.compress(b"12345678")),
        ("hex", "hex", b"3132333435363738"),
        ("lines", "raw\nline skip: 1", b"a line\n12345678"),
    ):
        text = f"NRRD0005\ntype: uchar\ndimension: 4\nsizes: 2 2 1 2\nspace: scanner-xyz\nspace directions: (1,0,0) none (0,1,0) (0,0,2)\n"
        put("nrrd", name, (text + f"space origin: (5,6,7)\nencoding: {encoding}\n\n").encode() + data)
    for kind, width in ((0, 1), (1, 4), (3, 4), (4, 2)):
        head = struct.pack(">7ih15f", 1, 2, 2, 2, 2, kind, 0, 1, 1, 1, 2, -1, 0, 0, 0, 0, -1, 0, 1, 0, 1, 2, 3)
        content = head.ljust(284, b"\0") + bytes(16 * width) + bytes(20)
        put("mgh", str(kind), content)
        put("mgh", f"{kind}.gz", gzip.compress(content))
    for name, descr, order, shape, width in (
        ("c", "<f4", False, (2, 3, 2), 4), ("f", ">i2", True, (2, 3, 2, 2), 2), ("complex", "<c8", False, (3, 2), 8),
    ):
        text = str({"descr": descr, "fortran_order": order, "shape": shape}) + "\n"
        count = 1
        for n in shape:
            count *= n
        content = b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text.encode() + bytes(count * width)
        put("npy", name, content)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr("arr_0.npy", content)
        put("npy", f"{name}.npz", archive.getvalue())
    put("labels", "itk-snap", b'# a\n    0     0    0    0        0  0  0    "Clear Label"\n    1   255    0    0        1  1  1    "left \'kidney\'"\n')
    network()
    for target in sorted(CORPUS.iterdir()):
        print(target.name, len(list(target.iterdir())), "seeds")


if __name__ == "__main__":
    main(sys.argv[1:])
