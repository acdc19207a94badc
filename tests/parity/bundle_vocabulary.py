"""What MONAI's transforms give that bundles use, there and back, and what its steps on labels give; writes
crates/transforms/tests/data/monai_bundles.json and crates/inferers/tests/data/monai_pieces.json.

    pip install torch monai nibabel scikit-image
    python tests/parity/bundle_vocabulary.py

Every chain is in MONAI's words and in ours. `Invertd` is undone with the interpolation of the forward step and with
the nearest voxel.
"""
import importlib.metadata, json, pathlib, warnings
import numpy as np, torch
warnings.filterwarnings("ignore")
from monai.data import MetaTensor
from monai.transforms import (
    Compose, CropForeground, DivisiblePad, CenterSpatialCrop, FillHoles, KeepLargestConnectedComponent, LabelFilter, MapLabelValue,
    NormalizeIntensity, Orientation, RemoveSmallObjects, Resize, ScaleIntensity, ScaleIntensityRange, Spacing, SpatialPad)

ROOT = pathlib.Path(__file__).parents[2]


def rotation(axis, degrees):
    a = np.deg2rad(degrees)
    m = np.eye(3)
    i, j = [k for k in range(3) if k != axis]
    m[i, i] = m[j, j] = np.cos(a)
    m[i, j], m[j, i] = -np.sin(a), np.sin(a)
    return m


def affine(spacing, turn, flips=(1, 1, 1), order=(0, 1, 2), shear=0.0):
    linear = rotation(2, turn[0]) @ rotation(0, turn[1]) @ np.diag(flips)
    linear = (linear @ np.diag(spacing))[:, list(order)]
    linear[0, 1] += shear
    out = np.eye(4)
    out[:3, :3] = linear
    out[:3, 3] = [71.3, 33.1, -120.7]
    return out


def image(size, channels, dark):
    """The voxels of test `monai_bundles.rs`: whole numbers of a formula, and zeros around a box where `dark`."""
    x, y, z = np.meshgrid(*[np.arange(n) for n in size], indexing="ij")
    out = []
    for c in range(channels):
        v = (7 * x + 13 * y + 29 * z + x * y * z + 11 * c) % 37 + 1
        if dark:
            inside = (x >= 2) & (x < size[0] - 3) & (y >= 3) & (y < size[1] - 1) & (z >= 1) & (z < size[2] - 2)
            v = np.where(inside, v, 0)
        out.append(v)
    return np.stack(out).astype(np.float32)


def flat(array):
    """Channels, then z, y, x with x fastest."""
    return [round(float(v), 7) for c in np.asarray(array) for v in c.flatten(order="F")]


