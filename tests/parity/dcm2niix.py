"""DICOM folders through dcm2niix and through `vesalius convert`, and what differs.

  python tests/parity/dcm2niix.py target/release/vesalius FOLDER [FOLDER ...]

Every folder that directly contains files is one input. Needs dcm2niix (Debian package), nibabel and numpy. A volume of
dcm2niix is looked for among those of vesalius by its values in RAS order: size, affine (1e-3 mm) and voxels. Each part of a
series is converted by itself. dcm2niix scales Philips files as the standard says (`-p n`), not by the private slope. Printed
for each folder: equal, refused by one of them with the reason, or what differs.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600)


def volumes(path):
    """The three-dimensional volumes of a file, in RAS order."""
    image = nib.as_closest_canonical(nib.load(path))
    data = np.asarray(image.dataobj)
    if data.dtype.names:
        return []
    data = data.reshape(data.shape[:3] + (-1,))
    return [(data[..., i].astype(np.float64), image.affine) for i in range(data.shape[3])]


def by_dcm2niix(folder, out):
    out.mkdir()
    result = run("dcm2niix", "-z", "n", "-b", "n", "-m", "o", "-p", "n", "-f", "%s_%e_%z_%t", "-o", out, folder)
    found = [volume for path in sorted(out.glob("*.nii")) for volume in volumes(path)]
    told = [line for line in result.stdout.splitlines() if line.startswith(("Error", "Warning", "Unable"))]
    return found, told


def by_vesalius(command, folder, out):
    out.mkdir()
    listed = run(command, "info", folder, "--json")
    try:
        entries = json.loads(listed.stdout)
    except json.JSONDecodeError:
        return [], [listed.stderr.strip()[-300:]]
    entries = entries if isinstance(entries, list) else [entries]
    found, told, done = [], [], set()
    for number, entry in enumerate(entries):
        series = entry.get("series", entry)
        uid = series.get("uid") or entry.get("metadata", {}).get("SeriesInstanceUID")
        part = series.get("part")
        path = out / f"{number}.nii"
        words = [command, "convert", folder, path]
        if uid:
            words += ["--series", f"{uid}/{part}" if part else uid]
        if (uid, part) in done:
            continue
        done.add((uid, part))
        result = run(*words)
        if result.returncode:
            told.append(f"{series.get('description')} {part or ''}: {result.stderr.strip().splitlines()[0][:300]}")
        else:
            found += volumes(path)
    return found, told


def equal(a, b):
    (x, affine), (y, other) = a, b
    return x.shape == y.shape and np.allclose(affine, other, atol=1e-3) and np.allclose(x, y, rtol=1e-6, atol=1e-3)


def nearest(volume, others):
    """What the most similar of the others differs in."""
    x, affine = volume
    same = [other for other in others if other[0].shape == x.shape]
    if not same:
        return f"no volume of {x.shape}, but of {sorted({o[0].shape for o in others})}"
    y, other = min(same, key=lambda o: np.abs(o[0] - x).mean())
    return f"voxels differ by up to {np.abs(x - y).max():g} ({(x != y).mean():.1%}), affine by {np.abs(affine - other).max():g}"


def main(command, folders):
    counts = {"equal": 0, "refused": 0, "different": 0, "only vesalius": 0, "neither": 0}
    inputs = sorted({path.parent for folder in folders for path in Path(folder).rglob("*") if path.is_file()})
    for folder in inputs:
        with tempfile.TemporaryDirectory() as scratch:
            theirs, warned = by_dcm2niix(folder, Path(scratch) / "d")
            ours, told = by_vesalius(command, folder, Path(scratch) / "v")
            missing = [v for v in theirs if not any(equal(v, o) for o in ours)]
            kind = (
                "neither" if not theirs and not ours
                else "only vesalius" if not theirs
                else "equal" if not missing
                else "refused" if not ours
                else "different"
            )
            counts[kind] += 1
            print(f"{kind:14} {folder}: dcm2niix {len(theirs)} volume(s), vesalius {len(ours)}")
            if kind != "equal":
                for line in warned[:2]:
                    print("    dcm2niix:", line)
                for line in told[:4]:
                    print("    vesalius:", line)
                for volume in missing[:2] if ours else []:
                    print("    ", nearest(volume, ours))
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
