"""What the peers say about made lesions and tubes: scores by lesion, topology, centre lines, distances one way; writes
crates/metrics/tests/data/lesions.json.

    pip install "numpy<2.3" scipy scikit-image SimpleITK nibabel torch monai ccmetrics panoptica gudhi "connected-components-3d<4"
    git clone https://github.com/rachitsaluja/BraTS-2023-Metrics ../BraTS-2023-Metrics   # its metrics.py at 43c9052
    python tests/parity/lesions.py ../BraTS-2023-Metrics

Masks are ellipsoids in whole numbers, so that the Rust test (crates/metrics/tests/lesions.rs) makes the same ones from
the recipe stored beside the numbers. Arrays have the axes x, y, z, as nibabel and MONAI load them.
"""
import importlib.metadata, json, pathlib, sys, tempfile, warnings
import numpy as np
warnings.filterwarnings("ignore")
np.Inf = np.inf
import gudhi, nibabel, SimpleITK as sitk, torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance
from skimage.measure import euler_number
from skimage.morphology import skeletonize

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "BraTS-2023-Metrics"
sys.path.insert(0, str(FOLDER))
import metrics as brats
from CCMetrics import CCDiceMetric
from panoptica import ConnectedComponentsInstanceApproximator, InputType, Panoptica_Evaluator
from panoptica.instance_matcher import MaxBipartiteMatching, MaximizeMergeMatching, NaiveThresholdMatching
from panoptica.metrics import Metric


