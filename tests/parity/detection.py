"""What PI-CAI's packages say about made probability maps; writes crates/metrics/tests/data/detection.json.

    pip install numpy scipy scikit-learn SimpleITK picai_eval report_guided_annotation
    python tests/parity/detection.py

Values are whole numbers of thousandths, so that the Rust test (crates/metrics/tests/detection.rs) makes the same maps.
Arrays have the axes z, y, x, as SimpleITK reads them.
"""
import importlib.metadata, json, pathlib, sys, types, warnings
import numpy as np
warnings.filterwarnings("ignore")
try:
    import mlxtend
except ImportError:  # only picai_eval's permutation tests want it
    for name in ("mlxtend", "mlxtend.evaluate"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["mlxtend.evaluate"].permutation_test = None
from picai_eval.eval import evaluate_case
from picai_eval.metrics import Metrics
from report_guided_annotation import extract_lesion_candidates
from sklearn.metrics import roc_auc_score

ROOT = pathlib.Path(__file__).parents[2]
SIZE = [24, 22, 14]


def made(seed):
    rng = np.random.default_rng(seed)
    place = lambda: [int(rng.integers(2, n - 2)) for n in SIZE]
    lesions = [place() + [int(rng.integers(1, 4)) for _ in range(3)] for _ in range(int(rng.integers(0, 4)))]
    blobs = []
    for lesion in lesions:
        if rng.random() < 0.75:
            blobs.append([c + int(rng.integers(-1, 2)) for c in lesion[:3]] + [int(rng.integers(2, 5)), int(rng.integers(200, 1000))])
    blobs += [place() + [int(rng.integers(2, 5)), int(rng.integers(50, 800))] for _ in range(int(rng.integers(0, 3)))]
    return dict(seed=seed, size=SIZE, lesions=lesions, blobs=blobs, noise=int(rng.integers(1, 60)))


def painted(case):
    z, y, x = np.meshgrid(*[np.arange(n, dtype=np.int64) for n in case["size"][::-1]], indexing="ij")
    labels = np.zeros(x.shape, np.int32)
    for cx, cy, cz, rx, ry, rz in case["lesions"]:
        labels |= (((x - cx) * ry * rz) ** 2 + ((y - cy) * rx * rz) ** 2 + ((z - cz) * rx * ry) ** 2 <= (rx * ry * rz) ** 2).astype(np.int32)
    h = ((x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (case["seed"] * 2654435761)) & 0xFFFFFFFF
    h = (h * 2246822519 & 0xFFFFFFFF) >> 7
    value = h % case["noise"]
    for cx, cy, cz, r, peak in case["blobs"]:
        d = (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2
        value = np.maximum(value, np.where(d <= r * r, peak * (r * r + 1 - d) // (r * r + 1), 0))
    return labels, value.astype(np.float32) / np.float32(1000)


EXTRACT = {"dynamic-fast": "dynamic-fast", "dynamic-v2": "dynamic-v2", "0.1": 0.1}


def main():
    cases = [made(seed) for seed in range(1, 17)]
    judged = {key: {} for key in EXTRACT}
    for index, case in enumerate(cases):
        labels, values = painted(case)
        case["sums"] = [int(labels.sum()), float(np.sum(values, dtype=np.float64))]
        case["results"] = {}
        for key, threshold in EXTRACT.items():
            blobs, confidences, numbered = extract_lesion_candidates(values, threshold=threshold)
            result = {"voxels": int((blobs > 0).sum()), "confidences": sorted(float(c) for _, c in confidences)}
            for name, options in {
                "iou0.1": {}, "dice0.2": dict(overlap_func="DSC", min_overlap=0.2),
                "strict": dict(allow_unmatched_candidates_with_minimal_overlap=False),
            }.items():
                lesions, confidence, *_ = evaluate_case(blobs, labels, **options)
                result[name] = {"lesions": sorted([int(a), float(b), float(c)] for a, b, c in lesions), "confidence": float(confidence)}
                if name == "iou0.1":
                    judged[key][index] = lesions
            case["results"][key] = result
    curves = {}
    for key, lesions in judged.items():
        metrics = Metrics(lesion_results=lesions)
        curves[key] = {"AP": float(metrics.AP), "auroc": float(metrics.auroc), "score": float(metrics.score), "lesions": int(metrics.num_lesions),
                       "sensitivity_at": {str(f): float(metrics.lesion_TPR_at_FPR(f)) for f in (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0)}}
    rng = np.random.default_rng(0)
    roc = [[rng.integers(0, 8, n).tolist(), rng.integers(0, 2, n).tolist()] for n in (5, 12, 40)]
    roc = [dict(scores=s, positive=p, auroc=float(roc_auc_score(p, s))) for s, p in roc]
    names = ("numpy", "scipy", "scikit-learn", "picai_eval", "report_guided_annotation")
    versions = {name: importlib.metadata.version(name) for name in names}
    path = ROOT / "crates/metrics/tests/data/detection.json"
    text = json.dumps({"made_by": "tests/parity/detection.py", "versions": versions, "cases": cases, "curves": curves, "roc": roc}, allow_nan=False)
    path.write_text(text.replace('{"seed"', '\n{"seed"') + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
