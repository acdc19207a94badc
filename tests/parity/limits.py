"""What the peers say where a physical limit meets the spacing, and of labels that meet; writes
crates/filters/tests/data/limits.json and crates/metrics/tests/data/limits.json.

    pip install numpy scipy scikit-image torch monai SimpleITK nibabel torchio==1.2.1
    python tests/parity/limits.py

The peers get the spacing that was meant. The stored affines are those that a NIfTI file of the same grid
holds: in single precision, so that 0.6 mm is 0.60000002 and oblique columns are 1.00000003 mm long.
"""
import importlib.metadata, json, math, pathlib, warnings
import numpy as np, scipy.ndimage as ndi, SimpleITK as sitk, torch
warnings.filterwarnings("ignore")
import torchio
from monai.metrics import compute_surface_dice
from monai.transforms import CropForeground
from skimage.segmentation import expand_labels

ROOT = pathlib.Path(__file__).parents[2]


def turned(spacing, degrees_x, degrees_z):
    a, b = math.radians(degrees_x), math.radians(degrees_z)
    rx = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    rz = np.array([[math.cos(b), -math.sin(b), 0], [math.sin(b), math.cos(b), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rz @ rx @ np.diag(spacing)
    affine[:3, 3] = [-57.3, 31.7, 12.9]
    return affine


def stored(affine):
    return affine.astype(np.float32).astype(float).tolist()


GRIDS = [
    dict(name="straight_0.6", spacing=[0.6, 0.6, 0.6], turn=[0, 0]),
    dict(name="oblique_1", spacing=[1.0, 1.0, 1.0], turn=[20, 35]),
    dict(name="oblique_0.6", spacing=[0.6, 0.6, 0.6], turn=[-12, 47]),
    dict(name="oblique_mixed", spacing=[0.7, 0.7, 2.1], turn=[31, -8]),
]
SIZE = [21, 19, 15]


def hashed(size, salt):
    x, y, z = np.meshgrid(*[np.arange(n, dtype=np.int64) for n in size], indexing="ij")
    h = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (salt * 2654435761)
    return (((h & 0xFFFFFFFF) * 2246822519) & 0xFFFFFFFF) >> 7


def blobs(size, salt, share, values):
    """Labels in lumps: noise of half the size, each voxel repeated."""
    h = hashed(size, salt)
    h = h[np.arange(size[0])[:, None, None] // 3, np.arange(size[1])[None, :, None] // 3, np.arange(size[2])[None, None, :] // 3]
    return np.where(h % 100 < share, np.array(values)[(h // 100) % len(values)], 0).astype(np.uint8)


def flat(array):
    """x fastest."""
    return np.asarray(array).flatten(order="F").tolist()


def within(spacing, radius, size=25):
    """Voxels of a ball whose centres lie within, by exact fractions."""
    from fractions import Fraction
    s = [Fraction(str(v)) for v in spacing]
    r = Fraction(str(radius))
    n = size // 2
    return sum((i * s[0])**2 + (j * s[1])**2 + (k * s[2])**2 <= r * r
               for i in range(-n, n + 1) for j in range(-n, n + 1) for k in range(-n, n + 1))


balls, torchio_cases, expand, holes = [], [], [], []
for grid in GRIDS:
    affine = turned(grid["spacing"], *grid["turn"])
    for factor in [1, 2, 3, 5]:
        radius = round(grid["spacing"][0] * factor, 6)
        balls.append(dict(grid=grid["name"], affine=stored(affine), radius=radius, voxels=within(grid["spacing"], radius)))
    for size, spacing in [([24, 20, 16], 0.7), ([24, 20, 16], grid["spacing"][0]), ([13, 11, 1], 2.0), ([9, 8, 7], 1.3)]:
        data = (hashed(size, 5) % 1000).astype(np.float32)
        image = torchio.ScalarImage(tensor=torch.from_numpy(data)[None], affine=affine)
        target = [spacing] * 3
        out = torchio.Resample(tuple(target))(image)
        noise_free = [round(n * s / spacing, 9) for n, s in zip(size, grid["spacing"])]
        expected = [1 if n == 1 else math.floor(v) for n, v in zip(size, noise_free)]
        # Where its own arithmetic falls short of a whole number the peer loses a voxel; such sizes are not stored.
        if list(out.spatial_shape) != expected:
            continue
        torchio_cases.append(dict(grid=grid["name"], affine=stored(affine), size=size, spacing=target,
                                  new_size=list(out.spatial_shape), origin=out.affine[:3, 3].tolist(),
                                  values=[round(float(v), 3) for v in flat(out.data[0].numpy())][::7]))
    labels = blobs(SIZE, 3, 25, [2, 4, 9])
    distance = grid["spacing"][0] * 2
    # The peer decides ties by memory; voxels that two labels are equally near to are marked 255.
    near = [ndi.distance_transform_edt(labels != v, sampling=grid["spacing"]) for v in (2, 4, 9)]
    ranked = np.sort(near, axis=0)
    grown = expand_labels(labels, distance * (1 + 1e-9), spacing=grid["spacing"])
    tied = (labels == 0) & (ranked[1] - ranked[0] < 1e-9) & (ranked[0] <= distance * (1 + 1e-9))
    expand.append(dict(grid=grid["name"], affine=stored(affine), size=SIZE, radius=distance, labels=flat(labels),
                       grown=flat(np.where(tied, 255, grown))))

# Each label's holes by itself; a voxel with a label keeps it.
# Two blocks side by side with grains of nothing and of each other in them.
labels = np.zeros(SIZE, np.uint8)
labels[2:10, 2:17, 2:13], labels[10:19, 2:17, 2:13] = 2, 4
noise = hashed(SIZE, 11) % 100
labels = np.where((labels > 0) & (noise < 20), 0, np.where((labels > 0) & (noise < 26), 6 - labels, labels)).astype(np.uint8)
masks = {v: ndi.binary_fill_holes(labels == v) for v in (2, 4)}
filled = np.where(labels > 0, labels, np.where(masks[2] & ~masks[4], 2, np.where(masks[4] & ~masks[2], 4, 0)))
both = (labels == 0) & masks[2] & masks[4]
holes = dict(size=SIZE, labels=flat(labels), filled=flat(np.where(both, 255, filled)))

crops = []
for start, size, margin in [([0, 8, 12], [4, 1, 3], [2, 1, 3]), ([9, 8, 7], [1, 1, 1], [3, 0, 9]), ([0, 0, 0], [19, 17, 15], [1, 2, 0])]:
    image = torch.zeros(1, 19, 17, 15)
    image[:, start[0]:start[0] + size[0], start[1]:start[1] + size[1], start[2]:start[2] + size[2]] = 1
    for allow in [True, False]:
        crop = CropForeground(margin=margin, allow_smaller=allow, return_coords=True)
        cropped, low, high = crop(image)
        crops.append(dict(start=start, size=size, margin=margin, allow_smaller=allow, low=np.asarray(low).tolist(),
                          shape=list(cropped.shape[1:])))

versions = {name: importlib.metadata.version(name) for name in ["numpy", "scipy", "scikit-image", "torch", "monai", "SimpleITK", "torchio"]}
made_by = "tests/parity/limits.py"
json.dump(dict(made_by=made_by, versions=versions, balls=balls, torchio=torchio_cases, expand=expand, holes=holes, crops=crops),
          open(ROOT / "crates/filters/tests/data/limits.json", "w"), separators=(",", ":"))

surfaces = []
for grid in GRIDS:
    affine = turned(grid["spacing"], *grid["turn"])
    size = [24, 22, 20]
    reference = np.zeros(size, np.uint8)
    reference[6:15, 5:14, 6:13] = 1
    prediction = np.zeros(size, np.uint8)
    prediction[8:16, 5:15, 5:13] = 1
    for factor in [1, 2]:
        tolerance = round(grid["spacing"][0] * factor, 6)
        one_hot = lambda a: torch.from_numpy(np.stack([a == 0, a == 1]))[None]
        # The peer's tolerance is widened by what its own sums are off.
        nsd = compute_surface_dice(one_hot(prediction), one_hot(reference), [tolerance * (1 + 1e-6)], spacing=grid["spacing"])
        surfaces.append(dict(grid=grid["name"], affine=stored(affine), size=size, tolerance=tolerance, nsd=float(nsd[0, 0])))
json.dump(dict(made_by=made_by, versions=versions, surfaces=surfaces),
          open(ROOT / "crates/metrics/tests/data/limits.json", "w"), indent=1)
print(len(balls), len(torchio_cases), [(t["grid"], t["size"], t["new_size"]) for t in torchio_cases])
print(crops)
print([(b["grid"], b["radius"], b["voxels"]) for b in balls])
print([(s["grid"], s["tolerance"], s["nsd"]) for s in surfaces])
print([e["grown"].count(255) for e in expand], holes["filled"].count(255))
