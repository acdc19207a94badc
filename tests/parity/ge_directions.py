"""Gradient directions that dcm2niix makes of GE's, for slices in any plane: the numbers of crates/io/tests/data/ge_directions.json.

    apt-get install dcm2niix; pip install pydicom numpy nibabel
    python ge_directions.py ../../crates/io/tests/data/ge_directions.json

Makes series of four volumes of three slices (b = 0, then three directions along frequency, phase and slice), whose slices are
stored along their normal or against it, and prints each direction in the patient (RAS) as the `.bvec` and the affine of
dcm2niix have it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

DIRECTIONS = [[0, 0, 0], [0.6, 0, 0.8], [0, -0.8, 0.6], [0.48, 0.64, 0.6]]

# Direction of growing column and row index, LPS.
PLANES = {
    "axial": [1, 0, 0, 0, 1, 0],
    "oblique axial": [0.96, 0.28, 0, -0.224, 0.768, 0.6],
    "axial, feet first": [-1, 0, 0, 0, 1, 0],
    "sagittal": [0, 1, 0, 0, 0, -1],
    "oblique sagittal": [-0.28, 0.96, 0, 0, 0, -1],
    "coronal": [1, 0, 0, 0, 0, -1],
    "oblique coronal": [0.96, 0.28, 0, 0.168, -0.576, -0.8],
}


def write(folder, orientation, phase, backwards):
    o = numpy.array(orientation)
    normal = numpy.cross(o[:3], o[3:])
    for number in range(12):
        volume, slice_ = divmod(number, 3)
        d = Dataset()
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = MRImageStorage
        d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = f"1.2.3.{number + 1}"
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "1.2.4", "1.2.5", "1.2.6"
        d.Modality, d.Manufacturer, d.PatientID = "MR", "GE MEDICAL SYSTEMS", "1"
        d.ImageType, d.PatientPosition = ["ORIGINAL", "PRIMARY", "OTHER"], "HFS"
        d.ScanningSequence, d.SequenceVariant, d.MRAcquisitionType = "EP", "NONE", "2D"
        d.RepetitionTime, d.EchoTime = "3000", "80"
        d.SeriesNumber, d.AcquisitionNumber, d.InstanceNumber = 3, 1, number + 1
        place = normal * 3 * (2 - slice_ if backwards else slice_)
        d.ImagePositionPatient = [f"{v:.6f}" for v in place - 8]
        d.ImageOrientationPatient = [f"{v:.6f}" for v in o]
        d.PixelSpacing, d.SliceThickness, d.SpacingBetweenSlices = ["2", "2"], "3", "3"
        d.InPlanePhaseEncodingDirection = phase
        d.Rows = d.Columns = 8
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
        d.add_new(0x00190010, "LO", "GEMS_ACQU_01")
        for i, value in enumerate(DIRECTIONS[volume]):
            d.add_new(0x001910BB + i, "DS", str(value))
        d.add_new(0x00430010, "LO", "GEMS_PARM_01")
        d.add_new(0x00431039, "IS", ["1000000700" if volume else "0", "8", "0", "0"])
        d.PixelData = numpy.full((8, 8), number, numpy.int16).tobytes()
        d.save_as(folder / f"{number:02}.dcm", enforce_file_format=True)


def converted(folder, out):
    subprocess.run(["dcm2niix", "-z", "n", "-f", "x", "-o", out, folder], check=True, capture_output=True)
    image = nibabel.load(out / "x.nii")
    vectors = numpy.loadtxt(out / "x.bvec")
    rotation = image.affine[:3, :3] / numpy.linalg.norm(image.affine[:3, :3], axis=0)
    if numpy.linalg.det(rotation) > 0:
        vectors[0] *= -1
    return (rotation @ vectors).T


def main():
    said = subprocess.run(["dcm2niix", "-v"], capture_output=True, text=True).stdout
    cases = []
    for name, orientation in PLANES.items():
        for phase in ("COL", "ROW"):
            for backwards in (False, True):
                with tempfile.TemporaryDirectory() as work:
                    folder, out = Path(work, "in"), Path(work, "out")
                    folder.mkdir(), out.mkdir()
                    write(folder, orientation, phase, backwards)
                    patient = numpy.round(converted(folder, out), 5) + 0
                cases.append({
                    "plane": name, "orientation": orientation, "phase": phase, "backwards": backwards,
                    "patient": patient.tolist(),
                })
    found = {"dcm2niix": said.strip().splitlines()[-1], "directions": DIRECTIONS, "cases": cases}
    text = json.dumps(found).replace('{"plane"', '\n{"plane"')
    Path(sys.argv[1]).write_text(text + "\n")


main()
