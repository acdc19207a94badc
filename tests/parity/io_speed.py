"""Reading and writing images beside SimpleITK and dcm2niix, one after the other, each in a process of its own.

    pip install SimpleITK pydicom numpy pylibjpeg-openjpeg pyjpegls   # the last two make compressed series
    cargo build --release -p vesalius-io --example io_speed
    python io_speed.py target/release/examples/io_speed [--slices 500] [--runs 7] [--threads 2] [--keep FOLDER]

Makes a CT series of 512 x 512 voxels with noise (uncompressed, JPEG 2000, JPEG-LS) and its .nii.gz, then prints the median
of the runs, its ratio to each peer, and the peak of memory beside the volume's bytes. What a library lacks to make a
series is printed and left out.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless)


def volume(slices):
    """A body of soft tissue with noise of 12 HU in air, as int16."""
    rng = numpy.random.default_rng(7)
    y, x = numpy.mgrid[-1:1:512j, -1:1:512j]
    body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
    plane = numpy.where(body, 40 + 60 * numpy.sin(9 * x) * numpy.cos(7 * y), -1000)
    noise = rng.normal(0, 12, (16, 512, 512))
    return numpy.stack([plane + noise[z % 16] for z in range(slices)]).astype(numpy.int16)


def write_series(folder, image, syntax):
    os.makedirs(folder)
    for z, plane in enumerate(image):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.8.498.9.{z + 1}"
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d = Dataset()
        d.file_meta = meta
        d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        d.Modality, d.PatientName, d.PatientID = "CT", "Doe^Jane", "1"
        d.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.7"
        d.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.8"
        d.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.6"
        d.SeriesNumber, d.InstanceNumber = "2", str(z + 1)
        d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        d.ImagePositionPatient = ["-179.5", "-179.5", str(z)]
        d.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        d.PixelSpacing, d.SliceThickness = ["0.7", "0.7"], "1"
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.Rows, d.Columns = plane.shape
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
        d.RescaleIntercept, d.RescaleSlope = "0", "1"
        d.PixelData = plane.tobytes()
        if syntax != ExplicitVRLittleEndian:
            d.compress(syntax, generate_instance_uid=False)
        d.save_as(os.path.join(folder, f"IM{z:04d}.dcm"), enforce_file_format=True)


ITK_READ = """
import sys, time, os, SimpleITK as sitk
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(int(sys.argv[3]))
path = sys.argv[1]
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    if os.path.isdir(path):
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(path))
        image = reader.Execute()
    else:
        image = sitk.ReadImage(path)
    print(time.perf_counter() - start)
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
print("peak", int(peak.split()[1]) // 1024, "MiB")
"""

ITK_WRITE = """
import sys, time, SimpleITK as sitk
image = sitk.ReadImage(sys.argv[1])
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    sitk.WriteImage(image, sys.argv[3], True)
    print(time.perf_counter() - start)
"""


def lines(command, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    seconds = [float(line) for line in done.stdout.splitlines() if line[:1].isdigit()]
    peak = [line for line in done.stdout.splitlines() if line.startswith("peak")]
    return seconds, peak[0] if peak else ""


def in_turn(cases, runs):
    """Runs of each case, in turn, so that all see the same load of the machine."""
    found = {name: [] for name in cases}
    peaks = {}
    for _ in range(runs):
        for name, case in cases.items():
            seconds, peak = case()
            found[name] += seconds
            peaks[name] = peak
    return {name: statistics.median(values) for name, values in found.items()}, peaks


def report(title, cases, runs):
    medians, peaks = in_turn(cases, runs)
    print(f"{title}")
    for name, seconds in medians.items():
        ratio = medians["vesalius"] / seconds
        print(f"  {name:12} {seconds:8.3f} s   ours/it {ratio:5.2f}   {peaks[name]}", flush=True)


def dcm2niix(folder, out):
    def run():
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        start = time.perf_counter()
        command = ["dcm2niix", "-z", "n", "-b", "n", "-o", out, folder]
        subprocess.run(command, check=True, capture_output=True)
        return [time.perf_counter() - start], ""
    return run


def versions():
    import SimpleITK
    cpu = [line for line in open("/proc/cpuinfo") if line.startswith(("model name", "flags"))]
    flags = [flag for flag in ("avx2", "avx512f", "avx512bw", "vpclmulqdq") if flag in cpu[1].split()]
    print(f"{cpu[0].split(':')[1].strip()}, {' '.join(flags)}, {os.cpu_count()} processors, {platform.platform()}")
    print(f"SimpleITK {SimpleITK.Version_VersionString()}, pydicom {pydicom.__version__}, load {os.getloadavg()[0]:.1f}")
    if shutil.which("dcm2niix"):
        said = subprocess.run(["dcm2niix", "-v"], capture_output=True, text=True).stdout
        print(said.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--packed-slices", type=int, default=100)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep")
    options = parser.parse_args()
    versions()
    work = options.keep or tempfile.mkdtemp()
    python = [sys.executable, "-c"]
    image = volume(options.slices)

    def ours(path):
        return lambda: lines([options.program, "read", path, "1"], options.threads)

    def itk(path):
        return lambda: lines([*python, ITK_READ, path, "1", str(options.threads)], options.threads)

    for name, syntax in [("plain", ExplicitVRLittleEndian), ("jpeg2000", JPEG2000Lossless), ("jpegls", JPEGLSLossless)]:
        folder = os.path.join(work, name)
        if not os.path.isdir(folder):
            slices = image if name == "plain" else image[: options.packed_slices]
            try:
                write_series(folder, slices, syntax)
            except Exception as error:
                shutil.rmtree(folder, ignore_errors=True)
                print(f"{name}: left out ({error})")
                continue
        cases = {"vesalius": ours(folder), "SimpleITK": itk(folder)}
        if name == "plain" and shutil.which("dcm2niix"):
            cases["dcm2niix"] = dcm2niix(folder, os.path.join(work, "converted"))
        report(f"series {name}, {len(os.listdir(folder))} slices of 512 x 512", cases, options.runs)
    packed = os.path.join(work, "v.nii.gz")
    if not os.path.isfile(packed):
        import SimpleITK
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(image[:200]), packed, True)
    report(".nii.gz in, 512 x 512 x 200 int16", {"vesalius": ours(packed), "SimpleITK": itk(packed)}, options.runs)
    out = os.path.join(work, "out.nii.gz")
    cases = {
        "vesalius": lambda: lines([options.program, "write", packed, out, "1"], options.threads),
        "SimpleITK": lambda: lines([*python, ITK_WRITE, packed, "1", out], options.threads),
    }
    report(".nii.gz out, the same", cases, options.runs)
    if not options.keep:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
