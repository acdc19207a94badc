"""Enhanced multi-frame DICOM and PET series, and what pydicom and SimpleITK read from them.

  python tests/parity/dicom_enhanced.py      # -> crates/io/tests/data/enhanced and enhanced.json

The affine and the values come from the attributes that pydicom reads, by the standard's formulas
(PS3.3 C.7.6.2.1.1 for the position of a pixel); what SimpleITK makes of each file stands beside
them, with the reason where it differs. Needs: pydicom, SimpleITK, numpy.
"""

import json
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from images import DATA, FLIP, attempt, facts, read_sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

FOLDER = DATA / "enhanced"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ENHANCED_PET = "1.2.840.10008.5.1.4.1.1.130"
PET = "1.2.840.10008.5.1.4.1.1.128"
# A turn about x and z, written with the digits that scanners write.
ROW, COLUMN = [0.939693, 0.342020, 0.0], [-0.321394, 0.883022, 0.342020]
NORMAL = np.cross(ROW, COLUMN)


def item(**values):
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return Sequence([data])


def dataset(sop_class, uid, rows, columns, signed, stored, syntax=ExplicitVRLittleEndian):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(uid)
    meta.TransferSyntaxUID = syntax
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = sop_class, uid
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.826.0.1.1", "1.2.826.0.1.2"
    data.FrameOfReferenceUID = "1.2.826.0.1.3"
    data.PatientName, data.PatientID = "Made^Up", "0"
    data.Rows, data.Columns, data.SamplesPerPixel = rows, columns, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, stored, stored - 1
    data.PixelRepresentation = int(signed)
    return data


def position(height):
    return [round(float(v), 5) for v in np.array([-31.7, 12.9, 104.3]) + height * NORMAL]


