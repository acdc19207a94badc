"""Small inputs and what the peers make of them, for `crates/filters/tests/parity`.

    python tests/parity/filters_peers.py crates/filters/tests/data

Writes `peers.json` (versions, and where each array lies) and `peers.bin` (little-endian arrays, x fastest).
Geometries are RAS+; SimpleITK images get the same grid in LPS.
"""
import json, pathlib, sys, warnings
import numpy as np, scipy, scipy.ndimage as ndi, SimpleITK as sitk, cc3d, nibabel, nibabel.processing, monai, skimage, torch, nnunetv2
from importlib.metadata import version

warnings.filterwarnings("ignore")
torch.set_num_threads(2)
arrays, blobs, grids, numbers = {}, [], {}, {}
rng = np.random.default_rng(7)

def store(name, a, dtype=None):
    """`a` in [z, y, x] order."""
    a = np.ascontiguousarray(a if dtype is None else np.asarray(a).astype(dtype))
    arrays[name] = {"dtype": a.dtype.name, "shape": list(a.shape), "offset": sum(map(len, blobs))}
    blobs.append(a.tobytes())

def grid(name, size, spacing, origin, rotation=(0, 0, 0), flip=(1, 1, 1)):
    c, s = np.cos(rotation), np.sin(rotation)
    rx = np.array([[1, 0, 0], [0, c[0], -s[0]], [0, s[0], c[0]]])
    ry = np.array([[c[1], 0, s[1]], [0, 1, 0], [-s[1], 0, c[1]]])
    rz = np.array([[c[2], -s[2], 0], [s[2], c[2], 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rx @ ry @ rz @ np.diag(np.array(spacing) * flip)
    affine[:3, 3] = origin
    grids[name] = {"size": list(size), "affine": affine.tolist()}
    return affine

LPS = np.diag([-1.0, -1, 1, 1])

def image(a, affine):
    i = sitk.GetImageFromArray(a)
    place(i, affine)
    return i

def place(i, affine):
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    i.SetSpacing(spacing.tolist()); i.SetOrigin(lps[:3, 3].tolist()); i.SetDirection((lps[:3, :3] / spacing).ravel().tolist())

def reference(name):
    g = grids[name]
    i = sitk.Image(g["size"], sitk.sitkUInt8)
    place(i, np.array(g["affine"]))
    return i

def out(name, i, dtype=None):
    store(name, sitk.GetArrayFromImage(i), dtype)

SIZE = (12, 11, 9)
A = grid("oblique", SIZE, (0.8, 1.1, 2.5), (-7, 12, 30), (0.2, -0.3, 0.5), (1, -1, 1))
grid("finer", (14, 15, 17), (0.55, 0.7, 1.2), (A @ [0.4, 0.3, 0.2, 1])[:3], (0.2, -0.3, 0.5), (1, -1, 1))
grid("flipped", (9, 13, 11), (1.0, 0.9, 2.0), (A @ [10.71, 9.63, 8.33, 1])[:3], (0.2, -0.3, 0.5), (-1, 1, -1))
grid("turned", (13, 12, 10), (0.7, 1.0, 1.9), (A @ [1.2, -0.3, 0.6, 1])[:3], (-0.1, 0.2, 0.7), (1, -1, 1))
THIN = grid("thin", (13, 10, 1), (0.9, 1.3, 5.0), (3, 4, 5), (0, 0, 0.4))
grid("thin_finer", (17, 15, 1), (0.6, 0.8, 5.0), (THIN @ [0.3, 0.2, 0, 1])[:3], (0, 0, 0.4))

noise = rng.normal(size=SIZE[::-1])
smooth = ndi.gaussian_filter(noise, 1.0)
v64 = 500 + 800 * smooth + 40 * noise
v32 = v64.astype(np.float32)
v16 = v64.round().astype(np.int16)
thin = (300 + 200 * rng.normal(size=(1, 10, 13))).astype(np.float32)
labels = (np.digitize(ndi.gaussian_filter(noise, 1.2), [-0.05, 0.06, 0.16])).astype(np.uint8)
mask = (ndi.gaussian_filter(rng.normal(size=(9, 12, 66)), 1.1) > 0.05).astype(np.uint8)
M = grid("mask", (66, 12, 9), (0.7, 1.0, 2.5), (0, 0, 0))
store("image64", v64); store("image16", v16); store("thin", thin); store("labels", labels); store("mask", mask)
im32, im64, im16 = image(v32, A), image(v64, A), image(v16, A)
imthin, imlabels, immask = image(thin, THIN), image(labels, A), image(mask, M)

# Resampling
HOW = {"nearest": sitk.sitkNearestNeighbor, "linear": sitk.sitkLinear, "cubic": sitk.sitkBSpline}
for target in ("finer", "flipped", "turned"):
    for how, code in HOW.items():
        out(f"itk_{how}_{target}_64", sitk.Resample(im64, reference(target), sitk.Transform(), code, -50.0))
for how, code in HOW.items():
    out(f"itk_{how}_turned_32", sitk.Resample(im32, reference("turned"), sitk.Transform(), code, -50.0))
    out(f"itk_{how}_finer_32", sitk.Resample(im32, reference("finer"), sitk.Transform(), code, -50.0))
    out(f"itk_{how}_thin_32", sitk.Resample(imthin, reference("thin_finer"), sitk.Transform(), code, -50.0))
for how in ("linear", "cubic"):
    out(f"itk_{how}_turned_16", sitk.Resample(im16, reference("turned"), sitk.Transform(), HOW[how], -50))
out("itk_labels_nearest_turned", sitk.Resample(imlabels, reference("turned"), sitk.Transform(), sitk.sitkNearestNeighbor, 0))
out("itk_labels_gaussian_turned", sitk.Resample(imlabels, reference("turned"), sitk.Transform(), sitk.sitkLabelGaussian, 0))
out("itk_labels_linear_turned", sitk.Resample(imlabels, reference("turned"), sitk.Transform(), sitk.sitkLabelLinear, 0))
affine = sitk.AffineTransform(3)
matrix = np.array([[1.05, 0.1, 0.02], [-0.08, 0.95, 0.05], [0.03, -0.04, 1.1]]); shift = np.array([1.5, -0.7, 2.0])
affine.SetMatrix((LPS[:3, :3] @ matrix @ LPS[:3, :3]).ravel().tolist()); affine.SetTranslation((LPS[:3, :3] @ shift).tolist())
numbers["affine_map"] = np.vstack([np.hstack([matrix, shift[:, None]]), [0, 0, 0, 1]]).tolist()
out("itk_linear_affine_64", sitk.Resample(im64, reference("turned"), affine, sitk.sitkLinear, -50.0))
field = rng.normal(size=(*reversed(grids["turned"]["size"]), 3)); field = ndi.gaussian_filter(field, (1.5, 1.5, 1.5, 0)) * 4
store("field", np.moveaxis(field, -1, 0))
lps_field = sitk.GetImageFromArray(field * [-1, -1, 1], isVector=True); place(lps_field, np.array(grids["turned"]["affine"]))
moved = sitk.DisplacementFieldTransform(sitk.Image(lps_field))
out("itk_linear_field_64", sitk.Resample(im64, reference("turned"), moved, sitk.sitkLinear, -50.0))
spaced = monai.transforms.Spacing(pixdim=(1.0, 1.0, 1.0), mode="bilinear", padding_mode="border", dtype=np.float64)
got = spaced(monai.data.MetaTensor(torch.from_numpy(v64.transpose(2, 1, 0)[None].copy()), affine=torch.from_numpy(A)))
store("monai_linear", got[0].numpy().transpose(2, 1, 0)); numbers["monai_affine"] = got.affine.numpy().tolist()
for target in ("finer", "turned"):
    g = grids[target]
    got = nibabel.processing.resample_from_to(nibabel.Nifti1Image(v64.transpose(2, 1, 0), A), (g["size"], np.array(g["affine"])), order=3, cval=-50.0)
    store(f"nibabel_cubic_{target}", got.get_fdata().transpose(2, 1, 0))
from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape as nnunet
for name, shape, old, new in (("all", [13, 9, 17], [2.5, 1.1, 0.8], [1.7, 1.3, 0.6]), ("z", [14, 9, 17], [5.0, 1.1, 0.8], [3.0, 1.3, 0.6]),
                              ("x", [13, 9, 17], [1.0, 1.1, 5.0], [0.7, 1.3, 3.5]), ("down", [5, 6, 7], [2.5, 1.1, 0.8], [4.0, 2.0, 1.4]),
                              ("double", [18, 22, 24], [2.5, 1.1, 0.8], [1.25, 0.55, 0.4])):
    numbers[f"nnunet_{name}"] = {"size": shape[::-1], "from": old[::-1], "to": new[::-1]}
    store(f"nnunet_data_{name}", nnunet(v64[None], shape, old, new, is_seg=False, order=3, order_z=0, force_separate_z=None)[0])
    store(f"nnunet_linear_{name}", nnunet(v64[None], shape, old, new, is_seg=False, order=1, order_z=0, force_separate_z=None)[0])
    store(f"nnunet_labels_{name}", nnunet(labels[None], shape, old, new, is_seg=True, order=1, order_z=0, force_separate_z=None)[0], np.uint8)

# Smoothing and derivatives
for bits, i in ((32, im32), (64, im64)):
    out(f"recursive_{bits}", sitk.SmoothingRecursiveGaussian(i, [1.5, 0.9, 3.0]))
    out(f"discrete_{bits}", sitk.DiscreteGaussian(i, [2.0, 1.0, 6.0]))
    out(f"gradient_{bits}", sitk.GradientMagnitude(i))
    out(f"laplacian_{bits}", sitk.Laplacian(i))
    out(f"sharpened_{bits}", sitk.LaplacianSharpening(i))
    out(f"diffused_{bits}", sitk.CurvatureAnisotropicDiffusion(i, timeStep=0.04, conductanceParameter=3.0, numberOfIterations=4))
out("recursive_large_32", sitk.SmoothingRecursiveGaussian(im32, [8.0, 8.0, 8.0]))
for order, code in (("first", sitk.RecursiveGaussianImageFilter.FirstOrder), ("second", sitk.RecursiveGaussianImageFilter.SecondOrder)):
    for axis in (0, 2):
        f = sitk.RecursiveGaussianImageFilter(); f.SetSigma(2.0); f.SetOrder(code); f.SetDirection(axis)
        out(f"recursive_{order}_{axis}", f.Execute(im64))
out("unsharp_64", sitk.UnsharpMask(im64, sigmas=[1.5, 1.5, 3.0], amount=0.7, threshold=5.0))
for r in ((1, 1, 1), (2, 1, 0)):
    out("median_" + "".join(map(str, r)), sitk.Median(im64, r))

# Masks
KERNELS = {"ball": sitk.sitkBall, "box": sitk.sitkBox, "cross": sitk.sitkCross}
for name, kernel in KERNELS.items():
    for r in ((1, 1, 1), (3, 2, 1)):
        key = f"{name}_" + "".join(map(str, r))
        out(f"dilate_{key}", sitk.BinaryDilate(immask, r, kernel)); out(f"erode_{key}", sitk.BinaryErode(immask, r, kernel))
        out(f"open_{key}", sitk.BinaryMorphologicalOpening(immask, r, kernel)); out(f"close_{key}", sitk.BinaryMorphologicalClosing(immask, r, kernel))
shell = np.zeros((9, 12, 66), np.uint8); shell[1:-1, 1:-1, 1:-1] = 1 - mask[1:-1, 1:-1, 1:-1] * (rng.random(shell[1:-1, 1:-1, 1:-1].shape) < 0.4)
store("shell", shell)
out("fill_holes_itk", sitk.BinaryFillhole(image(shell, M))); out("fill_holes_itk_full", sitk.BinaryFillhole(image(shell, M), True))
store("fill_holes_scipy", ndi.binary_fill_holes(shell), np.uint8)
out("components_itk_faces", sitk.ConnectedComponent(immask, False), np.uint16); out("components_itk_corners", sitk.ConnectedComponent(immask, True), np.uint16)
for c in (6, 18, 26):
    store(f"components_cc3d_{c}", cc3d.connected_components(labels, connectivity=c), np.uint16)
store("largest_cc3d", cc3d.largest_k(mask.astype(bool), k=1, connectivity=26), np.uint8)
out("signed_distance", sitk.SignedMaurerDistanceMap(immask, squaredDistance=False, useImageSpacing=True, insideIsPositive=False))
store("distance_scipy", ndi.distance_transform_edt(mask, sampling=(2.5, 1.0, 0.7)))
marker = v64 - 60; store("marker", marker)
out("reconstructed_6", sitk.ReconstructionByDilation(image(marker, A), im64, False)); out("reconstructed_26", sitk.ReconstructionByDilation(image(marker, A), im64, True))
out("eroded_26", sitk.ReconstructionByErosion(image(v64 + 60, A), im64, True))
out("contour_faces", sitk.BinaryContour(immask, False)); out("contour_corners", sitk.BinaryContour(immask, True))
out("label_contour", sitk.LabelContour(imlabels, False))
markers = np.zeros(SIZE[::-1], np.uint8); markers[1, 2, 3] = 1; markers[7, 8, 9] = 2; markers[4, 5, 10] = 3; markers[6, 1, 1] = 4
store("markers", markers)
relief = sitk.Cast(im16, sitk.sitkInt16)
for line in (False, True):
    for full in (False, True):
        out(f"watershed_{int(line)}{int(full)}", sitk.MorphologicalWatershedFromMarkers(relief, image(markers, A), line, full))

# Intensity
out("rescaled", sitk.RescaleIntensity(im64, -1.0, 2.0)); out("windowed", sitk.IntensityWindowing(im64, 300.0, 700.0, 0.0, 255.0))
out("clamped", sitk.Clamp(im64, sitk.sitkFloat64, 350.0, 650.0)); out("normalised", sitk.Normalize(im64))
reference_image = np.exp(ndi.gaussian_filter(rng.normal(size=SIZE[::-1]), 1.0) * 3) * 200; store("histogram_reference", reference_image)
out("matched", sitk.HistogramMatching(im64, image(reference_image, A), 128, 9, True)); out("matched_plain", sitk.HistogramMatching(im64, image(reference_image, A), 64, 5, False))
f = sitk.OtsuThresholdImageFilter(); f.SetNumberOfHistogramBins(128); f.Execute(im64); numbers["otsu"] = f.GetThreshold()
for n in (1, 2, 3):
    f = sitk.OtsuMultipleThresholdsImageFilter(); f.SetNumberOfThresholds(n); f.SetNumberOfHistogramBins(64); out_labels = f.Execute(im64)
    numbers[f"multi_otsu_{n}"] = list(f.GetThresholds())
out("multi_otsu_labels_3", out_labels, np.uint8)
store("clahe_image", rng.random((16, 24, 20)) ** 2 * ndi.gaussian_filter(rng.random((16, 24, 20)), 3))
z, y, x = np.mgrid[0:20, 0:24, 0:28]
bias = np.exp(0.35 * np.sin(x / 14) + 0.25 * np.cos(y / 11) - 0.2 * (z / 20))
tissue = np.where((x - 14) ** 2 + (y - 12) ** 2 + (z - 10) ** 2 < 60, 180.0, 100.0)
biased = (tissue * bias + rng.normal(0, 1.0, x.shape)).astype(np.float32); store("biased", biased); store("bias", bias, np.float32)
grid("biased", (28, 24, 20), (2.0, 2.0, 2.5), (0, 0, 0))
n4 = sitk.N4BiasFieldCorrectionImageFilter(); n4.SetMaximumNumberOfIterations([30, 30, 30])
bi = image(biased, np.array(grids["biased"]["affine"]))
n4.Execute(bi, image(np.ones(biased.shape, np.uint8), np.array(grids["biased"]["affine"]))); out("n4_log_field", n4.GetLogBiasFieldAsImage(bi), np.float32)

# Statistics
shape = sitk.LabelShapeStatisticsImageFilter(); shape.Execute(imlabels)
weights = sitk.LabelIntensityStatisticsImageFilter(); weights.Execute(imlabels, im64)
numbers["shape"] = {str(l): {"size": shape.GetPhysicalSize(l), "voxels": shape.GetNumberOfPixels(l), "centroid_lps": shape.GetCentroid(l), "box": shape.GetBoundingBox(l),
                             "moments": shape.GetPrincipalMoments(l), "axes_lps": shape.GetPrincipalAxes(l)} for l in shape.GetLabels()}
numbers["intensity"] = {str(l): {"mean": weights.GetMean(l), "sigma": weights.GetStandardDeviation(l), "minimum": weights.GetMinimum(l), "maximum": weights.GetMaximum(l), "sum": weights.GetSum(l),
                                 "skewness": weights.GetSkewness(l), "kurtosis": weights.GetKurtosis(l), "centre_of_gravity_lps": weights.GetCenterOfGravity(l)} for l in weights.GetLabels()}
from skimage.measure import marching_cubes, mesh_surface_area
ball = np.sqrt(((np.mgrid[0:17, 0:19, 0:21] - np.array([8, 9, 10])[:, None, None, None]) ** 2).sum(0)); store("ball_distance", ball)
verts, faces, _, _ = marching_cubes(ball, 6.3, spacing=(1.0, 1.0, 1.0), method="lorensen")
numbers["ball_area"] = float(mesh_surface_area(verts, faces)); numbers["ball_triangles"] = len(faces)

# scikit-image's CLAHE of an image from 0 to 1; nibabel's grid along the world's axes
from skimage.exposure import equalize_adapthist
hist = rng.random((16, 24, 20)) ** 2 * ndi.gaussian_filter(rng.random((16, 24, 20)), 3); hist = (hist - hist.min()) / (hist.max() - hist.min())
store("clahe_unit", hist)
store("clahe_scikit_default", equalize_adapthist(hist))
for name, tile, limit, bins in (("uneven", (5, 7, 6), 0.05, 128), ("large", (16, 30, 9), 0.02, 64), ("unlimited", (4, 6, 5), 0.0, 256)):
    numbers[f"clahe_{name}"] = {"tile": tile[::-1], "clip_limit": limit, "bins": bins}
    store(f"clahe_scikit_{name}", equalize_adapthist(hist, kernel_size=tile, clip_limit=limit, nbins=bins))
got = nibabel.processing.resample_to_output(nibabel.Nifti1Image(v64.transpose(2, 1, 0), A), (0.9, 1.0, 2.0), order=3, cval=-50.0)
grids["nibabel_output"] = {"size": list(got.shape), "affine": got.affine.tolist()}
store("nibabel_output", got.get_fdata().transpose(2, 1, 0))

# Masks at the edge of what a mask can be
grid("edge", (13, 9, 7), (0.7, 1.0, 2.5), (0, 0, 0)); grid("slice", (66, 12, 1), (0.7, 1.0, 2.5), (0, 0, 0))
single = np.zeros((7, 9, 13), np.uint8); single[3, 0, 12] = 1
for name, place_on, m in (("empty", "edge", single * 0), ("full", "edge", single * 0 + 1), ("single", "edge", single), ("slice", "slice", mask[4:5])):
    m = np.ascontiguousarray(m); i = image(m, np.array(grids[place_on]["affine"])); store(f"mask_{name}", m)
    out(f"dilate_{name}", sitk.BinaryDilate(i, (2, 1, 1), sitk.sitkBall)); out(f"erode_{name}", sitk.BinaryErode(i, (2, 1, 1), sitk.sitkBall))
    out(f"open_{name}", sitk.BinaryMorphologicalOpening(i, (1, 1, 1), sitk.sitkBox)); out(f"close_{name}", sitk.BinaryMorphologicalClosing(i, (1, 1, 1), sitk.sitkBox))
    out(f"fill_{name}", sitk.BinaryFillhole(i)); out(f"components_{name}", sitk.ConnectedComponent(i, True), np.uint16)
    store(f"cc3d_{name}", cc3d.connected_components(m, connectivity=26), np.uint16)
    if name not in ("empty", "full"): store(f"distance_{name}", ndi.distance_transform_edt(1 - m, sampling=(2.5, 1.0, 0.7)))
    out(f"contour_{name}", sitk.BinaryContour(i, True))

folder = pathlib.Path(sys.argv[1]); folder.mkdir(parents=True, exist_ok=True)
versions = {n: version(n) for n in ("SimpleITK", "scipy", "connected-components-3d", "monai", "nnunetv2", "nibabel", "scikit-image", "numpy", "torch")}
(folder / "peers.bin").write_bytes(b"".join(blobs))
(folder / "peers.json").write_text(json.dumps({"made_by": "tests/parity/filters_peers.py", "versions": versions, "grids": grids, "arrays": arrays, "numbers": numbers}, indent=1, default=list))
print(sum(map(len, blobs)), "bytes", len(arrays), "arrays")
