"""De-identified files of `vesalius-dicom`, compared attribute by attribute with the originals and with dicom-anonymizer.

  cargo build -p vesalius-dicom --example deidentify
  python tests/parity/deidentify.py BINARY SHARED/data/dicom [FOLDER]

BINARY is target/debug/examples/deidentify. Inputs are pydicom's test files (those that come with it and with
pydicom-data) and the shared MR series. Of each file: every attribute that PS3.15's table names (as dicom-anonymizer
carries it, edition 2026c), at any depth, is gone or has another value; whatever the peer removes or replaces, ours
does too; no string of names, identifiers and dates of the original is in the bytes of the result; pixels are the
same bytes; pydicom reads it; dciodvfy reports no error that the original had not. A result made of a de-identified slice
of each shared series comes back with the original's patient, study, dates and references. Prints a line for each difference
and ends with status 1 where there is one. Needs: pydicom, pydicom-data, dicom-anonymizer and Debian's dicom3tools.
"""

import copy
import re
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from pathlib import Path

import data_store
import pydicom
from dicomanonymizer import anonymize_dataset
from dicomanonymizer.simpledicomanonymizer import initialize_actions

BINARY, SHARED = Path(sys.argv[1]), Path(sys.argv[2])
FOLDER = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp())
FOLDER.mkdir(parents=True, exist_ok=True)
PROFILE = {tag for tag in initialize_actions("dicomfields_2026c") if len(tag) == 2}
FAILED = Counter()
STATED = {(0x0012, 0x0062), (0x0012, 0x0063), (0x0012, 0x0064), (0x0028, 0x0303)}
# Dates and times of which the peer keeps what was there, and values that all dummies have.
DUMMIES = {"", "0", "000000", "19000101", "19000101000000", "ANONYMIZED", "000Y"}


def fail(kind, *what):
    FAILED[kind] += 1
    print("FAIL ", kind, *what, flush=True)


def walk(data, path=()):
    for element in data:
        here = path + ((element.tag.group, element.tag.element),)
        yield here, element
        if element.VR == "SQ":
            for i, item in enumerate(element.value or []):
                yield from walk(item, here + (i,))


def value(element):
    got = element.value
    if isinstance(got, pydicom.multival.MultiValue):
        return "\\".join(str(v) for v in got)
    return "" if got is None else str(got)


def content(path):
    data = path.read_bytes()
    meta = pydicom.filereader.read_file_meta_info(path)
    if meta.TransferSyntaxUID == pydicom.uid.DeflatedExplicitVRLittleEndian:
        start = 144 + meta.FileMetaInformationGroupLength
        return data[:start] + zlib.decompress(data[start:], -zlib.MAX_WBITS)
    return data


def told(path):
    run = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, errors="replace")
    lines = (run.stdout + run.stderr).splitlines()
    # Without values: a dummy in the place of a value is the same error.
    return Counter(re.sub(r"<[^<>]*>|\[\d+\]", "<>", line) for line in lines if line.startswith("Error"))


def strings(data):
    """What the patient can be recognised by, in the original."""
    for path, element in walk(data):
        tag = path[-1]
        if element.VR == "PN" or tag in {(0x10, 0x20), (0x8, 0x50)}:
            for word in re.split(r"[\^= \\,]", value(element)):
                if len(word) > 3:
                    yield word
        elif element.VR in ("DA", "DT") and len(value(element)) >= 8 and "\\" not in value(element):
            yield value(element)[:8]
        elif element.VR == "UI" and tag[0] > 2 and tag[0] % 2 == 0:
            for uid in value(element).split("\\"):
                if uid and not uid.startswith("1.2.840.10008.") and "Class" not in element.keyword and tag != (0x8, 0x10C):
                    yield uid


def peer(original):
    data = copy.deepcopy(original)
    try:
        anonymize_dataset(data, base_rules_gen=lambda: initialize_actions("dicomfields_2026c"), delete_private_tags=True)
    except Exception as error:  # noqa: BLE001 - some files are beyond the peer
        return None, type(error).__name__
    return data, ""


