"""What SimpleITK says about several raters; writes crates/metrics/tests/data/raters.json.

    pip install numpy SimpleITK
    python tests/parity/raters.py

Raters are balls with hashed noise, so that the Rust test (crates/metrics/tests/raters.rs) makes the same ones. Arrays
have the axes z, y, x. The energy distance is its definition (Kohl et al., arXiv 1806.05034), in NumPy.
"""
import importlib.metadata, json, pathlib
import numpy as np, SimpleITK as sitk

ROOT = pathlib.Path(__file__).parents[2]
CASES = [
    dict(name="three", size=[18, 16, 10], raters=[[9, 8, 5, 5, 0], [9, 8, 5, 4, 0], [10, 8, 5, 5, 0]]),
    dict(name="noisy", size=[17, 15, 9], raters=[[8, 7, 4, 5, 13], [8, 7, 4, 4, 7], [9, 7, 4, 5, 29], [7, 7, 4, 5, 11], [8, 8, 4, 3, 5]]),
    dict(name="one_empty", size=[12, 12, 6], raters=[[6, 6, 3, 4, 0], [6, 6, 3, 3, 0], [99, 99, 99, 1, 0], [5, 6, 3, 4, 0]]),
]


def painted(case, which):
    z, y, x = np.meshgrid(*[np.arange(n, dtype=np.int64) for n in case["size"][::-1]], indexing="ij")
    cx, cy, cz, r, noise = case["raters"][which]
    d = (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2
    out = np.where(d <= r * r, 1, 0)
    out[(d <= r * r) & (x > cx)] = 2
    if noise:
        h = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ ((which + 1) * 2654435761)
        h = (((h & 0xFFFFFFFF) * 2246822519) & 0xFFFFFFFF) >> 7
        out[h % noise == 0] = (h[h % noise == 0] // noise) % 3
    return out.astype(np.uint8)


def energy(raters, samples):
    def distance(a, b):
        union = (a | b).sum()
        return 0.0 if union == 0 else 1.0 - (a & b).sum() / union
    mean = lambda left, right: float(np.mean([[distance(a, b) for b in right] for a in left]))
    return [mean(raters, samples), mean(raters, raters), mean(samples, samples)]


def main():
    for case in CASES:
        arrays = [painted(case, i) for i in range(len(case["raters"]))]
        case["counts"] = [np.bincount(a.ravel(), minlength=3).tolist() for a in arrays]
        images = [sitk.GetImageFromArray(a) for a in arrays]
        case["staple"] = {}
        for label in (1, 2):
            for weight in (1.0, 0.5):
                filter = sitk.STAPLEImageFilter()
                filter.SetForegroundValue(label)
                filter.SetConfidenceWeight(weight)
                w = sitk.GetArrayFromImage(filter.Execute(images)).astype(np.float64)
                z, y, x = np.indices(w.shape)
                case["staple"][f"{label}:{weight}"] = dict(
                    sensitivity=list(filter.GetSensitivity()), specificity=list(filter.GetSpecificity()), iterations=int(filter.GetElapsedIterations()),
                    sum=float(w.sum()), places=float((w * (x + 31 * y + 977 * z)).sum()), above=int((w > 0.5).sum()))
        vote = sitk.LabelVotingImageFilter()
        vote.SetLabelForUndecidedPixels(9)
        voted = sitk.GetArrayFromImage(vote.Execute(images)).astype(np.int64)
        z, y, x = np.indices(voted.shape)
        case["vote"] = dict(counts=np.bincount(voted.ravel(), minlength=10).tolist(), places=int((voted * (x + 31 * y + 977 * z)).sum()))
        masks = [a == 1 for a in arrays]
        case["energy"] = energy(masks, [masks[0], masks[-1], arrays[1] == 1])
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "SimpleITK")}
    path = ROOT / "crates/metrics/tests/data/raters.json"
    text = json.dumps({"made_by": "tests/parity/raters.py", "versions": versions, "cases": CASES}, allow_nan=False)
    path.write_text(text.replace('{"name"', '\n{"name"') + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
