"""What the peers say about made pairs of masks; writes crates/metrics/tests/data/parity.json.

    pip install numpy scipy scikit-image torch monai medpy SimpleITK surface-distance
    python tests/parity/metrics_parity.py

The masks are ellipsoids and hashed noise in whole numbers, so that the Rust test
(crates/metrics/tests/parity.rs) makes the same ones from the recipe stored beside the numbers.
"""
import importlib.metadata, json, math, pathlib, warnings
import numpy as np, scipy.ndimage, SimpleITK as sitk, torch
warnings.filterwarnings("ignore")
torch.set_num_threads(2)

# surface-distance 0.1 was written for NumPy 1 and SciPy 1.7; the names it wants have moved.
np.Inf = np.inf
for old in ("filters", "morphology"):
    if not hasattr(scipy.ndimage, old):
        setattr(scipy.ndimage, old, scipy.ndimage)
import surface_distance
from medpy.metric import binary as medpy
from monai.metrics import (compute_average_surface_distance, compute_dice, compute_generalized_dice,
                           compute_hausdorff_distance, compute_iou, compute_surface_dice)
from monai.metrics.panoptic_quality import compute_panoptic_quality
from skimage.morphology import skeletonize


def turned(spacing, degrees_x, degrees_z, flips=(1, 1, 1)):
    a, b = math.radians(degrees_x), math.radians(degrees_z)
    rx = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    rz = np.array([[math.cos(b), -math.sin(b), 0], [math.sin(b), math.cos(b), 0], [0, 0, 1]])
    return (rz @ rx @ np.diag(flips) @ np.diag(spacing)).tolist()


# Ellipsoids are (label, centre x y z, radii x y z); `noise` turns voxels whose hash is a multiple of it.
CASES = [
    dict(name="isotropic", size=[40, 36, 30], spacing=[1, 1, 1], reference=[[1, 18, 17, 14, 10, 8, 9], [2, 26, 20, 15, 6, 7, 5]],
         prediction=[[1, 20, 17, 15, 10, 9, 8], [2, 27, 21, 14, 5, 7, 6]], noise=0),
    dict(name="anisotropic_odd", size=[33, 41, 17], spacing=[0.7, 0.9, 3.0], reference=[[1, 16, 20, 8, 11, 14, 5], [2, 20, 28, 9, 5, 6, 4]],
         prediction=[[1, 18, 19, 7, 10, 15, 6], [2, 19, 30, 9, 5, 6, 3]], noise=0),
    dict(name="oblique", size=[37, 29, 23], spacing=[0.8, 1.2, 2.5], turn=[20, 35], reference=[[1, 18, 14, 11, 12, 9, 8], [2, 12, 12, 10, 5, 4, 6]],
         prediction=[[1, 19, 15, 10, 11, 8, 8], [2, 13, 12, 12, 5, 5, 5]], noise=503),
    dict(name="flipped", size=[31, 34, 20], spacing=[1.1, 0.6, 1.9], flips=[-1, -1, 1], reference=[[1, 2, 3, 4, 12, 9, 8], [2, 25, 28, 15, 9, 8, 7]],
         prediction=[[1, 4, 2, 3, 11, 9, 9], [2, 24, 30, 16, 9, 9, 6]], noise=0),
    dict(name="thin", size=[45, 38, 1], spacing=[0.9, 0.9, 5.0], reference=[[1, 20, 18, 0, 12, 10, 1], [2, 30, 22, 0, 6, 8, 1]],
         prediction=[[1, 22, 17, 0, 12, 11, 1], [2, 31, 24, 0, 5, 8, 1]], noise=0),
    dict(name="full_reference", size=[22, 19, 14], spacing=[1, 1.5, 2], reference=[[1, 11, 9, 7, 99, 99, 99]],
         prediction=[[1, 10, 9, 7, 9, 7, 5]], noise=0),
    dict(name="far", size=[70, 61, 52], spacing=[0.9, 0.9, 2.0], reference=[[1, 8, 8, 8, 6, 6, 6], [2, 60, 8, 8, 5, 5, 5]],
         prediction=[[1, 60, 52, 43, 7, 6, 5], [2, 8, 50, 40, 6, 6, 6]], noise=0),
    dict(name="single_voxels", size=[12, 13, 11], spacing=[0.5, 0.75, 1.25], reference=[[1, 2, 3, 4, 1, 1, 1], [2, 11, 12, 10, 1, 1, 1]],
         prediction=[[1, 9, 8, 7, 1, 1, 1], [2, 0, 0, 0, 1, 1, 1]], noise=0),
    dict(name="noise", size=[24, 23, 22], spacing=[1, 1, 1.5], reference=[[1, 12, 12, 11, 9, 9, 8], [2, 6, 6, 6, 4, 4, 4]],
         prediction=[[1, 13, 11, 11, 9, 8, 8], [2, 7, 6, 6, 4, 4, 4]], noise=5),
]
TARGETS = {"1": [1], "2": [2], "both": [1, 2]}


