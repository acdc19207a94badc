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
    return [float(f"{v:.7g}") for v in np.asarray(a, dtype=np.float64).ravel()]


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
    text = {"size": SIZE, "versions": {p: version(p) for p in packages}, "images": getattr(cases, "images", []), "cases": cases}
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


def labels_of(image):
    """Three labels on the made image's grid."""
    a = image[0]
    return ((a > 20).astype(np.int16) + (a > 90)).astype(np.int16)


class Cases(list):
    images = []

    def image(self, image):
        """The number of an image among those that are written down once."""
        if flat(image) not in self.images:
            self.images.append(flat(image))
        return self.images.index(flat(image))

    def add(self, name, peer, what, image, expected, labels=None, expected_labels=None):
        case = {"name": name, "peer": peer, **what, "image": self.image(image), "channels": len(image), "expected": flat(expected),
                "size": list(expected.shape[1:][::-1])}
        if labels is not None:
            case["labels"] = [int(v) for v in np.asarray(labels).ravel()]
            case["expected_labels"] = [int(v) for v in np.asarray(expected_labels).ravel()]
        self.append(case)


def steps(*list_of_steps):
    return {"steps": list(list_of_steps)}


def intensity(name, **numbers):
    return steps({"intensity": {name: numbers}})


def transform(name, **numbers):
    return {"transform": {name: numbers}}


def reversed_axes(matrix):
    """A matrix over [z, y, x] as one over [x, y, z]."""
    m = np.asarray(matrix, dtype=np.float64)
    out = np.eye(4)
    out[:3, :3] = m[:3, :3][::-1, ::-1]
    if m.shape[0] == 4:
        out[:3, 3] = m[:3, 3][::-1]
    return out


def about_centre(matrix):
    """From a map of places about the grid's middle to one of indices; axes [x, y, z]."""
    c = (np.array(SIZE) - 1) / 2
    out = matrix.copy()
    out[:3, 3] += c - matrix[:3, :3] @ c
    return out.tolist()


def sampling(image="linear", labels="nearest", outside="zeros"):
    return {"image": image, "labels": labels, "outside": outside}


