"""Numbers of the transforms' peers for `crates/transforms/tests`: MONAI, batchgeneratorsv2, nnU-Net.

    pip install torch monai batchgeneratorsv2 nnunetv2 numpy
    python tests/parity/transforms.py crates/transforms/tests/data

Arrays of the peers are indexed [c, z, y, x], so that their memory is a volume's memory, unless a case
says otherwise. Written: one JSON file a family, with the peers' versions.
"""
import json, pathlib, sys
from importlib.metadata import version
import numpy as np

OUT = pathlib.Path(sys.argv[1])
SIZE = [7, 6, 5]  # x, y, z


def flat(a):
    return [float(f"{v:.8g}") for v in np.asarray(a, dtype=np.float64).ravel()]


def made(channels=1, scale=100.0, seed=0):
    """A made image [c, z, y, x]: smooth, with noise, zero on its border."""
    rng = np.random.default_rng(seed)
    x, y, z = SIZE
    k, j, i = np.mgrid[0:z, 0:y, 0:x]
    planes = []
    for c in range(channels):
        a = scale * (np.sin(i / 2.0 + c) + np.cos(j / 1.5) + k / 4.0) + rng.normal(0, scale / 20, i.shape)
        a[:, 0, :] = 0
        a[:, :, 0] = 0
        planes.append(a)
    return np.stack(planes).astype(np.float32)


def write(name, packages, cases):
    text = {"size": SIZE, "versions": {p: version(p) for p in packages}, "cases": cases}
    (OUT / f"{name}.json").write_text(json.dumps(text, separators=(",", ":")) + "\n")
    print(name, len(cases), "cases", (OUT / f"{name}.json").stat().st_size, "bytes")


def nnunet_normalization():
    from nnunetv2.preprocessing.cropping.cropping import crop_to_nonzero, create_nonzero_mask
    from nnunetv2.preprocessing.normalization import default_normalization_schemes as schemes
    properties = {"mean": 61.5, "std": 72.25, "percentile_00_5": -55.0, "percentile_99_5": 171.5}
    image = made(2)
    image[:, 2, 3, 3] = 0  # a hole
    seg = np.where(create_nonzero_mask(image), 0, -1)
    cases = []
    for name, mask in [("CTNormalization", False), ("ZScoreNormalization", False), ("ZScoreNormalization", True),
                       ("NoNormalization", False), ("RescaleTo01Normalization", False), ("RGBTo01Normalization", False)]:
        source = np.abs(image) % 255 if name.startswith("RGB") else image
        scheme = getattr(schemes, name)(use_mask_for_norm=mask, intensityproperties=properties)
        found = np.stack([scheme.run(c.copy(), seg) for c in source])
        cases.append({"name": name, "masked": mask, "properties": properties, "image": flat(source), "expected": flat(found)})
    _, _, box = crop_to_nonzero(image.copy())
    cases.append({"name": "crop", "image": flat(image), "box": [[int(a), int(b)] for a, b in box][::-1]})
    write("nnunet_normalization", ["nnunetv2", "numpy"], cases)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    nnunet_normalization()
