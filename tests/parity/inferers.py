"""MONAI's inferers on made volumes: the numbers that `crates/inferers/tests/monai.rs` compares with.

    pip install torch monai
    python tests/parity/inferers.py

The "network" is a fixed function of intensity and of the position within the window, so that a window
in a wrong place or with a wrong weight shows. MONAI's axes are given in our order: arrays are stored
`[z, y, x]`, and a window or axis is named as `[x, y, z]`.
"""
import json, pathlib
import monai, numpy as np, torch
from monai.data import MetaTensor, TestTimeAugmentation
from monai.inferers import AvgMerger, PatchInferer, SimpleInferer, SliceInferer, SlidingWindowInferer, SlidingWindowSplitter
from monai.transforms import Compose, RandFlipd, RandRotate90d

OUT = pathlib.Path(__file__).resolve().parents[2] / "crates/inferers/tests/data/monai.json"


def volume(size):
    """The same formula stands in the test: a smooth function of the index, in float64, rounded once."""
    x, y, z = size
    k, j, i = np.meshgrid(np.arange(z), np.arange(y), np.arange(x), indexing="ij")
    return torch.from_numpy((np.sin(0.3 * i) + np.cos(0.2 * j) * 0.5 + 0.1 * k).astype(np.float32))[None, None]


def network(patch):
    """Two channels: the intensity times a ramp over the window, and its square plus another ramp."""
    ramps = [torch.arange(n, dtype=torch.float32) / n for n in patch.shape[2:]]
    grid = torch.meshgrid(*ramps, indexing="ij")
    ramp = sum((d + 1) * g for d, g in enumerate(reversed(grid)))
    return torch.cat([patch * (1 + ramp), patch * patch + ramp], 1)


def case(size, run, **words):
    out = run(volume(size), network)[0]
    step = max(1, out.numel() // 400)
    return {"size": size, **words, "every": step, "values": [float(v) for v in out.flatten()[::step]], "sum": float(out.double().sum())}


cases = [case([9, 7, 5], SimpleInferer(), inferer="simple")]
for size, patch, overlap, mode, batch in [
    ([17, 23, 11], [8, 10, 6], 0.25, "gaussian", 1),
    ([17, 23, 11], [8, 10, 6], 0.5, "constant", 3),
    ([13, 9, 20], [16, 16, 8], 0.5, "gaussian", 2),
    ([5, 6, 7], [8, 9, 10], 0.25, "gaussian", 4),
    ([31, 8, 9], [7, 8, 3], 0.625, "gaussian", 5),
    ([12, 10, 9], [12, 10, 9], 0.25, "gaussian", 1),
    ([21, 14, 10], [6, 5, 4], 0.0, "constant", 7),
]:
    windows = SlidingWindowInferer(patch[::-1], sw_batch_size=batch, overlap=overlap, mode=mode)
    cases.append(case(size, windows, inferer="sliding_window", patch_size=patch, overlap=overlap, blending=mode, batch_size=batch))
for axis, plane, overlap, mode in [("x", [7, 6], 0.25, "gaussian"), ("y", [20, 6], 0.5, "constant"), ("z", [9, 23], 0.5, "gaussian")]:
    # MONAI's spatial axes here are z, y, x, so our x is its axis 2; its window is the other two in its order.
    slices = SliceInferer(roi_size=plane[::-1], spatial_dim=2 - "xyz".index(axis), sw_batch_size=4, overlap=overlap, mode=mode)
    cases.append(case([17, 23, 11], slices, inferer="slice", axis=axis, patch_size=plane, overlap=overlap, blending=mode, batch_size=4))

def slices(axis, patch, overlap, mode):
    """One of the axes of the averaged slices: its window is the other two of `patch`, in MONAI's order."""
    plane = [n for name, n in zip("xyz", patch) if name != axis]
    return SliceInferer(roi_size=plane[::-1], spatial_dim=2 - "xyz".index(axis), sw_batch_size=4, overlap=overlap, mode=mode)


for axes, patch, overlap, mode in [("xyz", [9, 7, 6], 0.25, "gaussian"), ("xz", [17, 10, 5], 0.5, "constant")]:
    def averaged(image, run):
        outputs = [slices(axis, patch, overlap, mode)(image, run) for axis in axes]
        return torch.stack(outputs).mean(0)
    cases.append(case([17, 23, 11], averaged, inferer="slices", axes=list(axes), patch_size=patch, overlap=overlap, blending=mode, batch_size=4))

for size, patch, overlap, batch in [([17, 23, 11], [8, 10, 6], 0.0, 1), ([17, 23, 11], [8, 10, 6], 0.5, 3), ([12, 10, 9], [5, 4, 9], 0.25, 2)]:
    splitter = SlidingWindowSplitter(patch_size=patch[::-1], overlap=overlap)
    patches = PatchInferer(splitter=splitter, merger_cls=AvgMerger, batch_size=batch)
    cases.append(case(size, patches, inferer="patches", patch_size=patch, overlap=overlap, batch_size=batch))


def test_time(views):
    """The mean over the volume itself and each view, each by MONAI's own test-time augmentation and its inverse."""
    def run(image, network):
        outputs = [network(image)[0]]
        for view in views:
            augmented = TestTimeAugmentation(Compose([view]), batch_size=1, inferrer_fn=network, nearest_interp=False, image_key="image", orig_key="image", progress=False, return_full_data=True)
            outputs.append(torch.as_tensor(augmented({"image": MetaTensor(image[0])}, num_examples=1))[0])
        return torch.stack([torch.as_tensor(o) for o in outputs]).mean(0)[None]
    return run


flip = lambda axis: RandFlipd("image", prob=1.0, spatial_axis=2 - "xyz".index(axis))
turn = lambda first, second: RandRotate90d("image", prob=1.0, max_k=1, spatial_axes=(2 - "xyz".index(first), 2 - "xyz".index(second)))
views = [[{"flip": {"axes": ["x"], "probability": 1}}], [{"flip": {"axes": ["y"], "probability": 1}}], [{"rotate90": {"plane": ["x", "y"], "most": 1, "probability": 1}}], [{"rotate90": {"plane": ["z", "x"], "most": 1, "probability": 1}}]]
cases.append(case([9, 7, 5], test_time([flip("x"), flip("y"), turn("x", "y"), turn("z", "x")]), inferer="test_time", views=views, **{"within": {"simple": {}}}))

OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps({"monai": monai.__version__, "torch": torch.__version__, "script": "tests/parity/inferers.py", "cases": cases}))
print(OUT.name, len(cases), "cases", OUT.stat().st_size, "bytes")
