"""Segmentations of many segments: opening and reading beside highdicom, and the memory that writing takes.

    pip install highdicom pydicom numpy SimpleITK
    cargo build --release -p vesalius-io --example io_speed -p vesalius-dicom --example clinic_objects
    python seg_speed.py target/release/examples [--segments 100] [--slices 500] [--size 128] [--runs 5] [--write-slices 1000]

Makes a CT series, a label map on it whose labels are blocks, and its segmentation with a frame for each slice of each
segment. Opening is `probe` of the file and `segread`; reading is one label map of all segments. Prints the medians of runs in
turn. Writing is that of a label map of 512 x 512 voxels a slice; the memory is what comes on top of the label map.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import numpy
import SimpleITK
from pydicom.uid import RLELossless

from beside_peers import lines, report, versions, write_series

HIGHDICOM = """
import sys, time, highdicom
for _ in range(int(sys.argv[3])):
    start = time.perf_counter()
    seg = highdicom.seg.segread(sys.argv[2])
    if sys.argv[1] == "read":
        seg.get_volume(combine_segments=True, skip_overlap_checks=True)
    print(time.perf_counter() - start)
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
print("peak", int(peak.split()[1]) // 1024, "MiB")
"""


def series(folder, slices, size):
    """Slices of zeros, which take little space."""
    plane = numpy.zeros((size, size), numpy.int16)
    write_series(folder, [plane] * slices, 1, RLELossless)


def labels(path, segments, slices, size):
    """Blocks of labels, which take no space of their own in each slice."""
    side = int(numpy.ceil(numpy.sqrt(segments)))
    y, x = numpy.mgrid[:size, :size] * side // size
    plane = (y * side + x + 1).astype(numpy.uint8)
    plane[plane > segments] = 0
    image = SimpleITK.GetImageFromArray(numpy.broadcast_to(plane, (slices, size, size)).copy())
    SimpleITK.WriteImage(image, path, True)


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs")
    parser.add_argument("--segments", type=int, default=100)
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write-slices", type=int, default=1000)
    options = parser.parse_args()
    versions()
    speed, objects = (os.path.join(options.programs, name) for name in ("io_speed", "clinic_objects"))
    with tempfile.TemporaryDirectory() as work:
        folder, label_map, seg = (os.path.join(work, name) for name in ("ct", "labels.nii.gz", "seg.dcm"))
        series(folder, options.slices, options.size)
        labels(label_map, options.segments, options.slices, options.size)
        print(run([objects, "seg", folder, label_map, "all", seg]).splitlines()[0])
        for what, ours in (("open", "probe"), ("read", "read")):
            cases = {
                "vesalius": lambda: lines([speed, ours, seg, "1"], options.threads),
                "highdicom": lambda: lines([sys.executable, "-c", HIGHDICOM, what, seg, "1"], options.threads),
            }
            report(what, cases, options.runs)
        folder, label_map, seg = (os.path.join(work, name) for name in ("large", "large.nii.gz", "large.dcm"))
        series(folder, options.write_slices, 512)
        labels(label_map, options.segments, options.write_slices, 512)
        print("writing:", run([objects, "seg", folder, label_map, "binary", seg]).replace("\n", ", "))


main()