def batchgenerators(cases):
    import torch
    from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
    from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.noise.sharpen import SharpeningTransform
    from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    peer = "batchgeneratorsv2"
    image = made(2, scale=1.0)
    tensor = lambda: torch.from_numpy(image.copy())
    idx = torch.tensor([0, 1])
    out = MultiplicativeBrightnessTransform((1, 1), False)._apply_to_image(
        tensor(), apply_to_channel=idx, multipliers=torch.tensor([0.8, 1.2]))
    cases.add("brightness", peer, intensity("brightness", channels=[[0, [0.8, 0.0]], [1, [1.2, 0.0]]]), image, out)
    for keep in (True, False):
        out = ContrastTransform((1, 1), keep, False)._apply_to_image(
            tensor(), apply_to_channel=idx, multipliers=torch.tensor([0.77, 1.21]))
        cases.add(f"contrast keep_range={keep}", peer,
                  intensity("contrast", channels=[[0, 0.77], [1, 1.21]], keep_range=keep), image, out)
    for inverted in (False, True):
        for keep in (True, False):
            n = len(idx)
            out = GammaTransform((1, 1), 0, False, 1, 1)._apply_to_image(
                tensor(), apply_to_channel=idx, retain_stats=torch.tensor([keep] * n),
                invert_image=torch.tensor([inverted] * n), gamma=torch.tensor([0.72, 1.43]))
            cases.add(f"gamma inverted={inverted} keep_statistics={keep}", peer, intensity(
                "gamma", channels=[[0, 0.72], [1, 1.43]], inverted=inverted, keep_statistics=keep), image, out)
    sigma = [[0.55, 0.8, 0.95], [0.7, 0.6, 1.0]]  # z, y, x
    out = GaussianBlurTransform((0.5, 1), benchmark=False)._apply_to_image(
        tensor(), apply_to_channel=torch.tensor([True, True]), sigmas=sigma)
    cases.add("blur", peer, intensity("blur", channels=[[c, s[::-1]] for c, s in enumerate(sigma)]), image, out)
    for clamp in (False, True):
        out = SharpeningTransform()._apply_to_image(
            tensor(), strengths=[0.2, 0.3], clamp_intensities=[clamp] * 2, apply_channel=[True, True])
        cases.add(f"sharpen keep_range={clamp}", peer,
                  intensity("sharpen", channels=[[0, 0.2], [1, 0.3]], keep_range=clamp), image, out)
    scales = torch.tensor([[0.5, 0.5, 0.5], [0.7, 0.7, 0.7]])
    coarse = [[c, [round(n * s[0].item()) for n in SIZE]] for c, s in enumerate(scales)]
    out = SimulateLowResolutionTransform((0.5, 1), False, True, None)._apply_to_image(
        tensor(), apply_to_channel=idx, scales=scales)
    cases.add("low_resolution", peer, intensity("low_resolution", channels=coarse), image, out)
    # Space: angles and scales by array axis; labels by linear votes.
    angles, zoom = [0.31, -0.22, 0.4], 1.15
    shape = list(image.shape[1:])
    for name, elastic in (("affine", False), ("elastic and affine", True)):
        labels = labels_of(made(1))
        spatial = SpatialTransform(
            shape, 0, False, p_elastic_deform=0, p_rotation=1, rotation=lambda image, dim: angles[dim], p_scaling=1,
            scaling=zoom, p_synchronize_scaling_across_axes=1, bg_style_seg_sampling=False, border_mode_seg="constant",
            padding_value_seg=-1, center_deformation=False)
        params = spatial.get_parameters(image=tensor(), segmentation=torch.from_numpy(labels[None]))
        wanted = [{"grid": {"affine": {"matrix": about_centre(reversed_axes(params["affine"])),
                                        "sampling": sampling(labels="linear")}}}]
        if elastic:
            rng = np.random.default_rng(5)
            offsets = rng.uniform(-0.8, 0.8, (*shape, 3)).astype(np.float32)
            from batchgeneratorsv2.transforms.spatial.spatial import _convert_my_grid_to_grid_sample_grid as convert
            grid = spatial._get_base_grid_clone() + torch.from_numpy(offsets)
            grid = torch.matmul(grid, torch.from_numpy(params["affine"].T).float())
            params["grid"] = convert(grid, shape)
            field = {"lattice": "linear", "size": SIZE, "first": [0.0] * 3, "step": [1.0] * 3,
                     "values": flat(offsets[..., ::-1].transpose(3, 0, 1, 2))}
            wanted.append({"grid": {"displace": {"field": field, "sampling": sampling(labels="linear")}}})
        moved = spatial._apply_to_image(tensor(), **params)
        seg = spatial._apply_to_segmentation(torch.from_numpy(labels[None]), **params)
        seg[seg == -1] = 0
        cases.add(name, peer, steps(*wanted), image, moved, labels, seg)
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    out = MirrorTransform((0, 1, 2))._apply_to_image(tensor(), axes=[0, 2])
    cases.add("flip", peer, steps({"grid": {"flip": {"axes": [True, False, True]}}}), image, out)


