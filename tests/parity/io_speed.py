"""Reading and writing images beside SimpleITK and dcm2niix, one after the other, each in a process of its own.

    pip install SimpleITK pydicom numpy pylibjpeg pylibjpeg-openjpeg pyjpegls   # the last three make compressed series
    cargo build --release -p vesalius-io --example io_speed
    python io_speed.py target/release/examples/io_speed [--slices 500] [--runs 7] [--threads 2] [--keep FOLDER]

Makes a CT series of 512 x 512 voxels with noise (uncompressed, JPEG 2000, JPEG-LS) and its .nii.gz, then prints the median
of the runs, its ratio to each peer, and the peak of memory beside the volume's bytes. What a library lacks to make a
series is printed and left out.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from beside_peers import lines, report, versions, write_series


def volume(slices):
    """A body of soft tissue with noise of 12 HU in air, as int16."""
    rng = numpy.random.default_rng(7)
    y, x = numpy.mgrid[-1:1:512j, -1:1:512j]
    body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
    plane = numpy.where(body, 40 + 60 * numpy.sin(9 * x) * numpy.cos(7 * y), -1000)
    noise = rng.normal(0, 12, (16, 512, 512))
    return numpy.stack([plane + noise[z % 16] for z in range(slices)]).astype(numpy.int16)


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


def dcm2niix(folder, out):
    def run():
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        start = time.perf_counter()
        command = ["dcm2niix", "-z", "n", "-b", "n", "-o", out, folder]
        subprocess.run(command, check=True, capture_output=True)
        return [time.perf_counter() - start], ""
    return run


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
                write_series(folder, slices, 0.7, syntax)
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
