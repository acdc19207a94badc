"""DICOM objects that `vesalius-dicom` writes, judged by dciodvfy, pydicom, SimpleITK, highdicom, dcmqi, plastimatch,
dcmrtstruct2nii and DCMTK's dsrdump, and by the library's own check of objects.

  cargo build -p vesalius-dicom --example clinic_objects
  python tests/parity/clinic.py BINARY SHARED/data/dicom [FOLDER [series|seg|rtstruct|sr|picture|again]]

BINARY is target/debug/examples/clinic_objects. Sources are the shared MR series and what is made of them: CT, PET and
secondary capture, negated cosines, sagittal, coronal, oblique and descending slices, 51 × 35 pixels, one slice, unequal
gaps, an enhanced multi-frame MR, a CR without frame of reference. Prints a line for each and ends with status 1 where
one fails. Needs: pydicom, SimpleITK, highdicom, dcmqi, dcmrtstruct2nii, numpy, scipy and Debian's dicom3tools, dcmtk,
plastimatch. OHIF's reader needs node and `npm install` in a copy of tests/parity/ohif, whose folder is in OHIF.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

PEERS = Path(sys.executable).parent
BINARY, SHARED = Path(sys.argv[1]), Path(sys.argv[2])
ONLY = sys.argv[4] if len(sys.argv) > 4 else ""
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


def own_check(path, source, *related):
    """Findings of the library's own check, but for private codes."""
    run = subprocess.run([BINARY, "check", path, source, *related], capture_output=True, text=True)
    lines = run.stdout.splitlines() + (["check: " + run.stderr] if run.returncode else [])
    return [line for line in lines if "private scheme" not in line]


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


def uneven(sets):
    """Slices 3 and 7 are missing."""
    return [s for i, s in enumerate(renewed(sets)) if i not in (3, 7)]


def enhanced(sets):
    """The series as one enhanced MR file; its frames in another order than their places."""
    from pydicom.dataset import FileMetaDataset

    data = copy.deepcopy(renewed(sets)[0])
    order = list(range(1, len(sets), 2)) + list(range(0, len(sets), 2))
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    data.NumberOfFrames = len(sets)
    data.PixelData = b"".join(sets[i].PixelData for i in order)
    shared = Dataset()
    plane, measures = Dataset(), Dataset()
    plane.ImageOrientationPatient = sets[0].ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = sets[0].PixelSpacing, sets[0].SliceThickness
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for i in order:
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = sets[i].ImagePositionPatient
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    data.PerFrameFunctionalGroupsSequence = Sequence(frames)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "SliceLocation"):
        if keyword in data:
            delattr(data, keyword)
    return [data]


def radiograph(sets):
    data = copy.deepcopy(renewed(sets)[5])
    data.SOPClassUID, data.Modality, data.BodyPartExamined = "1.2.840.10008.5.1.4.1.1.1", "CR", "CHEST"
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "PositionReferenceIndicator", "SliceThickness", "PixelSpacing", "SliceLocation"):
        if keyword in data:
            delattr(data, keyword)
    data.ImagerPixelSpacing = [0.2, 0.2]
    return [data]


def more_sources(folder):
    crop = load(SHARED / "13_HCropVolume")
    made = sources(folder)
    made["unequal gaps"] = save(uneven(crop), folder / "gaps")
    made["enhanced"] = save(enhanced(crop), folder / "enh")
    made["radiograph"] = save(radiograph(crop), folder / "cr")
    return made


def placed(source):
    """Frames of a source by rising height: (instance, frame number or None, position), the affine (LPS) and the shape."""
    sets = [pydicom.dcmread(path) for path in sorted(Path(source).glob("*.dcm"))]
    first = sets[0]
    if "PerFrameFunctionalGroupsSequence" in first:
        shared = first.SharedFunctionalGroupsSequence[0]
        o, spacing = shared.PlaneOrientationSequence[0].ImageOrientationPatient, shared.PixelMeasuresSequence[0].PixelSpacing
        frames = [(first.SOPInstanceUID, i + 1, np.array(f.PlanePositionSequence[0].ImagePositionPatient, float)) for i, f in enumerate(first.PerFrameFunctionalGroupsSequence)]
    elif "ImagePositionPatient" not in first:
        return [(s.SOPInstanceUID, None, None) for s in sets], None, (len(sets), first.Rows, first.Columns)
    else:
        o, spacing = first.ImageOrientationPatient, first.PixelSpacing
        frames = [(s.SOPInstanceUID, None, np.array(s.ImagePositionPatient, float)) for s in sets]
    o = np.array(o, float)
    normal = np.cross(o[:3], o[3:])
    frames.sort(key=lambda f: float(np.dot(normal, f[2])))
    gaps = np.diff([float(np.dot(normal, f[2])) for f in frames])
    gap = gaps.min() if len(gaps) else 1.0
    matrix = np.column_stack([o[:3] * float(spacing[1]), o[3:] * float(spacing[0]), normal * gap])
    return frames, (matrix, frames[0][2]), (len(frames), first.Rows, first.Columns)