def enhanced(name, modality, sop_class, order, spacing, scale, signed, stored, per_frame_plane, syntax, echoes=None):
    """Frames in the given order of places; `scale` gives slope and intercept of a place."""
    generator = np.random.default_rng(len(name))
    low, high = (-(2 ** (stored - 1)), 2 ** (stored - 1)) if signed else (0, 2**stored)
    values = generator.integers(low, high, (len(order), 5, 7), dtype=np.int32)
    data = dataset(sop_class, f"1.2.826.0.1.4.{len(name)}", 5, 7, signed, stored, syntax)
    data.Modality, data.NumberOfFrames = modality, len(order)
    data.SeriesNumber, data.SeriesDescription = 5, name
    shared, frames = Dataset(), []
    shared.PixelMeasuresSequence = item(PixelSpacing=[0.9, 0.7], SliceThickness=2.5, SpacingBetweenSlices=spacing)
    if not per_frame_plane:
        shared.PlaneOrientationSequence = item(ImageOrientationPatient=ROW + COLUMN)
    for number, place in enumerate(order):
        frame = Dataset()
        if per_frame_plane:
            frame.PlaneOrientationSequence = item(ImageOrientationPatient=ROW + COLUMN)
        frame.PlanePositionSequence = item(ImagePositionPatient=position(place * spacing))
        # The dimension index says the opposite of the position: it must not be trusted alone.
        frame.FrameContentSequence = item(DimensionIndexValues=[1, len(order) - place], TemporalPositionIndex=1)
        if echoes:
            frame.MREchoSequence = item(EffectiveEchoTime=echoes[number])
        if scale:
            slope, intercept = scale(place)
            frame.PixelValueTransformationSequence = item(
                RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US")
        frames.append(frame)
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    data.PerFrameFunctionalGroupsSequence = Sequence(frames)
    data.PixelData = (values & 0xFFFF).astype("<u2").tobytes()
    implicit = syntax == ImplicitVRLittleEndian
    pydicom.dcmwrite(FOLDER / name, data, implicit_vr=implicit, little_endian=True, enforce_file_format=True)


def pet_series():
    folder = FOLDER / "pet"
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(11)
    for number, place in enumerate([2, 0, 3, 1]):
        data = dataset(PET, f"1.2.826.0.1.5.{place + 1}", 5, 7, False, 16)
        data.Modality, data.SeriesNumber, data.InstanceNumber = "PT", 6, number + 1
        data.SeriesInstanceUID, data.Units = "1.2.826.0.1.6", "BQML"
        data.ImageOrientationPatient, data.ImagePositionPatient = ROW + COLUMN, position(place * 3.27)
        data.PixelSpacing, data.SliceThickness = [4.07, 4.07], 3.27
        data.RescaleSlope, data.RescaleIntercept = f"{0.731 + 0.117 * place:.6g}", 0
        data.PixelData = generator.integers(0, 32768, (5, 7), dtype=np.uint16).tobytes()
        pydicom.dcmwrite(folder / f"{number}.dcm", data, implicit_vr=False, little_endian=True, enforce_file_format=True)


def frames_of(data):
    """Position, orientation, spacing, slope, intercept and echo time of every frame."""
    if "NumberOfFrames" not in data:
        yield data, data, data, data, None
        return
    shared = data.SharedFunctionalGroupsSequence[0]
    for frame in data.PerFrameFunctionalGroupsSequence:
        def group(name):
            return frame[name][0] if name in frame else shared[name][0] if name in shared else Dataset()
        echo = group("MREchoSequence").get("EffectiveEchoTime")
        yield (group("PlanePositionSequence"), group("PlaneOrientationSequence"),
               group("PixelMeasuresSequence"), group("PixelValueTransformationSequence"), echo)


def expected(paths, echo=None):
    """The volume by the standard's formulas, out of what pydicom reads."""
    slices = []
    for path in paths:
        data = pydicom.dcmread(path)
        stored = data.pixel_array.reshape(-1, data.Rows, data.Columns).astype(np.float64)
        for values, (place, plane, measures, transformation, time) in zip(stored, frames_of(data)):
            if echo is not None and time != echo:
                continue
            orientation = np.array(plane.ImageOrientationPatient, dtype=float)
            where = np.array(place.ImagePositionPatient, dtype=float)
            normal = np.cross(orientation[:3], orientation[3:])
            slope = float(transformation.get("RescaleSlope", 1))
            intercept = float(transformation.get("RescaleIntercept", 0))
            slices.append((where @ normal, where, orientation, np.array(measures.PixelSpacing, dtype=float),
                           values * slope + intercept))
    slices.sort(key=lambda entry: entry[0])
    _, first, orientation, spacing, _ = slices[0]
    affine = np.eye(4)
    # Columns advance along the first direction by the second number of PixelSpacing.
    affine[:3, 0] = orientation[:3] * spacing[1]
    affine[:3, 1] = orientation[3:] * spacing[0]
    affine[:3, 2] = (slices[-1][1] - first) / (len(slices) - 1)
    affine[:3, 3] = first
    values = np.stack([entry[4] for entry in slices])
    return facts(FLIP @ affine, values.shape[::-1], 1, values)


def sitk_series(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    from images import sitk_facts
    return sitk_facts(reader.Execute())


def main():
    FOLDER.mkdir(exist_ok=True)
    ct = lambda place: (1, -1024)
    enhanced("ct.dcm", "CT", ENHANCED_CT, [2, 0, 3, 1], 2.5, ct, False, 12, False, ExplicitVRLittleEndian)
    enhanced("mr_implicit.dcm", "MR", ENHANCED_MR, [0, 1, 2, 3, 4], 3.3, None, True, 16, True, ImplicitVRLittleEndian)
    own = lambda place: (f"{0.5 + 0.25 * place:.6g}", f"{-3 * place}")
    enhanced("pet_enhanced.dcm", "PT", ENHANCED_PET, [0, 1, 2], 3.27, own, False, 16, True, ExplicitVRLittleEndian)
    enhanced("mr_two_echoes.dcm", "MR", ENHANCED_MR, [0, 0, 1, 1, 2, 2], 3.0, None, False, 12, True,
             ExplicitVRLittleEndian, echoes=[4.6, 9.2] * 3)
    pet_series()
    entries = []
    for name, series, echo in (("ct.dcm", None, None), ("mr_implicit.dcm", None, None),
                               ("pet_enhanced.dcm", None, None), ("mr_two_echoes.dcm", "5/EchoTime 4.6", 4.6),
                               ("mr_two_echoes.dcm", "5/EchoTime 9.2", 9.2), ("pet", None, None)):
        path = FOLDER / name
        ours = expected(sorted(path.iterdir()) if path.is_dir() else [path], echo)
        peer = attempt(sitk_series if path.is_dir() else read_sitk, path)
        same = {key: "error" not in peer and (peer["size"] == ours["size"] if key == "size" else
                np.allclose(peer["affine"], ours["affine"], atol=1e-4) if key == "affine" else peer[key] == ours[key])
                for key in ("size", "affine", "crc")}
        entries.append({"file": name, "series": series, **ours, "simpleitk": same})
        print(name, series, same, "" if all(same.values()) else peer)
    versions = {"pydicom": pydicom.__version__, "SimpleITK": sitk.__version__, "numpy": np.__version__}
    text = ",\n".join(json.dumps(entry) for entry in entries)
    (DATA / "enhanced.json").write_text(f'{{"versions": {json.dumps(versions)},\n"files": [\n{text}\n]}}\n')


if __name__ == "__main__":
    main()
