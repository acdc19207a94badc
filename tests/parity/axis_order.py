"""MONAI's inferers around networks whose tensors are `[N, C, X, Y(, Z)]`: the numbers that
`crates/inferers/tests/monai.rs` compares `axis_order: xyz` with.

    pip install torch monai nnunetv2
    python tests/parity/axis_order.py ../shared/golden/networks

Every network of the golden set goes over a square and an oblong volume: 3-D ones by windows, 2-D ones by slices
along each axis and by whole slices. Arrays are `[x, y, z]`, as MONAI loads a NIfTI file.
"""
import importlib, json, pathlib, sys
import monai, numpy as np, torch
from monai.inferers import SliceInferer, SlidingWindowInferer

GOLDEN = pathlib.Path(sys.argv[1])
OUT = pathlib.Path(__file__).resolve().parents[2] / "crates/inferers/tests/data/axis_order.json"


def build(a):
    if "_target_" in a:
        a = dict(a)
        return getattr(monai.networks.nets, a.pop("_target_").rsplit(".", 1)[1])(**a)
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    return get_network_from_plans(a["network_class_name"], a["arch_kwargs"], a["_kw_requires_import"], a["input_channels"], a["num_classes"], deep_supervision=False)


def volume(size, channels):
    """The same formula stands in the test: a smooth function of the index, in float64, rounded once."""
    i, j, k = np.meshgrid(*[np.arange(n) for n in size], indexing="ij")
    one = lambda c: np.sin(0.3 * i + c) + np.cos(0.2 * j) * 0.5 + 0.1 * k - 0.02 * i * c
    return torch.from_numpy(np.stack([one(c) for c in range(channels)]).astype(np.float32))[None]


def case(name, size, channels, run, words):
    with torch.inference_mode():
        out = run(volume(size, channels))[0].float()
    # Our order: x fastest.
    values = out.permute(0, 3, 2, 1).flatten()
    step = values.numel() // 60
    return {"network": name, "size": size, "channels": channels, "inferer": words, "every": step, "values": [round(float(v), 6) for v in values[::step]], "sum": float(values.double().abs().sum())}


cases = []
for folder in sorted(GOLDEN.iterdir()):
    architecture = json.loads((folder / "architecture.json").read_text())
    channels = architecture.get("in_channels", architecture.get("input_channels"))
    net = build(architecture).eval()
    net.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    first = lambda x: (lambda y: y[0] if isinstance(y, (list, tuple)) else y)(net(x))
    if "2d" in folder.name:
        for size, patch in [([32, 32, 32], [16, 16, 16]), ([36, 52, 20], [32, 48, 16])]:
            for axis in range(3):
                plane = [n for a, n in enumerate(patch) if a != axis]
                slices = SliceInferer(roi_size=plane, spatial_dim=axis, sw_batch_size=4, overlap=0.25, mode="constant")
                words = {"slice": {"axis": "xyz"[axis], "patch_size": plane, "overlap": 0.25, "blending": "constant", "batch_size": 4}}
                cases.append(case(folder.name, size, channels, lambda x: slices(x, first), words))
            cases.append(case(folder.name, size, channels, lambda x: torch.stack([first(x[..., z]) for z in range(x.shape[-1])], -1), {"simple": {}}))
    else:
        for size, patch in [([32, 32, 32], [32, 32, 32]), ([40, 64, 33], [32, 64, 32])]:
            if architecture.get("img_size"):
                patch = architecture["img_size"]
            if "swin" in folder.name:  # Its innermost norm needs more than one voxel.
                size, patch = [max(64, size[0]), *size[1:]], [64, 32, 32]
            windows = SlidingWindowInferer(patch, sw_batch_size=1, overlap=0.25, mode="gaussian")
            words = {"sliding_window": {"patch_size": patch, "overlap": 0.25, "blending": "gaussian", "batch_size": 1}}
            cases.append(case(folder.name, size, channels, lambda x: windows(x, first), words))

OUT.write_text(json.dumps({"monai": monai.__version__, "torch": torch.__version__, "script": "tests/parity/axis_order.py", "cases": cases}))
print(OUT.name, len(cases), "cases", OUT.stat().st_size, "bytes")
