"""BIDS sidecars of DICOM folders by dcm2niix and by the example `study_to_nifti`, and what differs.

  python tests/parity/sidecars.py target/release/examples/study_to_nifti FOLDER [FOLDER ...]

Needs dcm2niix (Debian package), nibabel and numpy. Files are paired by SeriesNumber, shape and EchoTime. Directions are
compared in the patient, up to their sign; PhaseEncodingDirection and SliceTiming along the axes of our image. The time step is
`pixdim[4]`. Known differences, with reasons: docs/from-dicom.md.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import nibabel as nib
import numpy as np


def close(a, b):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 2e-5 * max(abs(a), abs(b)) + 1e-6
    return a == b


def sidecars(folder):
    return [(path.with_suffix(".nii"), json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]


def partner(image, described, ours):
    same = [one for one in ours if one[1].get("SeriesNumber") == described.get("SeriesNumber")]
    shaped = [one for one in same if nib.load(one[0]).shape == image.shape]
    echo = [one for one in shaped if close(one[1].get("EchoTime"), described.get("EchoTime"))]
    return (echo or shaped or [None])[0]


def on_our_axes(key, value, axes):
    """A value along their image's axes, along ours."""
    if key == "PhaseEncodingDirection":
        axis, sign = "ijk".index(value[0]), -1 if value.endswith("-") else 1
        sign *= axes[axis, 1]
        return "ijk"[int(axes[axis, 0])] + ("-" if sign < 0 else "")
    if key == "SliceTiming" and axes[2, 1] < 0:
        return value[::-1]
    if key == "AcquisitionTime":
        hours, minutes, seconds = value.split(":")
        return f"{int(hours):02}:{int(minutes):02}:{float(seconds):09.6f}"
    return value


def in_patient(path, affine):
    vectors = np.loadtxt(path).reshape(3, -1)
    rotation = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if np.linalg.det(rotation) > 0:
        vectors[0] *= -1
    return rotation @ vectors


def directions(theirs, ours):
    """The largest difference of a direction to the nearest of the same b-value; nothing without tables."""
    if not theirs.with_suffix(".bvec").exists():
        return None
    if not ours.with_suffix(".bvec").exists():
        return "no table of ours"
    a, b = (in_patient(path.with_suffix(".bvec"), nib.load(path).affine).T for path in (theirs, ours))
    at, bt = (np.loadtxt(path.with_suffix(".bval")).reshape(-1) for path in (theirs, ours))
    # A volume without diffusion has no direction, though Philips states one.
    pairs = [(v, [w for w, bw in zip(b, bt) if abs(bw - bv) < 1]) for v, bv in zip(a, at) if bv > 0]
    errors = [min((min(np.abs(v - w).max(), np.abs(v + w).max()) for w in near), default=9) for v, near in pairs]
    return max(errors, default=0)


def main(example, folders):
    equal, different, steps, worst = Counter(), defaultdict(list), [], []
    for folder in folders:
        with tempfile.TemporaryDirectory() as scratch:
            a, b = Path(scratch, "a"), Path(scratch, "b")
            a.mkdir(), b.mkdir()
            subprocess.run([example, folder, b], check=True, stdout=subprocess.DEVNULL)
            words = ["dcm2niix", "-z", "n", "-b", "y", "-p", "n", "-f", "%s_%e_%z_%r_%t", "-o", a, folder]
            subprocess.run(words, stdout=subprocess.DEVNULL)
            ours = sidecars(b)
            for path, described in sidecars(a):
                if not path.exists():
                    continue
                image = nib.load(path)
                found = partner(image, described, ours)
                if found is None:
                    print(f"no partner: {folder} {path.name} {image.shape}")
                    continue
                mine = nib.load(found[0])
                axes = nib.io_orientation(np.linalg.inv(mine.affine) @ image.affine)
                for key in sorted(described.keys() & found[1].keys() - {"ConversionSoftware", "ConversionSoftwareVersion"}):
                    value = on_our_axes(key, described[key], axes)
                    if close(value, found[1][key]):
                        equal[key] += 1
                    else:
                        different[key].append((folder, value, found[1][key]))
                times = [float(one.header["pixdim"][4]) for one in (image, mine)]
                if not close(*times):
                    steps.append((folder, *times))
                error = directions(path, found[0])
                if error is not None and (isinstance(error, str) or error > 1e-3):
                    worst.append((folder, error))
    print("equal:", ", ".join(f"{key} {count}" for key, count in sorted(equal.items())))
    for key, cases in sorted(different.items()):
        print(f"different: {key}, {len(cases)} time(s), first {str(cases[0])[:300]}")
    for case in steps:
        print("time step (dcm2niix, ours):", *case)
    for case in worst:
        print("directions:", *case)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
