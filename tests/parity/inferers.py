"""MONAI's inferers on made volumes: the numbers that `crates/inferers/tests/monai.rs` compares with.

    pip install torch monai
    python tests/parity/inferers.py

The "network" is a fixed function of intensity and of the position within the window, so that a window
in a wrong place or with a wrong weight shows. MONAI's axes are given in our order: arrays are stored
`[z, y, x]`, and a window or axis is named as `[x, y, z]`.
"""
import json, pathlib
import monai, numpy as np, torch
from monai.inferers import SimpleInferer, SliceInferer, SlidingWindowInferer

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

OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps({"monai": monai.__version__, "torch": torch.__version__, "script": "tests/parity/inferers.py", "cases": cases}))
print(OUT.name, len(cases), "cases", OUT.stat().st_size, "bytes")