def compare(path, output, options):
    name = path.name
    original, ours = pydicom.dcmread(path, force=True), pydicom.dcmread(output)
    before = {p: value(e) for p, e in walk(original) if e.VR != "SQ"}
    after = {p: value(e) for p, e in walk(ours) if e.VR != "SQ"}
    if options == "basic":
        for where, was in before.items():
            tag = where[-1]
            named = any(t in PROFILE for t in where if isinstance(t, tuple)) or tag[0] % 2 == 1
            if tag in STATED or was in DUMMIES or was.startswith("1.2.840.10008.") or not named:
                continue
            if tag not in PROFILE and tag[0] % 2 == 0 and after.get(where) == was:
                # Within a sequence that the profile names, only what may tell something must go; the sequences that it
                # keeps with other identifiers are those two.
                kept = {(0x8, 0x1140), (0x8, 0x2112)} & set(where)
                if kept or tag in {(0x8, 0x1150)}:
                    continue
            if after.get(where) == was:
                fail("stays", name, where, original[where[0]].keyword)
        theirs, problem = peer(original)
        if theirs is None:
            print("note ", name, "is beyond the peer:", problem)
        else:
            theirs = {p: value(e) for p, e in walk(theirs) if e.VR != "SQ"}
            for where, was in before.items():
                # The peer empties the items of these, ours keeps them with hashed identifiers (X/Z/U).
                if {(0x8, 0x1140), (0x8, 0x2112)} & set(where):
                    continue
                changed = theirs.get(where) != was
                if changed and was not in DUMMIES and after.get(where) == was and where[-1] not in STATED:
                    fail("peer removes", name, where)
    data = content(output)
    # What the result itself says may be among the words of a name.
    own = {"Anonymous", "ANONYMIZED", "Vesalius"}
    for word in set(strings(original)) - own:
        if re.search(rb"(?<![0-9A-Za-z.])" + re.escape(word.encode("utf-8", "replace")) + rb"(?![0-9A-Za-z.])", data):
            fail("leaks", name, len(word), [p[-1] for p, v in after.items() if word in v][:4])
    for tag in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if (tag in original) != (tag in ours) or tag in original and original[tag].value != ours[tag].value:
            fail("pixels", name)
    if ours.PatientIdentityRemoved != "YES" or ours.file_meta.MediaStorageSOPInstanceUID != ours.SOPInstanceUID:
        fail("statement", name)
    # dciodvfy does not read deflated files.
    deflated = ours.file_meta.TransferSyntaxUID == pydicom.uid.DeflatedExplicitVRLittleEndian
    new = Counter() if deflated else told(output) - told(path)
    for line in new:
        fail("dciodvfy", name, line)


def back(folder, i):
    """A result of a de-identified slice, with identifiers of its own, goes back to its patient."""
    first = sorted(folder.iterdir())[0]
    plain, result, output = (FOLDER / f"back-{i}-{part}.dcm" for part in ("plain", "result", "output"))
    for path in (plain, result, output):
        path.unlink(missing_ok=True)
    subprocess.run([BINARY, first, plain, "shift"], check=True, capture_output=True)
    data = pydicom.dcmread(plain)
    source = data.SOPInstanceUID
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    data.SeriesInstanceUID = pydicom.uid.generate_uid()
    item = pydicom.Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = data.SOPClassUID, source
    data.SourceImageSequence = [item]
    data.save_as(result)
    subprocess.run([BINARY, result, output, "back", folder], check=True, capture_output=True)
    original, got = pydicom.dcmread(first), pydicom.dcmread(output)
    for tag in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
                "StudyID", "AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID", "AcquisitionDate", "ContentDate"):
        if original.get(tag) != got.get(tag):
            fail("back", folder.name, tag)
    if got.SOPInstanceUID != data.SOPInstanceUID or got.SeriesInstanceUID != data.SeriesInstanceUID:
        fail("back: own identifiers", folder.name)
    if got.SourceImageSequence[0].ReferencedSOPInstanceUID != original.SOPInstanceUID or "PatientIdentityRemoved" in got:
        fail("back: references", folder.name)
    if got.PixelData != original.PixelData:
        fail("back: pixels", folder.name)
    for line in told(output) - told(first):
        fail("back: dciodvfy", folder.name, line)


def main():
    for i, folder in enumerate(sorted(SHARED.iterdir())):
        back(folder, i)
    folders = [Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent / "data"]
    files = sorted(p for folder in folders for p in folder.rglob("*"))
    files = [p for p in files if p.is_file() and 132 < p.stat().st_size < 40e6]
    files = [p for p in files if p.read_bytes()[128:132] == b"DICM"]
    files += [p for folder in sorted(SHARED.iterdir()) for p in sorted(folder.iterdir())[:2]]
    done, refused = 0, Counter()
    for options in ("basic", "shift", "all"):
        for i, path in enumerate(files):
            output = FOLDER / f"{options}-{i:04}.dcm"
            output.unlink(missing_ok=True)
            run = subprocess.run([BINARY, path, output, options], capture_output=True, text=True, errors="replace")
            if run.returncode:
                message = run.stderr.strip().splitlines()[0]
                kind = re.sub(r".*problem: |path: \"[^\"]*\"", "", message)[:90]
                refused[kind] += 1
                if output.exists() or "panicked" in run.stderr:
                    fail("refused but written, or panic", path.name, message)
                if options == "basic":
                    print("refused", path.name, kind)
                continue
            compare(path, output, options)
            done += 1
    print(f"{done} results of {len(files)} files and 3 sets of options compared; refused: {sum(refused.values())}")
    for kind, count in refused.most_common():
        print("  ", count, kind)
    print("failures:", dict(FAILED))
    sys.exit(1 if FAILED else 0)


main()