def monai(cases):
    import monai.transforms as m
    import torch
    peer = "monai"
    image = made(2)
    first = image[:1]
    labels = labels_of(image)
    a = lambda x: np.asarray(x)
    cases.add("window", peer, transform("window", **{"from": [-50.0, 150.0], "to": [-1.0, 1.0], "clip": True}), image,
              a(m.ScaleIntensityRange(-50, 150, -1, 1, clip=True)(image.copy())))
    for clip in (True, False):
        cases.add(f"scale_percentiles clip={clip}", peer,
                  transform("scale_percentiles", lower=5.0, upper=93.0, to=[0.0, 2.0], clip=clip), image,
                  a(m.ScaleIntensityRangePercentiles(5, 93, 0, 2, clip=clip, channel_wise=True)(image.copy())))
    for nonzero in (False, True):
        for each in (True, False):
            cases.add(f"z_score nonzero={nonzero} per_channel={each}", peer,
                      transform("z_score", nonzero=nonzero, per_channel=each), image,
                      a(m.NormalizeIntensity(nonzero=nonzero, channel_wise=each)(image.copy())))
    cases.add("scale_intensity", peer, intensity("scale_intensity", factor=1.13), image, a(m.ScaleIntensity(minv=None, maxv=None, factor=0.13)(image.copy())))
    cases.add("shift_intensity", peer, intensity("shift_intensity", offset=-7.5), image, a(m.ShiftIntensity(-7.5)(image.copy())))
    for inverted in (False, True):
        cases.add(f"gamma of monai inverted={inverted}", peer, intensity(
            "gamma", channels=[[0, 1.6]], inverted=inverted, keep_statistics=True), first,
            a(m.AdjustContrast(1.6, invert_image=inverted, retain_stats=True)(first.copy())))
    field = m.RandBiasField(degree=3, prob=1.0)
    field.set_random_state(3)
    xyz = np.ascontiguousarray(first.transpose(0, 3, 2, 1))
    out = a(field(xyz)).transpose(0, 3, 2, 1)
    cases.add("bias_field", peer, intensity("bias_field", degree=3, coefficients=list(field._coeff)), first, out)
    for alpha in (0.35, 0.6):
        cases.add(f"gibbs {alpha}", peer, intensity("gibbs", alpha=alpha), image, a(m.GibbsNoise(alpha)(torch.from_numpy(image.copy()))))
    k = np.fft.fftshift(np.fft.fftn(first[0].astype(np.float64)))
    mean = float(np.log(np.abs(k) + 1e-10).mean())
    at = (3, 1, 5)  # z, y, x
    out = a(m.KSpaceSpikeNoise(at, 1.3 * mean)(torch.from_numpy(first.copy())))
    cases.add("k_space_spike", peer, intensity("k_space_spike", at=list(at[::-1]), intensity=1.3), first, out)
    shift = m.RandHistogramShift(num_control_points=6, prob=1.0)
    shift.set_random_state(1)
    out = a(shift(torch.from_numpy(first.copy())))
    cases.add("histogram_shift", peer, intensity("histogram_shift", points=[float(v) for v in shift.floating_control_points]), first, out)
    drop = first.copy()
    drop[:, 1:4, 2:5, 0:3] = 0.5
    cases.add("coarse_dropout", "numpy", intensity("coarse_dropout", boxes=[[[0, 2, 1], [3, 3, 3]]], value=0.5), first, drop)
    reference = made(1, scale=40.0, seed=9) + 12
    shares = [2.0, 25.0, 50.0, 75.0, 98.0]
    marks, to = np.percentile(first, shares), np.percentile(reference, shares)
    slope = np.diff(to) / np.diff(marks)
    piece = np.clip(np.searchsorted(marks, first, side="right") - 1, 0, len(slope) - 1)
    cases.add("match_histogram", "numpy", transform("match_histogram", percentiles=shares, values=flat(to)), first,
              to[piece] + (first - marks[piece]) * slope[piece])
    # Space, exact. Arrays are [c, z, y, x].
    cases.add("crop_centre", peer, transform("crop_centre", size=[4, 3, -1]), image, a(m.CenterSpatialCrop((5, 3, 4))(image.copy())))
    cases.add("crop_region", peer, transform("crop_region", start=[2, 1, 0], size=[3, 4, 2]), image,
              a(m.SpatialCrop(roi_start=(0, 1, 2), roi_end=(2, 5, 5))(image.copy())))
    cases.add("crop_foreground", peer, transform("crop_foreground", above=60.0), image,
              a(m.CropForeground(select_fn=lambda x: x > 60, allow_smaller=True)(image.copy())))
    for mode, theirs in (("constant", "constant"), ("edge", "edge"), ("reflect", "reflect")):
        cases.add(f"pad {mode}", peer, transform("pad", size=[10, 6, 8], mode=mode), image,
                  a(m.SpatialPad((8, 6, 10), mode=theirs)(image.copy())))
    cases.add("pad divisible", peer, transform("pad", divisible_by=[4, 4, 4]), image, a(m.DivisiblePad(4)(image.copy())))
    for turns in (1, 2, 3):
        swap = {"grid": {"permute": {"order": [1, 0, 2]}}}
        flip = {"grid": {"flip": {"axes": [False, True, False]}}}
        both = {"grid": {"flip": {"axes": [True, True, False]}}}
        cases.add(f"rotate90 {turns}", peer, steps(*{1: [flip, swap], 2: [both], 3: [swap, flip]}[turns]), image,
                  a(m.Rotate90(turns, spatial_axes=(2, 1))(image.copy())), labels, a(m.Rotate90(turns, spatial_axes=(2, 1))(labels[None])))
    # Space, interpolated.
    cases.add("resize", peer, transform("resize", to={"size": [5, 9, 4]}), image,
              a(m.Resize((4, 9, 5), mode="trilinear", align_corners=False)(image.copy())))
    kinds = {"zeros": "zeros", "edge": "border", "reflect": "reflection"}
    rotate, shear, move, scale = (0.2, -0.3, 0.15), (0.1, -0.05, 0.0, 0.08, 0.02, -0.1), (0.7, -1.2, 0.4), (1.1, 0.9, 1.3)
    affine = dict(rotate_params=rotate, shear_params=shear, translate_params=move, scale_params=scale)
    _, matrix = m.AffineGrid(**affine)(image.shape[1:])
    index = about_centre(reversed_axes(matrix))
    for ours, theirs in kinds.items():
        go = lambda mode: m.Affine(**affine, mode=mode, padding_mode=theirs, image_only=True)
        step = {"grid": {"affine": {"matrix": index, "sampling": sampling(outside=ours)}}}
        cases.add(f"affine {ours}", peer, steps(step), image, a(go("bilinear")(image.copy())), labels,
                  a(go("nearest")(labels[None].astype(np.float32))))
    rng = np.random.default_rng(7)
    offsets = rng.uniform(-1.2, 1.2, (3, *image.shape[1:])).astype(np.float32)
    base = m.create_grid(image.shape[1:], dtype=np.float32)
    grid = torch.as_tensor(np.asarray(base)).clone().float()
    grid[:3] += torch.from_numpy(offsets)
    out = m.Resample(mode="bilinear", padding_mode="reflection")(image.copy(), grid=grid)
    field = {"lattice": "linear", "size": SIZE, "first": [0.0] * 3, "step": [1.0] * 3, "values": flat(offsets[::-1])}
    cases.add("elastic (Resample with a displaced grid)", peer,
              steps({"grid": {"displace": {"field": field, "sampling": sampling(outside="reflect")}}}), image, a(out))
    # Labels.
    out = a(m.MapLabelValue([1, 2], [7, 1])(labels[None].astype(np.int64)))
    cases.add("remap", peer, transform("remap", labels={"1": 7, "2": 1}), first, first, labels, out)
    out = a(m.RemoveSmallObjects(min_size=6, connectivity=3, independent_channels=True)((labels[None] > 0).astype(np.int64)))
    cases.add("drop_small", peer, transform("drop_small", volume=6.0, by_label=False), first, first, (labels > 0).astype(int), out)