OBLIQUE = affine([1.4, 1.1, 2.5], (12, 7), (-1, -1, 1))
CHAINS = [
    ("orient_spacing", OBLIQUE, [9, 8, 7], 1, False, [Orientation("RAS"), Spacing([1.5, 1.5, 2.0])],
     [{"orient": {"to": "RAS"}}, {"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}]),
    ("spacing_within_tolerance", affine([1.0005, 1.3, 2.0], (5, 9)), [8, 8, 6], 1, False, [Spacing([1.0, 1.3, 1.0])],
     [{"spacing": {"to": [1.0, 1.3, 1.0], "rule": "monai"}}]),
    ("spacing_unchanged", affine([1.0004, 1.0, 1.0], (0, 0)), [6, 5, 4], 1, False, [Spacing([1.0, 1.0, 1.0])],
     [{"spacing": {"to": [1.0, 1.0, 1.0], "rule": "monai"}}]),
    ("spacing_kept_axes", OBLIQUE, [8, 7, 6], 1, False, [Spacing([-1, 0.9, 0])],
     [{"spacing": {"to": [0, 0.9, 0], "rule": "monai"}}]),
    ("spacing_kept_range", OBLIQUE, [8, 7, 6], 1, False,
     [Spacing([1.0, 1.0, 1.0], min_pixdim=[1.0, 1.0, 1.0], max_pixdim=[2.0, 1.05, 2.0])],
     [{"spacing": {"to": [1, 1, 1], "rule": "monai", "keep_from": [1, 1, 1], "keep_to": [2, 1.05, 2]}}]),
    ("spacing_diagonal", OBLIQUE, [9, 8, 7], 1, False, [Spacing([1.5, 1.5, 2.0], diagonal=True)],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai", "diagonal": True}}]),
    ("spacing_extent", affine([1.4, 1.1, 2.5], (0, 0)), [9, 8, 7], 1, False, [Spacing([0.9, 1.5, 2.0], scale_extent=True)],
     [{"spacing": {"to": [0.9, 1.5, 2.0], "rule": "monai", "scale_extent": True}}]),
    ("spacing_shear", affine([1.4, 1.1, 2.5], (12, 7), shear=0.3), [9, 8, 7], 1, False, [Spacing([1.5, 1.5, 2.0])],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}]),
    ("spacing_zeros", OBLIQUE, [9, 8, 7], 1, False, [Spacing([1.5, 1.5, 2.0], diagonal=True, padding_mode="zeros")],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai", "diagonal": True, "outside": "zeros"}}]),
    ("spacing_nearest", OBLIQUE, [9, 8, 7], 1, False, [Spacing([1.5, 0.8, 2.0], mode="nearest")],
     [{"spacing": {"to": [1.5, 0.8, 2.0], "rule": "monai", "interpolation": "nearest"}}]),
    ("spacing_then_orient", affine([1.4, 1.1, 2.5], (12, 7), (1, -1, -1), (2, 0, 1)), [7, 9, 8], 2, False,
     [Spacing([1.5, 1.5, 2.0]), Orientation("LPS")],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}, {"orient": {"to": "LPS"}}]),
    ("two_spacings", OBLIQUE, [9, 8, 7], 1, False, [Spacing([1.5, 1.5, 2.0]), Spacing([2.2, 2.2, 2.2])],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}, {"spacing": {"to": [2.2, 2.2, 2.2], "rule": "monai"}}]),
    ("crop_in_the_image", OBLIQUE, [12, 11, 9], 1, True, [Spacing([1.5, 1.5, 2.0]), CropForeground(margin=[1, 9, 2], allow_smaller=True)],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}, {"crop_foreground": {"margin": [1, 9, 2]}}]),
    ("crop_beyond", OBLIQUE, [12, 11, 9], 2, True, [CropForeground(margin=[1, 4, 3], k_divisible=[4, 3, 8], channel_indices=[1])],
     [{"crop_foreground": {"margin": [1, 4, 3], "divisible_by": [4, 3, 8], "allow_smaller": False, "channels": [1]}}]),
    ("crop_edge", OBLIQUE, [12, 11, 9], 1, True, [CropForeground(margin=[4, 0, 3], mode="edge")],
     [{"crop_foreground": {"margin": [4, 0, 3], "allow_smaller": False, "mode": "edge"}}]),
    ("pad_end", OBLIQUE, [6, 5, 4], 1, False, [Spacing([1.5, 1.5, 2.0]), SpatialPad([9, 4, 7], method="end", mode="constant", value=2)],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}, {"pad": {"size": [9, 4, 7], "side": "end", "value": 2}}]),
    ("pad_circular", OBLIQUE, [6, 5, 4], 1, False, [SpatialPad([9, 8, 7], mode="circular")],
     [{"pad": {"size": [9, 8, 7], "mode": "circular"}}]),
    ("pad_symmetric", OBLIQUE, [6, 5, 4], 1, False, [DivisiblePad([4, 8, 6], mode="symmetric")],
     [{"pad": {"divisible_by": [4, 8, 6], "mode": "symmetric"}}]),
    ("pad_reflect", OBLIQUE, [6, 5, 4], 1, False, [SpatialPad([9, 8, 7], mode="reflect")],
     [{"pad": {"size": [9, 8, 7], "mode": "reflect"}}]),
    ("resize_area", OBLIQUE, [9, 8, 7], 2, False, [Resize([5, 11, 7], mode="area")],
     [{"resize": {"to": {"size": [5, 11, 7]}, "interpolation": "area"}}]),
    ("resize_longest", OBLIQUE, [9, 8, 7], 1, False, [Resize(14, size_mode="longest", mode="area")],
     [{"resize": {"to": {"longest_side": 14}, "interpolation": "area"}}]),
    ("resize_begin", OBLIQUE, [9, 8, 7], 1, False, [Resize([5, 11, 3], mode="nearest")],
     [{"resize": {"to": {"size": [5, 11, 3]}, "interpolation": "begin"}}]),
    ("spacing_resize_linear", OBLIQUE, [9, 8, 7], 1, False, [Spacing([1.5, 1.5, 2.0]), Resize([6, 10, 7], mode="trilinear")],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}, {"resize": {"to": {"size": [6, 10, 7]}, "apart": True}}]),
    ("centre", OBLIQUE, [9, 8, 7], 1, False, [Spacing([1.5, 1.5, 2.0]), CenterSpatialCrop([5, -1, 20])],
     [{"spacing": {"to": [1.5, 1.5, 2.0], "rule": "monai"}}, {"crop_centre": {"size": [5, -1, 20]}}]),
    ("scale", OBLIQUE, [5, 4, 3], 2, False, [ScaleIntensity(-1, 1)], [{"scale_min_max": {"to": [-1, 1]}}]),
    ("scale_channels", OBLIQUE, [5, 4, 3], 2, False, [ScaleIntensity(0, 5, channel_wise=True)],
     [{"scale_min_max": {"to": [0, 5], "per_channel": True}}]),
    ("scale_factor", OBLIQUE, [5, 4, 3], 1, False, [ScaleIntensity(minv=None, maxv=None, factor=0.4)],
     [{"window": {"from": [0, 1], "to": [0, 1.4], "clip": False}}]),
    ("range_without_clip", OBLIQUE, [5, 4, 3], 1, False, [ScaleIntensityRange(10, 20, -1, 1)],
     [{"window": {"from": [10, 20], "to": [-1, 1], "clip": False}}]),
    ("range_without_target", OBLIQUE, [5, 4, 3], 1, False, [ScaleIntensityRange(10, 20, None, 1.2, clip=True)],
     [{"window": {"from": [10, 20], "to": [0, 1], "clip": False}}, {"clip": {"high": 1.2}}]),
    ("normalize_given", OBLIQUE, [5, 4, 3], 2, True, [NormalizeIntensity([3.0, 5.0], [2.0, 0.0], nonzero=True, channel_wise=True)],
     [{"z_score": {"nonzero": True, "per_channel": True, "subtract": [3, 5], "divide": [2, 0]}}]),
    ("normalize_half_given", OBLIQUE, [5, 4, 3], 2, True, [NormalizeIntensity(subtrahend=4.0, nonzero=True)],
     [{"z_score": {"nonzero": True, "per_channel": False, "subtract": [4]}}]),
]


