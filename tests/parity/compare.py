"""What SciPy and statsmodels say about paired numbers; writes crates/metrics/tests/data/compare.json.

    pip install numpy scipy statsmodels
    python tests/parity/compare.py
"""
import importlib.metadata, json, pathlib, warnings
import numpy as np
warnings.filterwarnings("ignore")
from scipy.stats import rankdata, wilcoxon
from statsmodels.stats.multitest import multipletests

ROOT = pathlib.Path(__file__).parents[2]


def pair(rng, count, digits, shift):
    a = np.round(np.clip(rng.normal(0.85, 0.08, count), 0, 1), digits)
    b = np.round(np.clip(a - rng.normal(shift, 0.04, count), 0, 1), digits)
    return a, b


def main():
    rng = np.random.default_rng(11)
    pairs = []
    for count, digits, shift in [(5, 6, 0.02), (8, 2, 0.01), (13, 2, 0.0), (14, 2, 0.01), (20, 8, 0.01), (50, 9, 0.005), (51, 9, 0.005), (40, 2, 0.02), (120, 3, 0.01), (6, 1, 0.0)]:
        a, b = pair(rng, count, digits, shift)
        # Differences of decimal numbers that are equal on paper are not in binary: both sides get eighths of a thousandth.
        a, b = np.round(a * 8192) / 8192, np.round(b * 8192) / 8192
        d = a - b
        test = wilcoxon(a, b)
        nonzero = d[d != 0]
        ranks = rankdata(np.abs(nonzero))
        plus, minus = ranks[nonzero > 0].sum(), ranks[nonzero < 0].sum()
        pairs.append(dict(a=a.tolist(), b=b.tolist(), statistic=float(test.statistic), p=float(test.pvalue), mean=float(d.mean()),
                          bias_deviation=float(np.std(b - a, ddof=1)), slope=float(np.polyfit((a + b) / 2, b - a, 1)[0]),
                          cohens_d=float(d.mean() / np.std(d, ddof=1)), rank_biserial=float((plus - minus) / (plus + minus))))
    holm = []
    for count in (1, 3, 10):
        p = rng.random(count) ** 3
        holm.append(dict(p=p.tolist(), adjusted=multipletests(p, method="holm")[1].tolist()))
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "statsmodels")}
    path = ROOT / "crates/metrics/tests/data/compare.json"
    text = json.dumps({"made_by": "tests/parity/compare.py", "versions": versions, "pairs": pairs, "holm": holm}, allow_nan=False)
    path.write_text(text.replace('{"a"', '\n{"a"') + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