def batches():
    import monai.transforms as m
    import torch
    cases = []
    data = np.random.default_rng(2).normal(size=(3, 1, 5, 6, 7)).astype(np.float32)
    for name, mixer in (("mix_up", m.MixUp(3, 0.6)), ("cut_mix", m.CutMix(3, 0.9))):
        mixer.set_random_state(4)
        mixer.randomize(torch.from_numpy(data))
        weights, order, start = mixer._params
        cases.append({"name": name, "weights": flat(weights), "partners": [int(v) for v in order],
                      "start": [int(v) for v in start][::-1], "batch": flat(data), "expected": flat(mixer.apply(torch.from_numpy(data)))})
    write("batches", ["monai", "torch"], cases)


def matrices():
    """nnU-Net's and MONAI's matrices from the numbers that they are made of; axes [x, y, z]."""
    import monai.transforms as m
    from batchgeneratorsv2.transforms.spatial.spatial import create_affine_matrix_3d
    rotate, shear, move, scale = (0.2, -0.3, 0.15), (0.1, -0.05, 0.0, 0.08, 0.02, -0.1), (0.7, -1.2, 0.4), (1.1, 0.9, 1.3)
    _, theirs = m.AffineGrid(rotate_params=rotate, shear_params=shear, translate_params=move, scale_params=scale, dtype=np.float64)(SIZE[::-1])
    cases = [{"name": "monai", "rotate": [float(np.degrees(v)) for v in rotate], "shear": shear, "shift": move, "scale": scale,
              "matrix": about_centre(np.asarray(theirs, dtype=np.float64))}]
    angles, zoom = (0.31, -0.22, 0.4), (1.15, 0.8, 0.95)
    theirs = create_affine_matrix_3d(angles, zoom)
    cases.append({"name": "batchgeneratorsv2", "rotate": [float(np.degrees(-v)) for v in angles[::-1]], "shear": [0.0] * 6,
                  "shift": [0.0] * 3, "scale": zoom[::-1], "matrix": about_centre(reversed_axes(theirs))})
    write("matrices", ["monai", "batchgeneratorsv2"], cases)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    nnunet_normalization()
    found = Cases()
    batchgenerators(found)
    monai(found)
    write("peers", ["monai", "batchgeneratorsv2", "torch", "numpy"], found)
    batches()
    matrices()