def nearest(operations):
    """`Invertd(nearest_interp=True)`."""
    from monai.transforms.utils import convert_applied_interp_mode
    return convert_applied_interp_mode(operations, mode="nearest", align_corners=None)


def run(name, matrix, size, channels, dark, theirs, ours):
    source = MetaTensor(torch.as_tensor(image(size, channels, dark)), affine=torch.as_tensor(matrix))
    chain = Compose(theirs)
    found = chain(source)
    # A prediction that is not the image, so that only its own values come back.
    prediction = np.asarray(found) * 0.5 + np.arange(found[0].numel()).reshape(found.shape[1:], order="F") % 5
    prediction = prediction.astype(np.float32)
    labels = (np.arange(found[0].numel()).reshape(found.shape[1:], order="F") // 3 % 4).astype(np.float32)[None]

    def back(values, operations):
        out = MetaTensor(torch.as_tensor(values), meta=dict(found.meta))
        out.applied_operations = operations
        return np.asarray(chain.inverse(out))

    import copy
    return dict(
        name=name, affine=matrix.tolist(), size=list(size), channels=channels, dark=dark, chain=ours,
        after=dict(size=list(found.shape[1:]), affine=np.asarray(found.affine).tolist(), values=flat(found)),
        back=flat(back(prediction, copy.deepcopy(found.applied_operations))),
        back_nearest=flat(back(labels, nearest(copy.deepcopy(found.applied_operations)))),
    )


def grid(spacing, turn, size, pixdim, flips=(1, 1, 1)):
    """The size alone, for grids whose size is half a voxel from another."""
    matrix = affine(spacing, turn, flips)
    found = Spacing(pixdim)(MetaTensor(torch.zeros(1, *size), affine=torch.as_tensor(matrix)))
    return dict(affine=matrix.tolist(), size=list(size), to=pixdim, after=list(found.shape[1:]))


def grids():
    rng = np.random.default_rng(7)
    out = []
    for i in range(60):
        spacing = rng.choice([0.5, 0.6, 0.7, 0.75, 0.9, 1.0, 1.25, 1.5, 2.5, 3.0, 0.703125, 0.9765625], 3)
        if i % 2:
            spacing = spacing.astype(np.float32).astype(float)
        factor = rng.choice([2.0, 0.5, 4.0, 1.5, 0.4, 0.8], 3)
        size = [int(n) for n in rng.integers(8, 60, 3)]
        pixdim = [float(v) for v in spacing * factor]
        out.append(grid([float(s) for s in spacing], (0, 0), size, pixdim, (-1, -1, 1) if i % 3 else (1, 1, 1)))
    return out


def labels(seed, share, count):
    """Labels in lumps of two voxels, so that pieces touch by faces, edges and corners."""
    rng = np.random.default_rng(seed)
    lumps = rng.random((7, 6, 5)) < share
    values = rng.integers(1, count + 1, (7, 6, 5))
    return np.repeat(np.repeat(np.where(lumps, values, 0), 2, 0), 2, 1).astype(np.float32)


def shells():
    """Two hollow boxes: one with another label and background inside, one whose edge is open to the corner."""
    out = np.zeros((16, 8, 8), np.float32)
    for x, label in ((1, 1), (9, 2)):
        out[x:x + 6, 1:7, 1:7] = label
        out[x + 1:x + 5, 2:6, 2:6] = 0
    out[3:5, 3:5, 3] = 2
    out[9, 1, 2:6] = 0
    return out


# Seeds for which no piece that is kept is as large as one that is not: of such MONAI keeps the one that numpy's sort on the
# machine at hand puts last.
PIECES = [
    (labels(14, 0.35, 3), KeepLargestConnectedComponent(), {"keep_pieces": {}}),
    (labels(2, 0.35, 3), KeepLargestConnectedComponent([1, 3], connectivity=1), {"keep_pieces": {"labels": [1, 3], "neighbours": "faces"}}),
    (labels(15, 0.35, 2), KeepLargestConnectedComponent(connectivity=2, num_components=2), {"keep_pieces": {"neighbours": "edges", "count": 2}}),
    (labels(4, 0.25, 3), KeepLargestConnectedComponent([1, 2], independent=False), {"keep_pieces": {"labels": [1, 2], "union": True}}),
    (labels(5, 0.25, 1), RemoveSmallObjects(min_size=9), {"remove_pieces": {"voxels": 9, "counted": "labels"}}),
    (labels(6, 0.25, 1), RemoveSmallObjects(min_size=9, connectivity=3), {"remove_pieces": {"voxels": 9, "counted": "labels", "neighbours": "corners"}}),
    (labels(7, 0.2, 4), RemoveSmallObjects(min_size=45), {"remove_pieces": {"voxels": 45, "counted": "labels"}}),
    (labels(8, 0.25, 3), RemoveSmallObjects(min_size=9, independent_channels=False), {"remove_pieces": {"voxels": 9, "counted": "union"}}),
    (labels(9, 0.25, 1), RemoveSmallObjects(min_size=31.0, by_measure=True), {"remove_pieces": {"cubic_millimetres": 31, "counted": "labels"}}),
    (shells(), FillHoles(), {"fill_enclosed": {}}),
    (shells(), FillHoles([2, 1], connectivity=1), {"fill_enclosed": {"labels": [2, 1], "neighbours": "faces"}}),
    (labels(12, 0.5, 5), LabelFilter([2, 5]), {"keep_labels": {"labels": [2, 5]}}),
    (labels(13, 0.5, 3), MapLabelValue([1, 2, 0], [2, 7, 0]), {"renumber": {"pairs": [[1, 2], [2, 7]]}}),
]


def pieces():
    matrix = affine([1.5, 1.2, 2.0], (0, 0))
    out = []
    for before, transform, step in PIECES:
        source = MetaTensor(torch.as_tensor(before[None].copy()), affine=torch.as_tensor(matrix))
        after = np.asarray(transform(source))
        whole = lambda a: [int(v) for v in a.flatten(order="F")]
        out.append(dict(step=step, size=list(before.shape), spacing=[1.5, 1.2, 2.0], before=whole(before), after=whole(after[0])))
        print(step, int((after[0] != before).sum()), "voxels change")
    return out


if __name__ == "__main__":
    versions = {name: importlib.metadata.version(name) for name in ("monai", "torch", "numpy", "nibabel")}
    out = dict(script="tests/parity/bundle_vocabulary.py", versions=versions, chains=[run(*c) for c in CHAINS], grids=grids())
    path = ROOT / "crates/transforms/tests/data/monai_bundles.json"
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, versions)
    versions["scikit-image"] = importlib.metadata.version("scikit-image")
    out = dict(script="tests/parity/bundle_vocabulary.py", versions=versions, cases=pieces())
    path = ROOT / "crates/inferers/tests/data/monai_pieces.json"
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size)
