"""DICOM objects that `vesalius-dicom` writes, judged by dciodvfy, pydicom, SimpleITK and highdicom.

  cargo build -p vesalius-dicom --example clinic_objects
  python tests/parity/clinic.py BINARY SHARED/data/dicom [FOLDER]

BINARY is target/debug/examples/clinic_objects. Sources are the shared MR series and what is made of them: CT, PET and
secondary capture, negated cosines, sagittal, coronal, oblique and descending slices, 51 × 35 pixels, one slice, unequal
gaps, an enhanced multi-frame MR, a CR without frame of reference. Prints a line for each and ends with status 1 where
one fails. Needs: pydicom, SimpleITK, highdicom, numpy and Debian's dicom3tools.
"""

import copy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

BINARY, SHARED = Path(sys.argv[1]), Path(sys.argv[2])
FAILED = []
# What no writer can avoid: an MR image of values that are no whole numbers needs a slope.
MR_RESCALE = ("RescaleSlope", "RescaleIntercept")
# No class of single frames has a place but those of scanners.
PLACE = ("SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "PositionReferenceIndicator", "PixelSpacing")


def told(path):
    run = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
    lines = (run.stdout + run.stderr).splitlines()
    return [line for line in lines if line.startswith(("Error", "Warning"))]


def check(name, ok, what=""):
    print(("ok    " if ok else "FAIL  ") + name, "" if ok else what, flush=True)
    if not ok:
        FAILED.append(name)


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def load(folder):
    sets = [pydicom.dcmread(path) for path in sorted(Path(folder).glob("*.dcm"))]
    normal = np.cross(sets[0].ImageOrientationPatient[:3], sets[0].ImageOrientationPatient[3:])
    return sorted(sets, key=lambda s: float(np.dot(normal, s.ImagePositionPatient)))


def save(sets, folder):
    folder.mkdir(parents=True)
    for i, data in enumerate(sets):
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data.InstanceNumber = i + 1
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.save_as(folder / f"{i:03}.dcm")
    return folder


def renewed(sets):
    sets = copy.deepcopy(sets)
    uid = generate_uid()
    for data in sets:
        data.SeriesInstanceUID = uid
        data.remove_private_tags()
    return sets


def turned(sets, cosines, axis):
    """The same voxels as slices of other cosines (signed unit vectors), `axis` the order of axes of the array."""
    sets = renewed(sets)
    row, column = np.array(cosines[:3], float), np.array(cosines[3:], float)
    normal = np.cross(row, column)
    block = np.transpose(np.stack([s.pixel_array for s in sets]), axis)
    out = []
    for k, plane in enumerate(block):
        data = copy.deepcopy(sets[0])
        data.ImageOrientationPatient = list(map(float, cosines))
        data.ImagePositionPatient = [float(v) for v in np.round(np.array([10.5, -20.25, 3.0]) + 1.5 * k * normal, 5)]
        data.PixelSpacing, data.SliceThickness = [0.9, 1.1], 1.5
        data.Rows, data.Columns = plane.shape
        data.PixelData = np.ascontiguousarray(plane).tobytes()
        out.append(data)
    return out


def as_ct(sets):
    sets = renewed(sets)
    for data in sets:
        data.SOPClassUID, data.Modality = "1.2.840.10008.5.1.4.1.1.2", "CT"
        data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "-1024", "1", "HU"
        data.KVP, data.BodyPartExamined = "120", "CHEST"
    return sets


def as_pet(sets):
    sets = renewed(sets)
    for i, data in enumerate(sets):
        data.SOPClassUID, data.Modality = "1.2.840.10008.5.1.4.1.1.128", "PT"
        data.RescaleIntercept, data.RescaleSlope = "0", str(0.5 + i / 64)
        data.Units, data.CountsSource, data.SeriesType = "BQML", "EMISSION", ["STATIC", "IMAGE"]
        data.DecayCorrection, data.CorrectedImage, data.FrameReferenceTime = "START", ["DECY", "ATTN"], "1000"
        data.DecayFactor, data.ActualFrameDuration, data.CollimatorType = "1.01", "60000", "NONE"
        data.AcquisitionDate, data.AcquisitionTime = "20200119", f"1200{i:02}"
        drug = Dataset()
        drug.Radiopharmaceutical, drug.RadionuclideTotalDose = "FDG", "370000000"
        drug.RadionuclideHalfLife, drug.RadionuclidePositronFraction = "6586.2", "0.97"
        drug.RadionuclideCodeSequence = Sequence([code("77004003", "SCT", "^18^Fluorine")])
        data.RadiopharmaceuticalInformationSequence = Sequence([drug])
        data.PatientOrientationCodeSequence = Sequence([code("102538003", "SCT", "recumbent")])
        data.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = Sequence([code("40199007", "SCT", "supine")])
        data.PatientGantryRelationshipCodeSequence = Sequence([code("102540008", "SCT", "headfirst")])
    return sets


def as_us(sets):
    sets = renewed(sets)
    for data in sets:
        data.SOPClassUID, data.Modality = "1.2.840.10008.5.1.4.1.1.7", "OT"
        data.ConversionType = "WSD"
    return sets


def named(sets):
    """Names in the Japanese sets, as bytes of PS3.5 H."""
    sets = renewed(sets)
    for data in sets:
        data.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        data.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    return sets


def sources(folder):
    crop, whole = load(SHARED / "13_HCropVolume"), load(SHARED / "12-T1post-05670")
    made = {
        "mr 512": SHARED / "12-T1post-05670",
        "mr 51x35": SHARED / "13_HCropVolume",
        "ct": save(as_ct(whole), folder / "ct"),
        "pet": save(as_pet(whole), folder / "pet"),
        "secondary": save(as_us(crop), folder / "sc"),
        "japanese": save(named(crop), folder / "jp"),
        "negated": save(turned(crop, [1, 0, 0, 0, -1, 0], (0, 1, 2)), folder / "neg"),
        "both negated": save(turned(crop, [-1, 0, 0, 0, -1, 0], (0, 1, 2)), folder / "neg2"),
        "sagittal": save(turned(crop, [0, 1, 0, 0, 0, -1], (2, 0, 1)), folder / "sag"),
        "coronal": save(turned(crop, [1, 0, 0, 0, 0, -1], (1, 0, 2)), folder / "cor"),
        "oblique": save(turned(crop, [0.8, 0.6, 0, -0.36, 0.48, 0.8], (0, 1, 2)), folder / "obl"),
        "descending": save(turned(crop, [1, 0, 0, 0, 1, 0], (0, 1, 2))[::-1], folder / "desc"),
        "one slice": save(renewed(crop)[7:8], folder / "one"),
    }
    return made


def geometry(folder):
    """Affine (LPS) and voxels by pydicom, of a stack of slices."""
    sets = load(folder)
    first, last = sets[0], sets[-1]
    o = np.array(first.ImageOrientationPatient, float)
    across, down = [float(v) for v in first.PixelSpacing][::-1]
    p = np.array(first.ImagePositionPatient, float)
    step = np.cross(o[:3], o[3:]) * float(first.SliceThickness)
    if len(sets) > 1:
        step = (np.array(last.ImagePositionPatient, float) - p) / (len(sets) - 1)
    matrix = np.column_stack([o[:3] * across, o[3:] * down, step, p])
    voxels = [s.pixel_array * float(s.get("RescaleSlope", 1)) + float(s.get("RescaleIntercept", 0)) for s in sets]
    return matrix, np.stack(voxels).astype(np.float64)


def series(folder):
    for name, source in sources(folder / "sources").items():
        for scale in (1.0, 0.3701):
            label = f"series of {name}, times {scale}"
            output = folder / f"series-{name}-{scale}".replace(" ", "_")
            run = subprocess.run([BINARY, "series", source, "-", str(scale), output], capture_output=True, text=True)
            if run.returncode:
                check(label, False, run.stderr)
                continue
            problems = []
            files = sorted(output.glob("*.dcm"))
            for path in (files[0], files[-1]):
                lines = told(path)
                allowed = {"MR": MR_RESCALE if scale != 1 else (), "OT": PLACE}.get(pydicom.dcmread(path).Modality, ())
                lines = [line for line in lines if line.startswith("Error") or not any(word in line for word in allowed)]
                problems += lines
            want_matrix, want = geometry(source)
            matrix, found = geometry(output)
            error = float(run.stdout.split("error ")[1].split()[0])
            if not np.allclose(matrix, want_matrix, atol=1e-3):
                problems.append(f"affine {matrix.tolist()} and {want_matrix.tolist()}")
            if found.shape != want.shape or np.abs(found - want * scale).max() > error + 1e-3 * scale:
                problems.append(f"voxels off by {np.abs(found - want * scale).max()}, told {error}")
            a, b = load(source)[0], load(output)[0]
            for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "AccessionNumber"):
                x, y = (s.get_item(keyword) if keyword in s else None for s in (a, b))
                raw = [bytes(v.value if isinstance(v.value, bytes) else str(v.value).encode()).strip() for v in (x, y) if v is not None]
                if len(set(raw)) > 1 or b.SeriesInstanceUID == a.SeriesInstanceUID:
                    problems.append(f"{keyword} changed")
            if len(files) > 1:
                reader = sitk.ImageSeriesReader()
                reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(output)))
                image = reader.Execute()
                theirs = sitk.GetArrayFromImage(image)
                if np.abs(theirs - found).max() > 1e-3 * max(1, np.abs(found).max() * 1e-3):
                    problems.append("SimpleITK reads other voxels")
                if not np.allclose(image.GetOrigin(), matrix[:, 3], atol=1e-3):
                    problems.append(f"SimpleITK places them at {image.GetOrigin()}")
            check(label, not problems, "\n      ".join(map(str, problems[:6])))


def main():
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    series(folder)
    print(f"{len(FAILED)} failed")
    sys.exit(bool(FAILED))


main()