def painted(case, which):
    x, y, z = np.meshgrid(*[np.arange(n, dtype=np.int64) for n in case["size"]], indexing="ij")
    out = np.zeros(case["size"], np.uint8)
    for label, cx, cy, cz, rx, ry, rz in case[which]:
        inside = ((x - cx) * ry * rz) ** 2 + ((y - cy) * rx * rz) ** 2 + ((z - cz) * rx * ry) ** 2 <= (rx * ry * rz) ** 2
        out[inside] = label
    if case["noise"]:
        salt = 1 if which == "reference" else 2
        h = ((x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (salt * 2654435761)) & 0xFFFFFFFF
        h = (h * 2246822519 & 0xFFFFFFFF) >> 7
        turned_over = h % case["noise"] == 0
        out[turned_over] = (h[turned_over] // case["noise"] % 3).astype(np.uint8)
    return out.transpose(2, 1, 0).copy()  # z, y, x


def one(tensor):
    return float(tensor.reshape(-1)[0])


def peers(r, p, spacing):
    """Numbers of one pair of masks (bool, z y x) with spacing [z, y, x]."""
    flat = r.shape[0] == 1
    squeeze = (lambda a: a[0]) if flat else (lambda a: a)
    r_, p_, s = squeeze(r), squeeze(p), spacing[1:] if flat else spacing
    tr, tp = [torch.from_numpy(a.astype("float32"))[None, None] for a in (r_, p_)]
    m = dict(include_background=True, spacing=s)
    out = {
        "monai.dice": one(compute_dice(tp, tr)), "monai.iou": one(compute_iou(tp, tr)),
        "monai.hd": one(compute_hausdorff_distance(tp, tr, **m)),
        "monai.hd95": one(compute_hausdorff_distance(tp, tr, percentile=95, **m)),
        "monai.hd50": one(compute_hausdorff_distance(tp, tr, percentile=50, **m)),
        "monai.asd": one(compute_average_surface_distance(tp, tr, **m)),
        "monai.assd": one(compute_average_surface_distance(tp, tr, symmetric=True, **m)),
        "monai.nsd_1mm": one(compute_surface_dice(tp, tr, [1.0], **m)),
        "monai.nsd_2.5mm": one(compute_surface_dice(tp, tr, [2.5], **m)),
        "monai.nsd_1mm_subvoxel": one(compute_surface_dice(tp, tr, [1.0], use_subvoxels=True, **m)),
        "medpy.dc": float(medpy.dc(p_, r_)), "medpy.jc": float(medpy.jc(p_, r_)),
        "medpy.precision": float(medpy.precision(p_, r_)), "medpy.recall": float(medpy.recall(p_, r_)),
        "medpy.ravd": float(medpy.ravd(p_, r_)),
        "medpy.hd": float(medpy.hd(p_, r_, s)), "medpy.hd95": float(medpy.hd95(p_, r_, s)),
        "medpy.asd": float(medpy.asd(p_, r_, s)), "medpy.assd": float(medpy.assd(p_, r_, s)),
    }
    if not r_.all():  # else 0 of 0
        out["medpy.specificity"] = float(medpy.specificity(p_, r_))
    d = surface_distance.compute_surface_distances(r_, p_, s)
    a, b = surface_distance.compute_average_surface_distance(d)
    out |= {
        "deepmind.hd": float(surface_distance.compute_robust_hausdorff(d, 100)),
        "deepmind.hd95": float(surface_distance.compute_robust_hausdorff(d, 95)),
        "deepmind.asd_reference": float(a), "deepmind.asd_prediction": float(b),
        "deepmind.nsd_1mm": float(surface_distance.compute_surface_dice_at_tolerance(d, 1.0)),
        "deepmind.nsd_2.5mm": float(surface_distance.compute_surface_dice_at_tolerance(d, 2.5)),
    }
    if not flat:
        # The area of each surface in mm²; in two dimensions the peer measures lengths.
        out |= {"deepmind.area_reference": float(d["surfel_areas_gt"].sum()), "deepmind.area_prediction": float(d["surfel_areas_pred"].sum())}
    images = []
    for mask in (r, p):
        image = sitk.GetImageFromArray(mask.astype(np.uint8)); image.SetSpacing([float(v) for v in spacing[::-1]]); images.append(image)
    f = sitk.HausdorffDistanceImageFilter(); f.Execute(*images)
    o = sitk.LabelOverlapMeasuresImageFilter(); o.Execute(*images)
    out |= {
        "simple_itk.hd": f.GetHausdorffDistance(), "simple_itk.average": f.GetAverageHausdorffDistance(),
        "simple_itk.dice": o.GetDiceCoefficient(1), "simple_itk.jaccard": o.GetJaccardCoefficient(1),
        "simple_itk.volume_similarity": o.GetVolumeSimilarity(1),
    }
    instances = [scipy.ndimage.label(a, np.ones((3, 3, 3)))[0] for a in (r, p)]
    lines = [skeletonize(a, method="lee").astype(bool) for a in (r, p)]
    # scikit-image 0.26 loses small round pieces altogether (the last voxels of a piece are all taken
    # in one step); a thinning must not, so there its numbers are no yardstick.
    kept = [scipy.ndimage.label(line, np.ones((3, 3, 3)))[0].max() == i.max() for line, i in zip(lines, instances)]
    for name, line, whole in zip(("reference", "prediction"), lines, kept):
        if whole:
            out[f"skimage.skeleton_{name}"] = int(line.sum())
            z, y, x = np.nonzero(line)
            out[f"skimage.skeleton_places_{name}"] = int(((x + 31 * y + 977 * z) ** 2).sum())
    if all(kept):
        precision, recall = (lines[1] & r).sum() / lines[1].sum(), (lines[0] & p).sum() / lines[0].sum()
        out["skimage.cldice"] = float(2 * precision * recall / max(precision + recall, 1e-300))
    ti = [torch.from_numpy(a.astype("int64")) for a in instances]
    for name in ("sq", "rq", "pq"):
        value = float(compute_panoptic_quality(ti[1], ti[0], metric_name=name, smooth_numerator=0.0))
        out[f"monai.{name}"] = 0.0 if math.isnan(value) else value  # no pair: 0 of 0
    rims = [a ^ scipy.ndimage.binary_erosion(a, scipy.ndimage.generate_binary_structure(a.ndim, 1)) for a in (r_, p_)]
    out["scipy.boundary_iou"] = float((rims[0] & rims[1]).sum() / (rims[0] | rims[1]).sum())
    def inner(mask, distance):
        pad = np.pad(mask, 1)
        depth = scipy.ndimage.distance_transform_edt(pad, sampling=s)
        return (pad & (depth <= distance + 1e-9))
    rims = [inner(a, 2.0) for a in (r_, p_)]
    out["scipy.boundary_iou_2mm"] = float((rims[0] & rims[1]).sum() / (rims[0] | rims[1]).sum())
    return out


def generalised(r, p):
    onehot = [torch.from_numpy(np.stack([a == c for c in (1, 2)]).astype("float32"))[None] for a in (r, p)]
    out = {}
    for weights in ("square", "simple", "uniform"):
        value = compute_generalized_dice(onehot[1], onehot[0], include_background=True, weight_type=weights, sum_over_classes=True)
        out[f"monai.generalised_{weights}"] = one(value)
    return out


def main():
    cases = []
    for case in CASES:
        r, p = painted(case, "reference"), painted(case, "prediction")
        spacing = [float(v) for v in case["spacing"]]
        case["linear"] = turned(spacing, *case.pop("turn", [0, 0]), case.pop("flips", (1, 1, 1)))
        case["voxels"] = {key: [int(np.isin(a, labels).sum()) for a in (r, p)] for key, labels in TARGETS.items()}
        case["numbers"] = {key: peers(np.isin(r, labels), np.isin(p, labels), spacing[::-1])
                           for key, labels in TARGETS.items() if all(case["voxels"][key])}
        case["together"] = generalised(r, p)
        cases.append(case)
    names = ("numpy", "scipy", "scikit-image", "torch", "monai", "medpy", "SimpleITK", "surface-distance")
    versions = {name: importlib.metadata.version(name) for name in names}
    path = pathlib.Path(__file__).parents[2] / "crates/metrics/tests/data/parity.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"made_by": "tests/parity/metrics_parity.py", "versions": versions, "cases": cases}, indent=1, allow_nan=False) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