def write_labels(block, places, path, flips, order):
    """Labels [z, y, x] as NIfTI, their axes turned and exchanged."""
    matrix, origin = places if places else (np.diag([-1.0, -1.0, 1.0]), np.zeros(3))
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = matrix, origin
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
    array = np.transpose(block, (2, 1, 0))
    import nibabel as nib

    image = nib.Nifti1Image(array, affine)
    if places:
        image = image.as_reoriented(np.array([[order.index(i), flips[i]] for i in range(3)]))
    image.to_filename(path)


def segmentations(folder):
    random = np.random.default_rng(7)
    for name, source in more_sources(folder / "sources-seg").items():
        frames, places, (depth, rows, columns) = placed(source)
        heights = list(range(depth))
        if places:
            normal = np.cross(places[0][:, 0], places[0][:, 1])
            normal /= np.linalg.norm(normal)
            gap = np.linalg.norm(places[0][:, 2])
            heights = [int(round(float(np.dot(normal, f[2] - frames[0][2])) / gap)) for f in frames]
        block = np.zeros((heights[-1] + 1, rows, columns), np.uint8)
        for k, height in enumerate(heights):
            for label in (1, 2, 3):
                if depth == 1 or (k + label) % 4:
                    block[height][random.random((rows, columns)) < 0.1] = label
        for kind in ("binary", "all", "deflated", "fractional", "labelmap"):
            flips, order = random.choice([-1, 1], 3), list(random.permutation(3))
            labels, output = folder / f"{name}-{kind}.nii.gz".replace(" ", "_"), folder / f"{name}-{kind}.dcm".replace(" ", "_")
            write_labels(block, places, labels, flips, order)
            run = subprocess.run([BINARY, "seg", source, labels, kind, output], capture_output=True, text=True)
            if run.returncode:
                check(f"{kind} seg of {name}", False, run.stderr)
                continue
            # Private schemes cannot be in its list; it knows neither deflated files nor label maps.
            problems = [] if kind in ("deflated", "labelmap") else [line for line in told(output) if "99VESALIUS" not in line]
            problems += compare(output, block, heights, frames, kind)
            problems += own_check(output, source)
            if kind in ("binary", "all", "deflated") and frames[0][2] is not None and name != "unequal gaps":
                problems += by_dcmqi(output, block, folder / "dcmqi")
            if kind in ("binary", "all") and frames[0][1] is None and frames[0][2] is not None:
                problems += by_ohif(output, source, block)
            check(f"{kind} seg of {name}", not problems, "\n      ".join(map(str, problems[:6])))


