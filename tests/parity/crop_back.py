"""What MONAI's `Invertd` leaves of a prediction outside of a crop: the numbers that `crates/transforms/src/coverage.rs`
compares with.

    pip install torch monai
    python tests/parity/crop_back.py

A prediction of ones on the network's grid is taken back to the file's, each step undone by itself; arrays are
`[x, y, z]`. The weights are a product over the axes, so the profile through one voxel along each axis tells all.
"""
import json, pathlib
import monai, numpy as np, torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flipd, Invertd, Orientationd, Spacingd, SpatialCropd, SpatialPadd

OUT = pathlib.Path(__file__).resolve().parents[2] / "crates/transforms/tests/data/coverage.json"


def steps(chain, size, spacing):
    made = []
    for name, value in chain:
        if name == "spacing":
            made.append(Spacingd("image", pixdim=value, mode="bilinear"))
        elif name == "crop":
            start, count = value
            made.append(SpatialCropd("image", roi_start=start, roi_end=[s + n for s, n in zip(start, count)]))
        elif name == "pad":
            made.append(SpatialPadd("image", spatial_size=value))
        elif name == "orient":
            made.append(Orientationd("image", axcodes=value, labels=(("L", "R"), ("P", "A"), ("I", "S"))))
        elif name == "flip":
            made.append(Flipd("image", spatial_axis=value))
    return Compose(made)


cases = []
for size, spacing, chain, through in [
    ([20, 18, 16], [1, 1, 1], [("crop", ([3, 4, 5], [9, 8, 7]))], [6, 7, 8]),
    ([20, 18, 16], [1, 1, 1], [("spacing", [1.5, 1.5, 1.5]), ("crop", ([3, 2, 4], [6, 7, 4]))], [8, 8, 8]),
    ([20, 18, 16], [1, 1, 1], [("spacing", [0.5, 0.5, 0.5]), ("crop", ([5, 6, 8], [20, 11, 9]))], [8, 6, 6]),
    ([20, 18, 16], [1, 1, 1], [("crop", ([3, 4, 5], [9, 8, 7])), ("spacing", [2, 2, 2])], [6, 7, 8]),
    ([20, 18, 16], [1, 1, 1], [("crop", ([3, 4, 5], [9, 8, 7])), ("spacing", [1.5, 0.7, 2]), ("crop", ([1, 2, 0], [4, 5, 3]))], [6, 6, 7]),
    ([21, 17, 12], [0.9, 1.1, 2.5], [("orient", "LPS"), ("spacing", [1.3, 1.3, 2]), ("crop", ([2, 0, 4], [7, 14, 6]))], [11, 8, 6]),
    ([21, 17, 12], [0.9, 1.1, 2.5], [("spacing", [2, 2, 2]), ("pad", [16, 16, 16]), ("crop", ([3, 4, 2], [6, 5, 6]))], [10, 8, 5]),
    ([16, 16, 16], [1, 1, 1], [("spacing", [2, 2, 2]), ("crop", ([0, 1, 2], [4, 7, 6]))], [4, 8, 8]),
    ([16, 16, 16], [1, 1, 1], [("flip", [0, 2]), ("spacing", [3, 1, 1]), ("crop", ([1, 2, 3], [3, 6, 6]))], [8, 5, 8]),
]:
    affine = np.diag([*spacing, 1.0])
    image = MetaTensor(torch.ones([1, *size]), affine=torch.from_numpy(affine))
    transform = steps(chain, size, spacing)
    data = transform({"image": image})
    data["pred"] = MetaTensor(torch.ones_like(torch.as_tensor(data["image"])))
    back = Invertd("pred", transform=transform, orig_keys="image", nearest_interp=False, to_tensor=True)(data)["pred"]
    weights = torch.as_tensor(back)[0].double().numpy()
    assert list(weights.shape) == size, weights.shape
    x, y, z = through
    assert abs(weights[x, y, z] - 1) < 1e-5, (chain, weights[x, y, z])
    profiles = [weights[:, y, z], weights[x, :, z], weights[x, y, :]]
    product = profiles[0][:, None, None] * profiles[1][None, :, None] * profiles[2][None, None, :]
    assert np.abs(product - weights).max() < 1e-5, chain
    cases.append({"size": size, "spacing": spacing, "chain": [{name: value} for name, value in chain], "network": list(data["image"].shape[1:]), "profiles": [[round(float(v), 6) for v in p] for p in profiles]})

OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps({"monai": monai.__version__, "script": "tests/parity/crop_back.py", "cases": cases}))
print(OUT.name, len(cases), "cases", OUT.stat().st_size, "bytes")
