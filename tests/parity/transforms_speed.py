"""What nnU-Net's augmentation takes in batchgeneratorsv2, case by case, for side-by-side ratios.

    pip install torch batchgeneratorsv2 nnunetv2
    python tests/parity/transforms_speed.py [CASE ...]     # prints case<TAB>batchgeneratorsv2<TAB>ms
    python tests/parity/transforms_speed.py list

`crates/transforms/examples/augmentation_speed.rs` takes the same arguments and prints the same form for
the same work: a patch of 2 x 128^3 voxels with three labels, in memory before the clock starts. `recipe_`
is the mean over DRAWS (100) samples, the others the median of 9. Two threads each (set with THREADS).
"""
import os, statistics, sys, time

THREADS, DRAWS = int(os.environ.get("THREADS", "2")), int(os.environ.get("DRAWS", "100"))
CASES = {}


def case(name):
    return lambda f: CASES.setdefault(name, f) and f


def patch(side=128):
    import numpy as np, torch
    z, y, x = np.mgrid[0:side, 0:side, 0:side].astype(np.float32)
    rng = np.random.default_rng(0)
    image = np.stack([np.sin(x / 9 + c) * np.cos(y / 11) * np.sin(z / 7) + rng.uniform(0, 0.1, x.shape) for c in (0, 1)])
    seg = (image[:1] > 0.3).astype(np.int16) + (image[:1] > 0.7)
    return torch.from_numpy(image.astype(np.float32)), torch.from_numpy(seg.astype(np.int16))


def emit(name, transform, runs, middle):
    import torch
    torch.set_num_threads(THREADS)
    image, seg = patch()
    took = []
    for _ in range(runs + 1):
        data = {"image": image.clone(), "segmentation": seg.clone()}
        start = time.perf_counter()
        transform(**data)
        took.append(time.perf_counter() - start)
    print(f"{name}\tbatchgeneratorsv2\t{middle(took[1:]) * 1e3:.2f}", flush=True)


def one(name, make):
    CASES[name] = lambda n: emit(n, make(), 9, statistics.median)


@case("recipe_nnunet_3d")
def _(n):
    import numpy as np
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
    turn = 30 / 360 * 2 * np.pi
    chain = nnUNetTrainer.get_training_transforms((128,) * 3, (-turn, turn), None, (0, 1, 2), False)
    # The blur times convolution against Fourier transforms at first; let it.
    for t in chain.transforms:
        inner = getattr(t, "transform", t)
        if type(inner).__name__ == "GaussianBlurTransform":
            for _ in range(6):
                inner(image=patch()[0])
    emit(n, chain, DRAWS, statistics.mean)


def spatial():
    import numpy as np
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    turn = 30 / 360 * 2 * np.pi
    return SpatialTransform((128,) * 3, 0, False, p_rotation=1, rotation=(-turn, turn), p_scaling=1, scaling=(0.7, 1.4),
                            p_synchronize_scaling_across_axes=1, bg_style_seg_sampling=False, border_mode_seg="constant",
                            padding_value_seg=-1)


def lazily(path, *arguments, **named):
    def make():
        import importlib
        module, name = path.rsplit(".", 1)
        return getattr(importlib.import_module(f"batchgeneratorsv2.transforms.{module}"), name)(*arguments, **named)
    return make


def contrast(low, high):
    def sample(*_, **__):
        from batchgeneratorsv2.transforms.intensity.contrast import BGContrast
        return BGContrast((low, high))()
    return sample


one("affine", spatial)
one("gaussian_noise", lazily("intensity.gaussian_noise.GaussianNoiseTransform", (0, 0.1), 1, True))
one("blur", lazily("noise.gaussian_blur.GaussianBlurTransform", (0.5, 1.0), False, False, 1, True))
one("brightness", lazily("intensity.brightness.MultiplicativeBrightnessTransform", contrast(0.75, 1.25), False, 1))
one("contrast", lazily("intensity.contrast.ContrastTransform", contrast(0.75, 1.25), True, False, 1))
one("low_resolution", lazily("spatial.low_resolution.SimulateLowResolutionTransform", (0.5, 1), False, True, None, None, 1))
one("gamma", lazily("intensity.gamma.GammaTransform", contrast(0.7, 1.5), 0, False, 1, 1))
@case("mirror")
def _(n):
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    t = MirrorTransform((0, 1, 2))
    emit(n, lambda **d: t.apply(d, axes=[0, 1, 2]), 9, statistics.median)

if __name__ == "__main__":
    wanted = sys.argv[1:]
    if wanted == ["list"]:
        print("\n".join(CASES))
        sys.exit()
    for name in wanted or CASES:
        CASES[name](name)