def lesions(seed, size, count, largest, share_found=0.7, false=3):
    """Balls in the reference; shifted, split and false ones in the prediction."""
    rng = np.random.default_rng(seed)
    reference, prediction = [], []
    for _ in range(count):
        centre = [int(rng.integers(0, n)) for n in size]
        radii = [int(rng.integers(1, largest + 1)) for _ in range(3)]
        reference.append(centre + radii)
        if rng.random() < share_found:
            moved = [c + int(rng.integers(-1, 2)) for c in centre]
            shrunk = [max(1, r + int(rng.integers(-1, 2))) for r in radii]
            if rng.random() < 0.3:  # in two pieces
                prediction.append([moved[0] - radii[0] // 2 - 1, *moved[1:], max(1, radii[0] // 3), *shrunk[1:]])
                prediction.append([moved[0] + radii[0] // 2 + 1, *moved[1:], max(1, radii[0] // 3), *shrunk[1:]])
            else:
                prediction.append(moved + shrunk)
    for _ in range(false):
        prediction.append([int(rng.integers(0, n)) for n in size] + [int(rng.integers(1, largest + 1)) for _ in range(3)])
    return reference, prediction


def case(name, seed, size, spacing, count, largest, noise=0, **more):
    reference, prediction = lesions(seed, size, count, largest, **more)
    return dict(name=name, size=size, spacing=spacing, reference=reference, prediction=prediction, noise=noise)


CASES = [
    case("many", 1, [60, 56, 48], [1, 1, 1], 16, 5),
    case("small", 2, [40, 44, 30], [1, 1, 1], 30, 2),
    case("near", 3, [30, 28, 26], [1, 1, 1], 14, 3),
    case("thick_slices", 4, [52, 50, 20], [0.9, 0.9, 3], 12, 4),
    case("fine", 5, [46, 40, 38], [0.7, 0.8, 1.1], 10, 6),
    case("mostly_false", 6, [40, 40, 32], [1, 1, 1], 4, 4, share_found=0.2, false=10),
    case("one", 7, [30, 30, 30], [1, 1, 2], 1, 6),
    case("noise", 8, [24, 22, 20], [1, 1, 1], 6, 3, noise=19),
    dict(name="all_foreground", size=[14, 12, 10], spacing=[1, 1, 1], reference=[[7, 6, 5, 99, 99, 99]], prediction=[[7, 6, 5, 3, 4, 3]], noise=0),
    dict(name="missed", size=[20, 20, 20], spacing=[1, 1, 1], reference=[[6, 6, 6, 4, 4, 4], [15, 15, 15, 1, 1, 1]], prediction=[], noise=0),
    dict(name="spurious", size=[20, 20, 20], spacing=[1, 1, 1], reference=[], prediction=[[6, 6, 6, 4, 4, 4], [15, 15, 15, 1, 1, 1]], noise=0),
    dict(name="nothing", size=[8, 8, 8], spacing=[1, 1, 1], reference=[], prediction=[], noise=0),
]


def painted(case, which):
    x, y, z = np.meshgrid(*[np.arange(n, dtype=np.int64) for n in case["size"]], indexing="ij")
    out = np.zeros(case["size"], bool)
    for cx, cy, cz, rx, ry, rz in case[which]:
        out |= ((x - cx) * ry * rz) ** 2 + ((y - cy) * rx * rz) ** 2 + ((z - cz) * rx * ry) ** 2 <= (rx * ry * rz) ** 2
    if case["noise"]:
        salt = 1 if which == "reference" else 2
        h = ((x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (salt * 2654435761)) & 0xFFFFFFFF
        h = (h * 2246822519 & 0xFFFFFFFF) >> 7
        out ^= h % case["noise"] == 0
    return out


BRATS = {"gli": (3, 50), "men": (1, 50), "met": (1, 2)}


def brats_numbers(r, p, spacing):
    """The aggregation is that of get_LesionWiseResults, which needs pandas 1."""
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, mask in (("r", r), ("p", p)):
            image = nibabel.Nifti1Image(mask.astype(np.uint8), np.diag([*spacing, 1.0]))
            paths.append(f"{folder}/{name}.nii.gz")
            nibabel.save(image, paths[-1])
        for name, (dilation, smallest) in BRATS.items():
            tp, fn, fp, gt_tp, pairs, *_ = brats.get_LesionWiseScores(paths[1], paths[0], "WT", dilation)
            # Spacings in the file have single precision.
            large = [q for q in pairs if q[2] > smallest * (1 + 1e-6)]
            distance = [374.0 if np.isinf(q[4]) else float(q[4]) for q in large]
            count = len(large) + len(fp)
            out[f"brats.{name}.dice"] = float(sum(q[3] for q in large) / count) if count else 1.0
            out[f"brats.{name}.hd95"] = float((sum(distance) + 374 * len(fp)) / count) if count else 0.0
            out[f"brats.{name}.tp"] = sum(len(q[0]) > 0 for q in large)
            out[f"brats.{name}.fn"] = sum(len(q[0]) == 0 for q in large)
            out[f"brats.{name}.fp"] = len(fp)
            out[f"brats.{name}.lesions"] = len(pairs)
    return out


def one_hot(mask):
    return np.stack([~mask, mask]).astype(np.float32)[None]


def cc_metrics(r, p):
    metric = CCDiceMetric(cc_reduction="patient")
    metric(y_pred=one_hot(p), y=one_hot(r))
    out = {"ccmetrics.dice": float(metric.cc_aggregate()[0])}
    if r.any():
        out["ccmetrics.regions"] = metric.get_buffer()[0].flatten().tolist()
    return out


MATCHERS = {
    "naive_iou0.5": NaiveThresholdMatching(),
    "naive_iou0.1": NaiveThresholdMatching(matching_threshold=0.1),
    "naive_dice0.3": NaiveThresholdMatching(matching_metric=Metric.DSC, matching_threshold=0.3),
    "many_iou0.1": NaiveThresholdMatching(matching_threshold=0.1, allow_many_to_one=True),
    "merge_iou0.5": MaximizeMergeMatching(),
    "merge_iou0.1": MaximizeMergeMatching(matching_threshold=0.1),
    "merge_dice0.3": MaximizeMergeMatching(matching_metric=Metric.DSC, matching_threshold=0.3),
    "best_iou0.2": MaxBipartiteMatching(matching_threshold=0.2),
    "best_dice0.000001": MaxBipartiteMatching(matching_metric=Metric.DSC, matching_threshold=0.000001),
}


def panoptica(r, p, spacing):
    """Among equally good matches the numbers of the objects decide: they are ours where z, y, x are the axes."""
    r, p = [np.ascontiguousarray(mask.transpose(2, 1, 0)).astype(np.uint8) for mask in (r, p)]
    out = {}
    for name, matcher in MATCHERS.items():
        def evaluated(metrics):
            evaluator = Panoptica_Evaluator(
                expected_input=InputType.SEMANTIC, instance_approximator=ConnectedComponentsInstanceApproximator(),
                instance_matcher=matcher, instance_metrics=metrics, global_metrics=[])
            return list(evaluator.evaluate(p, r, voxelspacing=spacing[::-1], verbose=False).values())[0]
        try:
            result = evaluated([Metric.IOU, Metric.DSC, Metric.ASSD, Metric.HD95])
        except NotImplementedError:  # nothing is matched, which panoptica has no default for with HD95
            result = evaluated([Metric.IOU, Metric.DSC])
        numbers = result.to_dict()
        for key in ("tp", "fp", "fn", "rq", "sq", "pq", "sq_dsc", "pq_dsc", "sq_assd", "sq_hd95"):
            value = numbers.get(key)
            if value is not None and np.isfinite(value):
                out[f"panoptica.{name}.{key}"] = float(value)
    return out


def hits(r, p):
    """The WMH challenge's lesion detection: components at corners, any overlap."""
    components = sitk.ConnectedComponentImageFilter()
    components.SetFullyConnected(True)
    numbered = [sitk.GetArrayFromImage(components.Execute(sitk.GetImageFromArray(m.astype(np.uint8)))) for m in (r, p)]
    found = len(np.unique(numbered[0][p])) - (0 in numbered[0][p])
    right = len(np.unique(numbered[1][r])) - (0 in numbered[1][r])
    out = {"wmh.false": int(numbered[1].max() - right)}
    if r.any() and p.any():
        sensitivity, ppv = found / numbered[0].max(), right / numbered[1].max()
        out |= {"wmh.sensitivity": float(sensitivity), "wmh.ppv": float(ppv)}
        out["wmh.f1"] = float(2 * sensitivity * ppv / (sensitivity + ppv)) if sensitivity + ppv else 0.0
    return out


def topology(mask):
    """Foreground cells come first in the filtration; what lives for ever then is the mask's homology."""
    if not mask.any():
        return [0, 0, 0]
    padded = np.pad(mask, 1)
    complex = gudhi.CubicalComplex(top_dimensional_cells=np.where(padded, 0.0, 1.0))
    complex.compute_persistence()
    betti = complex.persistent_betti_numbers(0.0, 0.5)
    betti = [int(b) for b in (list(betti) + [0, 0, 0])[:3]]
    assert betti[0] - betti[1] + betti[2] == euler_number(mask, connectivity=mask.ndim)
    return betti


def distances(r, p, spacing):
    if not (r.any() and p.any()):
        return {}
    tr, tp = [torch.from_numpy(a.astype("float32"))[None, None] for a in (r, p)]
    m = dict(include_background=True, spacing=spacing)
    return {
        "monai.asd": float(compute_average_surface_distance(tp, tr, **m)),
        "monai.asd_from_reference": float(compute_average_surface_distance(tr, tp, **m)),
        "monai.hd95_from_prediction": float(compute_hausdorff_distance(tp, tr, percentile=95, directed=True, **m)),
        "monai.hd95_from_reference": float(compute_hausdorff_distance(tr, tp, percentile=95, directed=True, **m)),
    }


# Tubes: boxes in whole numbers; their skeletons have no small round pieces, which scikit-image 0.26 loses.
TUBES = [
    dict(name="branches", size=[40, 36, 30], reference=[[4, 36, 15, 18, 12, 15], [18, 21, 4, 32, 12, 15], [18, 21, 15, 18, 2, 28]],
         prediction=[[2, 30, 15, 18, 13, 16], [18, 21, 10, 34, 12, 15], [18, 20, 16, 18, 8, 28]]),
    dict(name="loop", size=[34, 34, 12], reference=[[5, 29, 5, 8, 4, 7], [5, 29, 26, 29, 4, 7], [5, 8, 5, 29, 4, 7], [26, 29, 5, 29, 4, 7]],
         prediction=[[5, 29, 5, 9, 4, 7], [5, 20, 26, 29, 4, 7], [4, 8, 5, 29, 4, 7], [26, 29, 5, 29, 4, 7]]),
    dict(name="slice", size=[40, 40, 1], reference=[[3, 37, 18, 22, 0, 1], [18, 22, 3, 37, 0, 1]], prediction=[[6, 39, 19, 23, 0, 1], [17, 20, 3, 30, 0, 1]]),
]


def boxes(case, which):
    out = np.zeros(case["size"], bool)
    for x0, x1, y0, y1, z0, z1 in case[which]:
        out[x0:x1, y0:y1, z0:z1] = True
    return out


def tubes(case):
    r, p = boxes(case, "reference"), boxes(case, "prediction")
    # The thinning goes through the sides of z, y, x in turn.
    lines = [skeletonize(np.ascontiguousarray(m.transpose(2, 1, 0)), method="lee").astype(bool).transpose(2, 1, 0) for m in (r, p)]
    precision, sensitivity = (lines[1] & r).sum() / lines[1].sum(), (lines[0] & p).sum() / lines[0].sum()
    flat = case["size"][2] == 1
    betti = [topology(m[:, :, 0] if flat else m) for m in (r, p)]
    return {
        "skimage.cldice_precision": float(precision), "skimage.cldice_sensitivity": float(sensitivity),
        "skimage.cldice": float(2 * precision * sensitivity / (precision + sensitivity)),
        "gudhi.betti": betti,
    }


def main():
    for case in CASES:
        r, p = painted(case, "reference"), painted(case, "prediction")
        spacing = tuple(float(s) for s in case["spacing"])
        case["voxels"] = [int(r.sum()), int(p.sum())]
        numbers = brats_numbers(r, p, spacing) | cc_metrics(r, p) | hits(r, p) | distances(r, p, spacing)
        if r.any() and p.any():
            numbers |= panoptica(r, p, spacing)
        numbers["gudhi.betti"] = [topology(r), topology(p)]
        case["numbers"] = numbers
        print(case["name"], case["voxels"], len(numbers), flush=True)
    for case in TUBES:
        case["numbers"] = tubes(case)
    names = ("numpy", "scipy", "scikit-image", "SimpleITK", "torch", "monai", "CCMetrics", "panoptica", "gudhi", "connected-components-3d")
    versions = {name: importlib.metadata.version(name) for name in names} | {"BraTS-2023-Metrics": "43c9052"}
    path = ROOT / "crates/metrics/tests/data/lesions.json"
    text = json.dumps({"made_by": "tests/parity/lesions.py", "versions": versions, "cases": CASES, "tubes": TUBES}, allow_nan=False)
    path.write_text(text.replace('{"name"', '\n{"name"') + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
