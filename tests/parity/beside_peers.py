"""What the scripts that time readers beside peers share: programs in turn, their medians, and made CT series."""

import os
import platform
import shutil
import statistics
import subprocess
import sys

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


def lines(command, threads):
    """The seconds that a program prints, a line each, and its line that begins with `peak`."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    seconds = [float(line) for line in done.stdout.splitlines() if line[:1].isdigit()]
    peak = [line for line in done.stdout.splitlines() if line.startswith("peak")]
    return seconds, peak[0] if peak else ""


def report(title, cases, runs):
    """Runs the cases in turn, so that all see the same load of the machine, and prints the medians; ours is `vesalius`."""
    found = {name: [] for name in cases}
    peaks = {}
    for _ in range(runs):
        for name, case in cases.items():
            seconds, peaks[name] = case()
            found[name] += seconds
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    print(title)
    for name, seconds in medians.items():
        ratio = medians["vesalius"] / seconds
        print(f"  {name:12} {seconds:8.3f} s   ours/it {ratio:6.3f}   {peaks[name]}", flush=True)


def versions():
    """Prints the processor, the load, and the peers' versions."""
    import SimpleITK
    cpu = [line for line in open("/proc/cpuinfo") if line.startswith(("model name", "flags"))]
    flags = [flag for flag in ("avx2", "avx512f", "avx512bw", "vpclmulqdq") if flag in cpu[1].split()]
    print(f"{cpu[0].split(':')[1].strip()}, {' '.join(flags)}, {os.cpu_count()} processors, {platform.platform()}")
    print(f"SimpleITK {SimpleITK.Version_VersionString()}, pydicom {pydicom.__version__}, load {os.getloadavg()[0]:.1f}")
    if shutil.which("dcm2niix"):
        said = subprocess.run(["dcm2niix", "-v"], capture_output=True, text=True).stdout
        print(said.strip().splitlines()[-1])


def write_series(folder, planes, spacing, syntax):
    """A CT series of int16, a slice each millimetre, in a new folder."""
    os.makedirs(folder)
    for z, plane in enumerate(planes):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.8.498.9.{z + 1}"
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d = Dataset()
        d.file_meta = meta
        d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        d.Modality, d.PatientName, d.PatientID = "CT", "Doe^Jane", "1"
        d.PatientBirthDate, d.PatientSex, d.StudyID, d.AccessionNumber = "", "", "1", ""
        d.StudyDate, d.StudyTime, d.ReferringPhysicianName = "20200101", "120000", ""
        d.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.7"
        d.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.8"
        d.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.6"
        d.PositionReferenceIndicator = ""
        d.SeriesNumber, d.InstanceNumber = "2", str(z + 1)
        d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        d.ImagePositionPatient = ["0", "0", str(z)]
        d.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        d.PixelSpacing, d.SliceThickness = [str(spacing), str(spacing)], "1"
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.Rows, d.Columns = plane.shape
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
        d.RescaleIntercept, d.RescaleSlope = "0", "1"
        d.PixelData = plane.tobytes()
        if syntax != ExplicitVRLittleEndian:
            d.compress(syntax, generate_instance_uid=False)
        d.save_as(os.path.join(folder, f"IM{z:04d}.dcm"), enforce_file_format=True)
