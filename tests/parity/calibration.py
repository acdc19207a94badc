"""What MONAI 1.6 and scikit-learn say about made probabilities; writes crates/metrics/tests/data/calibration.json.

    pip install numpy torch monai scikit-learn
    python tests/parity/calibration.py

Probabilities are whole numbers of a power of two, so that the Rust test (crates/metrics/tests/calibration.rs) makes the
same ones; some lie on the borders of bins. Arrays have the axes z, y, x. The area under risk and coverage is its
definition (Geifman and El-Yaniv, arXiv 1705.08500), in NumPy.
"""
import importlib.metadata, json, pathlib, warnings
import numpy as np, torch
warnings.filterwarnings("ignore")
from monai.metrics import CalibrationErrorMetric
from monai.metrics.calibration import calibration_binning
from sklearn.metrics import brier_score_loss, log_loss

ROOT = pathlib.Path(__file__).parents[2]
CASES = [dict(name="three_classes", size=[11, 9, 7], classes=3, salt=1), dict(name="two_classes", size=[16, 8, 3], classes=2, salt=2),
         dict(name="certain", size=[6, 5, 4], classes=2, salt=3)]


def hashed(size, salt):
    z, y, x = np.meshgrid(*[np.arange(n, dtype=np.int64) for n in size[::-1]], indexing="ij")
    h = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (salt * 2654435761)
    return (((h & 0xFFFFFFFF) * 2246822519) & 0xFFFFFFFF) >> 7


def made(case):
    """Shares of 256; the reference is the likeliest class, or another one."""
    h = hashed(case["size"], case["salt"])
    if case["name"] == "certain":
        shares = [256 * (h % 2), 256 - 256 * (h % 2)]
    elif case["classes"] == 2:
        shares = [h % 257, 256 - h % 257]
    else:
        first = h % 257
        second = (h // 257) % (257 - first)
        shares = [first, second, 256 - first - second]
    probabilities = np.stack(shares).astype(np.float32) / np.float32(256)
    labels = np.where(h // 65537 % 3 == 0, h // 7 % case["classes"], np.argmax(np.stack(shares), 0))
    return probabilities, labels


def main():
    for case in CASES:
        probabilities, labels = made(case)
        case["labels"] = np.bincount(labels.ravel(), minlength=case["classes"]).tolist()
        one_hot = np.stack([labels == c for c in range(case["classes"])]).astype(np.float32)
        p, t = torch.from_numpy(probabilities)[None], torch.from_numpy(one_hot)[None]
        case["monai"] = []
        for bins in (20, 10, 7, 1):
            for right in (False, True):
                row = dict(bins=bins, right=right)
                for name in ("expected", "average", "maximum"):
                    metric = CalibrationErrorMetric(num_bins=bins, right=right, calibration_reduction=name, metric_reduction="none")
                    metric(y_pred=p, y=t)
                    row[name] = metric.aggregate()[0].tolist()
                mean_p, mean_gt, counts = calibration_binning(p, t, bins, right)
                row["counts"] = counts[0].int().tolist()
                row["mean_p"] = [[None if np.isnan(v) else float(v) for v in channel] for channel in mean_p[0].numpy()]
                row["mean_gt"] = [[None if np.isnan(v) else float(v) for v in channel] for channel in mean_gt[0].numpy()]
                case["monai"].append(row)
        flat = probabilities.reshape(case["classes"], -1).T.astype(np.float64)
        case["sklearn"] = {
            "brier": [float(np.mean((flat[:, c] - (labels.ravel() == c)) ** 2)) for c in range(case["classes"])],
            "brier_of_binary": float(brier_score_loss(labels.ravel() == 1, flat[:, 1])),
            "log_loss": float(log_loss(labels.ravel(), np.maximum(flat, 1e-12), labels=list(range(case["classes"])))) if case["name"] != "certain" else None,
        }
        case["nll"] = float(np.mean(-np.log(np.maximum(np.take_along_axis(flat, labels.ravel()[:, None], 1), 1e-12))))
    rng = np.random.default_rng(3)
    curves = []
    for count in (1, 9, 50):
        uncertainty, risk = rng.permutation(count) / count, rng.integers(0, 100, count) / 100
        order = np.argsort(uncertainty)
        selective = np.cumsum(risk[order]) / np.arange(1, count + 1)
        best = np.cumsum(np.sort(risk)) / np.arange(1, count + 1)
        curves.append(dict(uncertainty=uncertainty.tolist(), risk=risk.tolist(), area=float(selective.mean()), best=float(best.mean())))
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "torch", "monai", "scikit-learn")}
    path = ROOT / "crates/metrics/tests/data/calibration.json"
    text = json.dumps({"made_by": "tests/parity/calibration.py", "versions": versions, "cases": CASES, "risk_coverage": curves}, allow_nan=False)
    path.write_text(text.replace('{"bins"', '\n{"bins"') + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