def by_dcmqi(path, block, folder):
    """Voxels of each segment that dcmqi reads."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command = [PEERS / "segimage2itkimage", "--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nrrd"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        return [f"dcmqi: {run.stderr[-300:]}"]
    found = {int(f.stem): int((sitk.GetArrayFromImage(sitk.ReadImage(str(f))) > 0).sum()) for f in folder.glob("*.nrrd")}
    want = {label: int((block == label).sum()) for label in (1, 2, 3)}
    return [] if found == want else [f"dcmqi counts {found}, expected {want}"]


def by_ohif(path, source, block):
    """Voxels of each segment that the viewer OHIF reads; where its reader fails on what is right, how it fails."""
    data = pydicom.dcmread(path)
    if "ISO 2022 IR 87" in data.get("SpecificCharacterSet", ""):
        # dcmjs 0.52.0 does not know the Japanese sets.
        return []
    bits = int(data.NumberOfFrames) * data.Rows * data.Columns
    # adapters 5.14.0 refuses the byte that PS3.5 8.1.1 wants after pixel data of an odd length.
    refused = "Unexpected 1-bit SEG PixelData length" if -(-bits // 8) % 2 else None
    run = subprocess.run(["node", Path(os.environ["OHIF"]) / "read.mjs", source, path], capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode or not lines:
        return [f"OHIF: {run.stderr[-300:]}"]
    read = json.loads(lines[0])
    want = {str(label): int((block == label).sum()) for label in (1, 2, 3)}
    if refused:
        return [] if refused in read.get("error", "") else [f"OHIF reads an odd length now: {read}; count its voxels"]
    return [] if read.get("voxels") == want else [f"OHIF counts {read}, expected {want}"]


def compare(path, block, heights, frames, kind):
    """What a reader that follows each frame's reference finds, and highdicom."""
    data = pydicom.dcmread(path)
    found = np.zeros((4,) + block.shape, np.uint8)
    problems = []
    pixels = data.pixel_array.reshape(int(data.NumberOfFrames), data.Rows, data.Columns)
    where = {(uid, number): (heights[k], position) for k, (uid, number, position) in enumerate(frames)}
    series = {i.ReferencedSOPInstanceUID for i in data.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    for k, group in enumerate(data.PerFrameFunctionalGroupsSequence):
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        if image.ReferencedSOPInstanceUID not in series:
            problems.append("a source image is not in the referenced series")
        height, position = where[image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")]
        if position is not None and list(map(float, group.PlanePositionSequence[0].ImagePositionPatient)) != list(position):
            problems.append(f"frame {k} has another position than its source")
        if kind == "labelmap":
            for label in (1, 2, 3):
                found[label][height] |= (pixels[k] == label).astype(np.uint8)
        else:
            number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            found[number][height] = pixels[k] if kind != "fractional" else (pixels[k] == 191)
    for label in (1, 2, 3):
        want = (block == label).astype(np.uint8)
        if not np.array_equal(found[label], want):
            problems.append(f"segment {label}: {int((found[label] != want).sum())} voxels differ")
    try:
        seg = hd.seg.segread(path)
        theirs = seg.get_volume(rescale_fractional=False, combine_segments=False).array if frames[0][2] is not None and "gaps" not in str(path) else None
        if theirs is not None:
            want = np.stack([(block == label).sum() for label in (1, 2, 3)])
            counts = np.stack([(theirs[..., i] > 0).sum() for i in range(3)])
            if not np.array_equal(counts, want):
                problems.append(f"highdicom counts {counts.tolist()}, expected {want.tolist()}")
    except Exception as error:  # noqa: BLE001
        problems.append(f"highdicom: {type(error).__name__} {error}")
    return problems


def contours(folder):
    """Random masks, blobs and rings as contours, filled by plastimatch."""
    random = np.random.default_rng(11)
    for name, source in sources(folder / "sources-rs").items():
        frames, places, (depth, rows, columns) = placed(source)
        if name == "mr 512" or name in ("ct", "pet"):
            block = np.zeros((depth, rows, columns), np.uint8)
            yy, xx = np.mgrid[:rows, :columns]
            ring = ((yy - 250) ** 2 + (xx - 240) ** 2 < 90**2) & ((yy - 240) ** 2 + (xx - 250) ** 2 > 30**2)
            block[2:9][:, ring] = 1
        else:
            block = (random.random((depth, rows, columns)) < 0.6).astype(np.uint8)
        labels = folder / f"rs-{name}.nii.gz".replace(" ", "_")
        write_labels(block, places, labels, [1, 1, 1], [0, 1, 2])
        for kind in ("keyhole", "nested", "simple"):
            output = folder / f"rs-{name}-{kind}.dcm".replace(" ", "_")
            run = subprocess.run([BINARY, "rtstruct", source, labels, kind, output], capture_output=True, text=True)
            if run.returncode:
                check(f"{kind} contours of {name}", False, run.stderr)
                continue
            problems = [line for line in told(output) if "99VESALIUS" not in line]
            problems += own_check(output, source)
            if kind == "simple":
                dice = float(run.stdout.split("dice ")[1].split()[0])
                if name in ("mr 512", "ct", "pet") and not 0.98 < dice < 1:
                    problems.append(f"Dice {dice}")
            elif name in ("mr 512", "ct", "pet"):
                problems += by_dcmrtstruct(output, source, int(block.sum()), folder / "filled-nii")
            if name not in ("one slice", "sagittal", "coronal", "oblique") and (kind != "simple" or name in ("mr 512", "ct", "pet")):
                # plastimatch takes axial planes only.
                filled = folder / f"filled-{name}-{kind}".replace(" ", "_")
                subprocess.run(["plastimatch", "convert", "--input", output, "--referenced-ct", source, "--xor-contours", "--output-prefix", filled, "--prefix-format", "nrrd"], capture_output=True)
                files = list(filled.glob("*.nrrd"))
                found = sitk.GetArrayFromImage(sitk.ReadImage(str(files[0]))) if files else np.zeros(1)
                if kind == "simple":
                    both = (found > 0) & (block > 0) if found.shape == block.shape else np.zeros(1)
                    theirs = 2 * both.sum() / (found.astype(bool).sum() + block.sum())
                    if abs(theirs - dice) > 1e-3:
                        problems.append(f"plastimatch finds Dice {theirs}, told {dice}")
                elif int(found.sum()) != int(block.sum()):
                    problems.append(f"plastimatch fills {int(found.sum())} voxels of {int(block.sum())}")
            check(f"{kind} contours of {name}", not problems, "\n      ".join(map(str, problems[:6])))


def by_dcmrtstruct(path, source, want, folder):
    """Voxels that dcmrtstruct2nii fills."""
    shutil.rmtree(folder, ignore_errors=True)
    program = "import sys, pydicom; pydicom.read_file = pydicom.dcmread; from dcmrtstruct2nii import dcmrtstruct2nii as f; f(sys.argv[1], sys.argv[2], sys.argv[3], convert_original_dicom=False)"
    run = subprocess.run([sys.executable, "-c", program, path, source, folder], capture_output=True, text=True)
    files = list(Path(folder).glob("*.nii.gz")) if not run.returncode else []
    found = [int((sitk.GetArrayFromImage(sitk.ReadImage(str(f))) > 0).sum()) for f in files]
    return [] if found == [want] else [f"dcmrtstruct2nii fills {found} voxels of {want} {run.stderr[-300:]}"]


def longest(block, label, matrix, plane=None):
    """The longest distance between the middles of faces of a label's voxels, by hulls and all pairs of their corners."""
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist

    axes = (2, 1) if plane is not None else (2, 1, 0)
    voxels = np.argwhere(block == label)
    best = 0.0
    for group in ([voxels] if plane is None else [voxels[voxels[:, 0] == k] for k in np.unique(voxels[:, 0])]):
        steps = [np.eye(3)[axis] * side / 2 for axis in axes for side in (-1, 1)]
        points = np.concatenate([group + step for step in steps])[:, ::-1] @ matrix.T
        try:
            flat = points if plane is None else points @ plane.T
            points = points[ConvexHull(flat).vertices]
        except QhullError:
            pass
        best = max(best, float(pdist(points).max()))
    return best


def reports(folder):
    """Structured reports: dciodvfy, dsrdump, and highdicom's reader of TID 1500."""
    for name, source in sources(folder / "sources-sr").items():
        frames, places, (depth, rows, columns) = placed(source)
        block = np.zeros((depth, rows, columns), np.uint8)
        block[:, 10:20, 5:15], block[:, 25:30, 20:30] = 1, 2
        labels, output = folder / f"sr-{name}.nii.gz".replace(" ", "_"), folder / f"sr-{name}.dcm".replace(" ", "_")
        write_labels(block, places, labels, [1, 1, 1], [0, 1, 2])
        run = subprocess.run([BINARY, "seg", source, labels, "report", output], capture_output=True, text=True)
        if run.returncode:
            check(f"report of {name}", False, run.stderr)
            continue
        problems = []
        for path in (Path(f"{output}.sr.dcm"), Path(f"{output}.sr3d.dcm")):
            problems += [line for line in told(path) if "99VESALIUS" not in line]
            problems += own_check(path, source, output)
            dump = subprocess.run(["/usr/bin/dsrdump", path], capture_output=True, text=True)
            if dump.returncode or "error" in dump.stderr.lower():
                problems.append(dump.stderr)
        read = folder / "tid1500.json"
        run = subprocess.run([PEERS / "tid1500reader", "--inputDICOM", f"{output}.sr.dcm", "--outputMetadata", read], capture_output=True, text=True)
        if run.returncode or len(json.loads(read.read_text())["Measurements"]) != 2:
            problems.append(f"tid1500reader: {run.stdout[-300:]} {run.stderr[-300:]}")
        report = hd.sr.srread(f"{output}.sr.dcm")
        seg = pydicom.dcmread(output)
        groups = report.content.get_volumetric_roi_measurement_groups()
        if len(groups) != 2:
            problems.append(f"highdicom finds {len(groups)} groups")
        matrix = places[0]
        plane = np.stack([matrix[:, 0] / np.linalg.norm(matrix[:, 0]), matrix[:, 1] / np.linalg.norm(matrix[:, 1])])
        volume = abs(np.linalg.det(matrix))
        voxels = geometry(source)[1]
        for group, item, label in zip(groups, seg.SegmentSequence, (1, 2)):
            if group.tracking_uid != item.TrackingUID:
                problems.append("tracking identifiers differ")
            inside = voxels[block == label]
            want = {
                ("118565006", None): volume * (block == label).sum(),
                ("81827009", "56851009"): longest(block, label, matrix, plane),
                ("L0JK", None): longest(block, label, matrix),
            }
            values = {"373098007": inside.mean(), "386136009": inside.std(ddof=1), "373099004": np.median(inside), "255605001": inside.min(), "56851009": inside.max()}
            modality = seg_modality(source)
            name_of = {"CT": "112031", "MR": "110852", "PT": "110821"}.get(modality)
            if name_of:
                want |= {(name_of, how): value for how, value in values.items()}
            found = {}
            for measured in group.get_measurements():
                derivation = measured.derivation.value if measured.derivation is not None else None
                found[measured.name.value, derivation] = measured.value
            if set(found) != set(want) or any(abs(found[key] - want[key]) > 1e-4 * max(1, abs(want[key])) for key in want):
                problems.append(f"measured {found}, expected {want}")
        check(f"report of {name}", not problems, "\n      ".join(map(str, problems[:6])))


def seg_modality(source):
    return pydicom.dcmread(next(Path(source).glob("*.dcm"))).Modality


def pictures(folder):
    """Secondary captures: dciodvfy, and pydicom's pixels are those of the PNG that was drawn."""
    for name, source in sources(folder / "sources-picture").items():
        frames, places, (depth, rows, columns) = placed(source)
        block = np.zeros((depth, rows, columns), np.uint8)
        block[:, 10:20, 5:15], block[:, 25:30, 20:30] = 1, 2
        labels, output = folder / f"picture-{name}.nii.gz".replace(" ", "_"), folder / f"picture-{name}.dcm".replace(" ", "_")
        write_labels(block, places, labels, [1, 1, 1], [0, 1, 2])
        run = subprocess.run([BINARY, "picture", source, labels, output], capture_output=True, text=True)
        if run.returncode:
            check(f"picture of {name}", False, run.stderr)
            continue
        problems = told(output) + own_check(output, source)
        data = pydicom.dcmread(output)
        drawn = sitk.GetArrayFromImage(sitk.ReadImage(f"{output}.png"))
        if not np.array_equal(data.pixel_array, drawn):
            problems.append("pydicom reads other pixels")
        if data.StudyInstanceUID != pydicom.dcmread(next(Path(source).glob("*.dcm"))).StudyInstanceUID:
            problems.append("another study")
        check(f"picture of {name}", not problems, "\n      ".join(map(str, problems[:6])))


def again(folder):
    """Objects that name earlier ones: dciodvfy, and pydicom finds the reference."""
    source = SHARED / "13_HCropVolume"
    frames, places, (depth, rows, columns) = placed(source)
    block = np.zeros((depth, rows, columns), np.uint8)
    block[:, 10:20, 5:15], block[:, 25:30, 20:30] = 1, 2
    labels, output = folder / "again.nii.gz", folder / "again"
    write_labels(block, places, labels, [1, 1, 1], [0, 1, 2])
    run = subprocess.run([BINARY, "again", source, labels, output], capture_output=True, text=True)
    check("objects that replace others are written", not run.returncode, run.stderr)
    for kind in ("seg", "rs", "sr") if not run.returncode else ():
        path, earlier = Path(f"{output}.{kind}"), pydicom.dcmread(f"{output}.{kind}1")
        data = pydicom.dcmread(path)
        problems = [line for line in told(path) if "99VESALIUS" not in line] + own_check(path, source, *[f"{output}.seg"] * (kind == "sr"))
        named = {
            "seg": lambda: data.ReferencedInstanceSequence[0],
            "rs": lambda: data.PredecessorStructureSetSequence[0],
            "sr": lambda: data.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0],
        }[kind]()
        if named.ReferencedSOPInstanceUID != earlier.SOPInstanceUID or named.ReferencedSOPClassUID != earlier.SOPClassUID:
            problems.append("another predecessor is named")
        if kind == "seg":
            before, after = ([s.TrackingUID for s in d.SegmentSequence] for d in (earlier, data))
            if before != after:
                problems.append("other tracking identifiers")
        check(f"{kind} that replaces another", not problems, "\n      ".join(map(str, problems[:6])))


def main():
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if ONLY in ("", "series"):
        series(folder)
    if ONLY in ("", "seg"):
        segmentations(folder)
    if ONLY in ("", "rtstruct"):
        contours(folder)
    if ONLY in ("", "sr"):
        reports(folder)
    if ONLY in ("", "picture"):
        pictures(folder)
    if ONLY in ("", "again"):
        again(folder)
    print(f"{len(FAILED)} failed")
    sys.exit(bool(FAILED))


main()
